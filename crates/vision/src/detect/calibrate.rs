//! From heat to the probability that a box is right (Platt, "Probabilistic Outputs for Support Vector Machines",
//! 1999), one rising curve for each label. A focal loss leaves heat far too shy for a probability.

use serde::{Deserialize, Serialize};

/// A curve that rises less is no order of boxes any more.
const LEAST: f32 = 0.05;
/// How strongly a curve is held to what is expected of it, in answers that say nothing new; a label with few boxes
/// stays near the curve of all labels.
const PULL: f32 = 2.0;
const ROUNDS: usize = 200;

/// `1 / (1 + exp(-(slope · logit + bias)))`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    slope: f32,
    bias: f32,
}

/// The logit of a box, and whether it was right.
pub(super) type Answer = (f32, bool);

impl Calibration {
    /// The heat as it is.
    pub(super) const NONE: Self = Self { slope: 1.0, bias: 0.0 };

    /// A probability from 0 to 1.
    pub(super) fn confidence(self, logit: f32) -> f32 {
        sigmoid(self.slope * logit + self.bias)
    }

    /// Whether it keeps the order of boxes.
    pub(super) fn rises(self) -> bool {
        self.slope.is_finite() && self.slope > 0.0 && self.bias.is_finite()
    }

    /// For each label the curve under which its answers surprise least, held to the curve of all answers.
    pub(super) fn of_labels(answers: &[Vec<Answer>]) -> Vec<Self> {
        let shared = Self::NONE.fitted(&answers.concat());
        answers.iter().map(|answers| shared.fitted(answers)).collect()
    }

    /// By turns the slope and the height at the mean logit, each by Newton's method. The loss is convex, and around
    /// the mean the two hardly depend on each other.
    fn fitted(self, answers: &[Answer]) -> Self {
        if answers.is_empty() {
            return self;
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer boxes than 2^24")]
        let middle = answers.iter().map(|answer| answer.0).sum::<f32>() / answers.len() as f32;
        let expected = [self.slope, self.slope * middle + self.bias];
        let mut curve = expected;
        for _ in 0..ROUNDS {
            for turn in 0..2 {
                let (mut pull, mut bend) = (PULL * (curve[turn] - expected[turn]), PULL);
                for (logit, right) in answers {
                    let input = [logit - middle, 1.0][turn];
                    let chance = sigmoid(curve[0] * (logit - middle) + curve[1]);
                    pull += input * (chance - f32::from(u8::from(*right)));
                    bend += input * input * chance * (1.0 - chance);
                }
                curve[turn] -= (pull / bend).clamp(-0.5, 0.5);
                curve[0] = curve[0].max(LEAST);
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

    /// For each logit a hundred answers, of which as many are right as `truth` says.
    fn answers(truth: impl Fn(f32) -> f32) -> Vec<Answer> {
        let logits = (-8..=8u8.cast_signed()).map(|n| f32::from(n) / 2.0);
        logits
            .flat_map(|logit| {
                let right = truth(logit) * 100.0;
                (0..100u8).map(move |n| (logit, f32::from(n) < right))
            })
            .collect()
    }

    #[test]
    fn a_shy_heat_learns_what_it_is_worth() {
        let truth = |logit: f32| sigmoid(1.7 * logit + 1.2);
        let told = Calibration::of_labels(&[answers(truth)])[0];
        for logit in [-3.0, -1.0, 0.0, 1.0, 3.0] {
            assert!((told.confidence(logit) - truth(logit)).abs() < 0.02, "{logit}: {told:?}");
        }
    }

    #[test]
    fn a_label_without_boxes_takes_the_curve_of_all_and_one_with_many_its_own() {
        let told =
            Calibration::of_labels(&[answers(|x| sigmoid(x + 2.0)), answers(|x| sigmoid(x - 2.0)), vec![]]);
        assert!(told[0].confidence(0.0) > 0.8 && told[1].confidence(0.0) < 0.2, "{told:?}");
        assert!((told[2].confidence(0.0) - 0.5).abs() < 0.05, "{told:?}");
    }

    #[test]
    fn the_order_of_boxes_is_never_turned() {
        let told = Calibration::of_labels(&[answers(|x| sigmoid(-3.0 * x))])[0];
        assert!(told.rises() && told.confidence(1.0) > told.confidence(0.0), "{told:?}");
        assert_eq!(Calibration::of_labels(&[vec![]]), [Calibration::NONE]);
    }
}
