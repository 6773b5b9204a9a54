//! How right a classifier is, on pictures that it did not learn from.

use serde::{Deserialize, Serialize};

/// Measured on the pictures that were set aside before training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Pictures that the head learnt from.
    pub trained_on: usize,
    /// Pictures that all of this is measured on.
    pub measured_on: usize,
    /// Pictures that could not be read or decoded and took no part.
    pub unreadable: usize,
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

/// From the calibrated chances of each picture and what it is.
pub(super) fn measure(
    chances: &[Vec<f32>],
    classes: &[usize],
    labels: usize,
    trained_on: usize,
    unreadable: usize,
) -> Metrics {
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
        trained_on,
        measured_on: classes.len(),
        unreadable,
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
        let metrics = measure(&chances, &[0, 0, 1, 1], 2, 10, 1);
        assert_eq!(metrics.confusion, [[2, 0], [1, 1]]);
        assert_eq!((metrics.trained_on, metrics.measured_on, metrics.unreadable), (10, 4, 1));
        assert!((metrics.accuracy - 0.75).abs() < 1e-6);
        assert_eq!(metrics.at_0_7, Sureness { answers: 3, right: 2 });
        assert_eq!(metrics.labels[1], LabelMetrics { pictures: 2, recall: Some(0.5), precision: Some(1.0) });
        // |0.9 − 1| + |0.8 − 1| + |0.6 − 1| + |0.75 − 0|, over four.
        assert!((metrics.calibration_error - (0.1 + 0.2 + 0.4 + 0.75) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_label_without_pictures_has_no_recall() {
        let metrics = measure(&[vec![1.0, 0.0]], &[0], 2, 1, 0);
        assert_eq!(metrics.labels[1], LabelMetrics { pictures: 0, recall: None, precision: None });
    }
}
