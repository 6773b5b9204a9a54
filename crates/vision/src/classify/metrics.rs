//! How right a classifier is, on pictures that it did not learn from.

use serde::{Deserialize, Serialize};

use crate::EXAMPLES;

/// Measured on the pictures that were set aside before training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Pictures that the head learnt from.
    pub trained_on: usize,
    /// Pictures that all of this is measured on.
    pub measured_on: usize,
    /// Pictures that could not be read or decoded and took no part.
    pub unreadable: usize,
    /// Pictures that are the same as one before them, byte for byte, and took no part.
    #[serde(default)]
    pub repeated: usize,
    /// Share of right first answers, 0 to 1.
    pub accuracy: f32,
    /// For each label, in the order of the model's labels.
    pub labels: Vec<LabelMetrics>,
    /// Row: what it is; column: what was said. In the order of the labels.
    pub confusion: Vec<Vec<usize>>,
    /// Among the answers given with a confidence of 0.7 or more.
    pub at_0_7: Sureness,
    /// Expected calibration error over ten bins: how far confidences are from the truth on average, 0 to 1.
    pub calibration_error: f32,
}

/// One label's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelMetrics {
    /// Its pictures among those measured on.
    pub pictures: usize,
    /// Of its pictures, the share that was given it. Nothing where it has none.
    pub recall: Option<f32>,
    /// Of the pictures given it, the share that has it. Nothing where none was.
    pub precision: Option<f32>,
}

/// What a threshold leaves, and how much of that is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sureness {
    /// Answers at or above the threshold.
    pub answers: usize,
    /// Those that were right.
    pub right: usize,
}

/// A picture that was measured with, and what was said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Its number in the training.
    pub picture: usize,
    /// The index of the model's label that it was given.
    pub said: usize,
    /// The index of the label that it has.
    pub is: usize,
    /// How sure the model was of what it said, 0 to 1.
    pub confidence: f32,
}

/// What a person learns most from: wrong answers, the surest first, then right ones that were hardly sure.
pub(super) fn examples(chances: &[Vec<f32>], classes: &[usize], pictures: &[usize]) -> Vec<Example> {
    let asked = chances.iter().zip(classes).zip(pictures);
    let all = asked.map(|((chances, is), picture)| {
        let (said, confidence) = best(chances);
        Example { picture: *picture, said, is: *is, confidence }
    });
    let (mut wrong, mut right): (Vec<_>, Vec<_>) = all.partition(|example| example.said != example.is);
    wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    right.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    wrong.extend(right);
    wrong.truncate(EXAMPLES);
    wrong
}

/// From the calibrated chances of each picture and what it is. Of the pictures that are not among them it knows
/// nothing.
pub(super) fn measure(chances: &[Vec<f32>], classes: &[usize], labels: usize) -> Metrics {
    let mut confusion = vec![vec![0; labels]; labels];
    let mut sure = Sureness::default();
    let mut bins = [(0.0f32, 0.0f32); 10];
    for (chances, class) in chances.iter().zip(classes) {
        let (said, confidence) = best(chances);
        confusion[*class][said] += 1;
        if confidence >= 0.7 {
            sure.answers += 1;
            sure.right += usize::from(said == *class);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10")]
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        bin.0 += confidence;
        bin.1 += if said == *class { 1.0 } else { 0.0 };
    }
    let right = (0..labels).map(|label| confusion[label][label]).sum();
    Metrics {
        trained_on: 0,
        measured_on: classes.len(),
        unreadable: 0,
        repeated: 0,
        accuracy: share(right, classes.len()).unwrap_or(0.0),
        labels: (0..labels).map(|label| of_label(&confusion, label)).collect(),
        confusion,
        at_0_7: sure,
        calibration_error: bins.iter().map(|(sure, right)| (sure - right).abs()).sum::<f32>()
            * share(1, classes.len()).unwrap_or(0.0),
    }
}

/// The likeliest class and its chance.
fn best(chances: &[f32]) -> (usize, f32) {
    chances.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

fn of_label(confusion: &[Vec<usize>], label: usize) -> LabelMetrics {
    let pictures = confusion[label].iter().sum();
    let given = confusion.iter().map(|row| row[label]).sum();
    let right = confusion[label][label];
    LabelMetrics { pictures, recall: share(right, pictures), precision: share(right, given) }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer pictures than 2^24")]
fn share(part: usize, whole: usize) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_out_as_on_paper() {
        let chances = [vec![0.9, 0.1], vec![0.8, 0.2], vec![0.4, 0.6], vec![0.75, 0.25]];
        let metrics = measure(&chances, &[0, 0, 1, 1], 2);
        assert_eq!(metrics.confusion, [[2, 0], [1, 1]]);
        assert_eq!(metrics.measured_on, 4);
        assert!((metrics.accuracy - 0.75).abs() < 1e-6);
        assert_eq!(metrics.at_0_7, Sureness { answers: 3, right: 2 });
        assert_eq!(metrics.labels[1], LabelMetrics { pictures: 2, recall: Some(0.5), precision: Some(1.0) });
        // |0.9 − 1| + |0.8 − 1| + |0.6 − 1| + |0.75 − 0|, over four.
        assert!((metrics.calibration_error - (0.1 + 0.2 + 0.4 + 0.75) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn the_surest_mistake_is_the_first_example() {
        let chances = [vec![0.9, 0.1], vec![0.6, 0.4], vec![0.3, 0.7], vec![0.45, 0.55]];
        let told = examples(&chances, &[0, 0, 0, 0], &[7, 5, 3, 1]);
        assert_eq!(told.iter().map(|example| example.picture).collect::<Vec<_>>(), [3, 1, 5, 7]);
        assert_eq!((told[0].said, told[0].is), (1, 0));
    }

    #[test]
    fn a_label_without_pictures_has_no_recall() {
        let metrics = measure(&[vec![1.0, 0.0]], &[0], 2);
        assert_eq!(metrics.labels[1], LabelMetrics { pictures: 0, recall: None, precision: None });
    }
}
