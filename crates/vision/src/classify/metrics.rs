//! Measures a classifier on images that it wasn't trained on.

use serde::{Deserialize, Serialize};

use crate::EXAMPLES_MAX;

/// Metrics of a classifier, measured on the images that were set held_out before training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifierMetrics {
    /// The number of images that the head was trained on.
    pub trained_on: usize,
    /// The number of images that the classifier was measured on.
    pub measured_on: usize,
    /// The number of images that were left out because they couldn't be read or decoded.
    pub unreadable: usize,
    /// The number of images that were left out because an earlier image has the same bytes.
    #[serde(default)]
    pub repeated: usize,
    /// The share of images whose most likely label is right, 0 to 1.
    pub accuracy: f32,
    /// The metrics of each label, in the order of the model's labels.
    pub labels: Vec<LabelMetrics>,
    /// The number of images by true label (row) and predicted label (column), in the order of the model's labels.
    pub confusion: Vec<Vec<usize>>,
    /// The predictions with a confidence of 0.7 or more.
    pub at_0_7: ThresholdCounts,
    /// The expected calibration error over ten bins: the average distance of confidences from the share of
    /// right predictions, 0 to 1.
    pub calibration_error: f32,
}

/// The metrics of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelMetrics {
    /// The number of measured images with this label.
    pub pictures: usize,
    /// The share of these images that were predicted to have this label. `None` if there are no such images.
    pub recall: Option<f32>,
    /// The share of the predictions of this label that are right. `None` if there are none.
    pub precision: Option<f32>,
}

/// How many predictions reach a confidence threshold, and how many of these are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdCounts {
    /// The number of predictions at or above the threshold.
    pub answers: usize,
    /// The number of right predictions among them.
    pub right: usize,
}

/// A measured image and its prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifierExample {
    /// The image's index in the training.
    pub picture: usize,
    /// The index of the predicted label.
    #[serde(rename = "said")]
    pub predicted: usize,
    /// The index of the true label.
    #[serde(rename = "is")]
    pub actual: usize,
    /// The confidence of the prediction, 0 to 1.
    pub confidence: f32,
}

/// Returns the most instructive images: wrong predictions, the most confident first, then right ones,
/// the least confident first.
pub(super) fn examples(
    probabilities: &[Vec<f32>],
    classes: &[usize],
    pictures: &[usize],
) -> Vec<ClassifierExample> {
    let held_out = probabilities.iter().zip(classes).zip(pictures);
    let all = held_out.map(|((probabilities, actual), picture)| {
        let (predicted, confidence) = best(probabilities);
        ClassifierExample { picture: *picture, predicted, actual: *actual, confidence }
    });
    let (mut wrong, mut right): (Vec<_>, Vec<_>) =
        all.partition(|example| example.predicted != example.actual);
    wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    right.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    wrong.extend(right);
    wrong.truncate(EXAMPLES_MAX);
    wrong
}

/// Computes the metrics from calibrated probabilities and the true class of each image. Leaves the counts of images
/// outside the measured set at 0.
pub(super) fn measure(probabilities: &[Vec<f32>], classes: &[usize], labels: usize) -> ClassifierMetrics {
    let mut confusion = vec![vec![0; labels]; labels];
    let mut sure = ThresholdCounts::default();
    let mut bins = [(0.0f32, 0.0f32); 10];
    for (probabilities, class) in probabilities.iter().zip(classes) {
        let (predicted, confidence) = best(probabilities);
        confusion[*class][predicted] += 1;
        if confidence >= 0.7 {
            sure.answers += 1;
            sure.right += usize::from(predicted == *class);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10")]
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        bin.0 += confidence;
        bin.1 += if predicted == *class { 1.0 } else { 0.0 };
    }
    let right = (0..labels).map(|label| confusion[label][label]).sum();
    ClassifierMetrics {
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

/// Returns the most likely class and its probability.
fn best(probabilities: &[f32]) -> (usize, f32) {
    probabilities.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

fn of_label(confusion: &[Vec<usize>], label: usize) -> LabelMetrics {
    let pictures = confusion[label].iter().sum();
    let given = confusion.iter().map(|row| row[label]).sum();
    let right = confusion[label][label];
    LabelMetrics { pictures, recall: share(right, pictures), precision: share(right, given) }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer images than 2^24")]
fn share(part: usize, whole: usize) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_match_a_calculation_by_hand() {
        let probabilities = [vec![0.9, 0.1], vec![0.8, 0.2], vec![0.4, 0.6], vec![0.75, 0.25]];
        let metrics = measure(&probabilities, &[0, 0, 1, 1], 2);
        assert_eq!(metrics.confusion, [[2, 0], [1, 1]]);
        assert_eq!(metrics.measured_on, 4);
        assert!((metrics.accuracy - 0.75).abs() < 1e-6);
        assert_eq!(metrics.at_0_7, ThresholdCounts { answers: 3, right: 2 });
        assert_eq!(metrics.labels[1], LabelMetrics { pictures: 2, recall: Some(0.5), precision: Some(1.0) });
        // |0.9 − 1| + |0.8 − 1| + |0.6 − 1| + |0.75 − 0|, over four.
        assert!((metrics.calibration_error - (0.1 + 0.2 + 0.4 + 0.75) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn most_confident_mistake_is_the_first_example() {
        let probabilities = [vec![0.9, 0.1], vec![0.6, 0.4], vec![0.3, 0.7], vec![0.45, 0.55]];
        let fitted = examples(&probabilities, &[0, 0, 0, 0], &[7, 5, 3, 1]);
        assert_eq!(fitted.iter().map(|example| example.picture).collect::<Vec<_>>(), [3, 1, 5, 7]);
        assert_eq!((fitted[0].predicted, fitted[0].actual), (1, 0));
    }

    #[test]
    fn label_without_images_has_no_recall() {
        let metrics = measure(&[vec![1.0, 0.0]], &[0], 2);
        assert_eq!(metrics.labels[1], LabelMetrics { pictures: 0, recall: None, precision: None });
    }
}
