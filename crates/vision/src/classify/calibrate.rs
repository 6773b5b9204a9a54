//! Temperature scaling, so that seven in ten predictions with a confidence of 0.7 are right (Guo et al., "On
//! Calibration of Modern Neural Networks", 2017).

use super::softmax::softmax;

/// The natural logarithms of the lowest and the highest temperature.
const RANGE: (f32, f32) = (-3.0, 3.0);
/// The number of rounds. Each keeps two thirds of the range, so a thousandth of the range remains.
const ROUNDS: usize = 18;

/// Returns the temperature with the lowest [`log_loss`], or 1 if there are no logits. Ternary search finds the
/// minimum, because the loss is convex in the inverse temperature.
pub(super) fn temperature(logits: &[Vec<f32>], classes: &[usize]) -> f32 {
    if classes.is_empty() {
        return 1.0;
    }
    let (mut low, mut high) = RANGE;
    for _ in 0..ROUNDS {
        let third = (high - low) / 3.0;
        let [left, right] = [low + third, high - third];
        if log_loss(logits, classes, left.exp()) <= log_loss(logits, classes, right.exp()) {
            high = right;
        } else {
            low = left;
        }
    }
    low.midpoint(high).exp()
}

/// Returns the mean negative log likelihood of the right classes.
pub(super) fn log_loss(logits: &[Vec<f32>], classes: &[usize], temperature: f32) -> f64 {
    let each = logits.iter().zip(classes).map(|(logits, class)| {
        let mut probabilities = logits.clone();
        softmax(&mut probabilities, temperature);
        -f64::from(probabilities[*class].max(1e-12).ln())
    });
    #[expect(clippy::cast_precision_loss, reason = "far fewer images than 2^52")]
    let count = classes.len().max(1) as f64;
    each.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_corrects_over_and_underconfidence() {
        // Seven in ten predictions are right at any logit.
        let classes: Vec<usize> = (0..100).map(|n| usize::from(n % 10 >= 7)).collect();
        let fitted = |margin: f32| temperature(&vec![vec![margin, 0.0]; 100], &classes);
        let honest = (0.7f32 / 0.3).ln();
        for margin in [0.2, 1.0, 10.0] {
            let probability = 1.0 / (1.0 + (-margin / fitted(margin)).exp());
            assert!((probability - 0.7).abs() < 0.02, "{margin} {probability}");
        }
        assert!((fitted(honest) - 1.0).abs() < 0.05);
        assert!((temperature(&[], &[]) - 1.0).abs() < f32::EPSILON);
    }
}
