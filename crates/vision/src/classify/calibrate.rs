//! One temperature for all logits, so that a confidence of 0.7 is right seven times in ten
//! (Guo et al., "On Calibration of Modern Neural Networks", 2017).

use super::softmax::softmax;

/// Temperatures that are looked at, as natural logarithms.
const RANGE: (f32, f32) = (-3.0, 3.0);
/// Each leaves two thirds of the range: a thousandth of it remains.
const ROUNDS: usize = 18;

/// The temperature under which the right classes were most likely, or 1 where there is nothing to learn from. There
/// is one valley: the surprise is convex in the temperature's inverse.
pub(super) fn temperature(logits: &[Vec<f32>], classes: &[usize]) -> f32 {
    if classes.is_empty() {
        return 1.0;
    }
    let (mut low, mut high) = RANGE;
    for _ in 0..ROUNDS {
        let third = (high - low) / 3.0;
        let [left, right] = [low + third, high - third];
        if surprise(logits, classes, left.exp()) <= surprise(logits, classes, right.exp()) {
            high = right;
        } else {
            low = left;
        }
    }
    low.midpoint(high).exp()
}

/// The mean negative log of the probability that each right class was given.
pub(super) fn surprise(logits: &[Vec<f32>], classes: &[usize], temperature: f32) -> f64 {
    let each = logits.iter().zip(classes).map(|(logits, class)| {
        let mut chances = logits.clone();
        softmax(&mut chances, temperature);
        -f64::from(chances[*class].max(1e-12).ln())
    });
    #[expect(clippy::cast_precision_loss, reason = "far fewer pictures than 2^52")]
    let count = classes.len().max(1) as f64;
    each.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_sure_is_cooled_and_too_shy_is_warmed() {
        // Right seven times in ten, whatever the logits claim.
        let classes: Vec<usize> = (0..100).map(|n| usize::from(n % 10 >= 7)).collect();
        let told = |margin: f32| temperature(&vec![vec![margin, 0.0]; 100], &classes);
        let honest = (0.7f32 / 0.3).ln();
        for margin in [0.2, 1.0, 10.0] {
            let chance = 1.0 / (1.0 + (-margin / told(margin)).exp());
            assert!((chance - 0.7).abs() < 0.02, "{margin} {chance}");
        }
        assert!((told(honest) - 1.0).abs() < 0.05);
        assert!((temperature(&[], &[]) - 1.0).abs() < f32::EPSILON);
    }
}
