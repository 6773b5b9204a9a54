//! Calibrates heat to the probability that a box is right, with one increasing curve per label (Platt, "Probabilistic
//! Outputs for Support Vector Machines", 1999). With a focal loss, the heat is far below the probability.

use serde::{Deserialize, Serialize};

/// The least slope. A flatter curve would no longer keep the order of boxes.
const SLOPE_MIN: f32 = 0.05;
/// The weight of the prior, in boxes. It keeps the curve of a label with few boxes close to the curve of all labels.
const PRIOR_WEIGHT: f32 = 2.0;
const ROUNDS: usize = 200;

/// The curve `1 / (1 + exp(-(slope · logit + bias)))`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    slope: f32,
    bias: f32,
}

/// The logit of a box, and whether the box is right.
pub(super) type BoxOutcome = (f32, bool);

impl Calibration {
    /// The curve that returns the heat unchanged.
    pub(super) const IDENTITY: Self = Self { slope: 1.0, bias: 0.0 };

    /// Returns a probability from 0 to 1.
    pub(super) fn confidence(self, logit: f32) -> f32 {
        sigmoid(self.slope * logit + self.bias)
    }

    /// Returns whether the curve keeps the order of boxes.
    pub(super) fn is_increasing(self) -> bool {
        self.slope.is_finite() && self.slope > 0.0 && self.bias.is_finite()
    }

    /// Returns the best curve for each label, with the curve of all labels as the prior.
    pub(super) fn of_labels(answers: &[Vec<BoxOutcome>]) -> Vec<Self> {
        let shared = Self::IDENTITY.fit(&answers.concat());
        answers.iter().map(|answers| shared.fit(answers)).collect()
    }

    /// Fits the slope and the value at the mean logit in turns, each by Newton's method. The loss is convex, and
    /// around the mean the two are nearly independent.
    fn fit(self, answers: &[BoxOutcome]) -> Self {
        if answers.is_empty() {
            return self;
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer boxes than 2^24")]
        let middle = answers.iter().map(|answer| answer.0).sum::<f32>() / answers.len() as f32;
        let expected = [self.slope, self.slope * middle + self.bias];
        let mut curve = expected;
        for _ in 0..ROUNDS {
            for turn in 0..2 {
                let (mut pull, mut bend) = (PRIOR_WEIGHT * (curve[turn] - expected[turn]), PRIOR_WEIGHT);
                for (logit, right) in answers {
                    let input = [logit - middle, 1.0][turn];
                    let chance = sigmoid(curve[0] * (logit - middle) + curve[1]);
                    pull += input * (chance - f32::from(u8::from(*right)));
                    bend += input * input * chance * (1.0 - chance);
                }
                curve[turn] -= (pull / bend).clamp(-0.5, 0.5);
                curve[0] = curve[0].max(SLOPE_MIN);
            }
        }
        Self { slope: curve[0], bias: curve[1] - curve[0] * middle }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred boxes per logit, of which the share `truth` is right.
    fn answers(truth: impl Fn(f32) -> f32) -> Vec<BoxOutcome> {
        let logits = (-8..=8u8.cast_signed()).map(|n| f32::from(n) / 2.0);
        logits
            .flat_map(|logit| {
                let right = truth(logit) * 100.0;
                (0..100u8).map(move |n| (logit, f32::from(n) < right))
            })
            .collect()
    }

    #[test]
    fn low_heat_is_calibrated_to_the_true_share() {
        let truth = |logit: f32| sigmoid(1.7 * logit + 1.2);
        let fitted = Calibration::of_labels(&[answers(truth)])[0];
        for logit in [-3.0, -1.0, 0.0, 1.0, 3.0] {
            assert!((fitted.confidence(logit) - truth(logit)).abs() < 0.02, "{logit}: {fitted:?}");
        }
    }

    #[test]
    fn label_without_boxes_uses_the_shared_curve() {
        let fitted =
            Calibration::of_labels(&[answers(|x| sigmoid(x + 2.0)), answers(|x| sigmoid(x - 2.0)), vec![]]);
        assert!(fitted[0].confidence(0.0) > 0.8 && fitted[1].confidence(0.0) < 0.2, "{fitted:?}");
        assert!((fitted[2].confidence(0.0) - 0.5).abs() < 0.05, "{fitted:?}");
    }

    #[test]
    fn calibration_never_reverses_the_order_of_boxes() {
        let fitted = Calibration::of_labels(&[answers(|x| sigmoid(-3.0 * x))])[0];
        assert!(fitted.is_increasing() && fitted.confidence(1.0) > fitted.confidence(0.0), "{fitted:?}");
        assert_eq!(Calibration::of_labels(&[vec![]]), [Calibration::IDENTITY]);
    }
}
