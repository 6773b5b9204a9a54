//! Average precision at an intersection over union of one half, over all points of the curve (PASCAL VOC since 2010).

use serde::{Deserialize, Serialize};

use super::Object;
use super::calibrate::BoxOutcome;
use super::peaks::{Detection, Peak, intersection_over_union};

/// Metrics of a detector, measured on images that it wasn't trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorMetrics {
    /// The number of images that the network was trained on.
    pub trained_on: usize,
    /// The number of images that chose the network and calibrated its confidences.
    pub chosen_on: usize,
    /// The number of images that the detector was measured on.
    pub measured_on: usize,
    /// The number of images that were left out because they couldn't be read or decoded.
    pub unreadable: usize,
    /// The number of images that were left out because an earlier image has the same bytes.
    #[serde(default)]
    pub repeated: usize,
    /// How many objects were found.
    #[serde(flatten)]
    pub precision: Precision,
}

/// How many objects were found, and how many boxes were right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    /// mAP@0.5: the mean of the average precisions of the labels that occur, 0 to 1.
    #[serde(rename = "mean_average_precision")]
    pub mean: f32,
    /// The precision of each label, in the order of the model's labels.
    pub labels: Vec<LabelPrecision>,
}

impl Precision {
    /// Sums up all labels.
    pub fn total(&self) -> LabelPrecision {
        let sum = |number: fn(&LabelPrecision) -> usize| self.labels.iter().map(number).sum();
        LabelPrecision {
            average_precision: self.labels.iter().any(|label| label.objects > 0).then_some(self.mean),
            objects: sum(|label| label.objects),
            given_at_0_7: sum(|label| label.given_at_0_7),
            right_at_0_7: sum(|label| label.right_at_0_7),
        }
    }
}

/// The precision of one label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelPrecision {
    /// The average precision, 0 to 1. `None` if the label doesn't occur.
    pub average_precision: Option<f32>,
    /// The number of objects.
    pub objects: usize,
    /// The number of boxes with a confidence of 0.7 or more.
    pub given_at_0_7: usize,
    /// The number of these boxes that are right.
    pub right_at_0_7: usize,
}

/// Measures detections against the true objects of each image. The detections must be sorted,
/// the most confident first.
pub fn measure_precision(found: &[Vec<Detection>], there: &[Vec<Object>], labels: usize) -> Precision {
    let labels: Vec<_> = (0..labels).map(|class| of_label(found, there, class)).collect();
    let known: Vec<f32> = labels.iter().filter_map(|label| label.average_precision).collect();
    Precision { mean: known.iter().sum::<f32>() * share(1, known.len()), labels }
}

/// Returns for each label the logits of its boxes, and whether each box is right.
pub(super) fn answers(peaks: &[Vec<Peak>], there: &[Vec<Object>], labels: usize) -> Vec<Vec<BoxOutcome>> {
    let pair = |peak: &Peak| (peak.object, peak.logit);
    let boxes: Vec<Vec<_>> = peaks.iter().map(|peaks| peaks.iter().map(pair).collect()).collect();
    (0..labels).map(|class| match_boxes(&boxes, there, class)).collect()
}

fn of_label(found: &[Vec<Detection>], there: &[Vec<Object>], class: usize) -> LabelPrecision {
    let objects = there.iter().flatten().filter(|object| object.class == class).count();
    let pair = |found: &Detection| (found.object, found.confidence);
    let boxes: Vec<Vec<_>> = found.iter().map(|found| found.iter().map(pair).collect()).collect();
    let mut answers = match_boxes(&boxes, there, class);
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let sure = answers.iter().take_while(|answer| answer.0 >= 0.7);
    let (given, right) =
        sure.fold((0, 0), |(given, right), answer| (given + 1, right + usize::from(answer.1)));
    let average_precision = (objects > 0).then(|| area_under_curve(&answers, objects));
    LabelPrecision { average_precision, objects, given_at_0_7: given, right_at_0_7: right }
}

/// Returns the score of each box of a class, and whether the box is right: whether it overlaps an object that
/// no earlier box has matched.
fn match_boxes(boxes: &[Vec<(Object, f32)>], there: &[Vec<Object>], class: usize) -> Vec<BoxOutcome> {
    let mut answers = Vec::new();
    for (boxes, there) in boxes.iter().zip(there) {
        let mut taken = vec![false; there.len()];
        for (given, score) in boxes.iter().filter(|(given, _)| given.class == class) {
            let candidates =
                there.iter().enumerate().filter(|(at, object)| object.class == class && !taken[*at]);
            let best = candidates
                .map(|(at, object)| (intersection_over_union(object, given), at))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let right = best.filter(|(overlap, _)| *overlap >= 0.5);
            if let Some((_, at)) = right {
                taken[at] = true;
            }
            answers.push((*score, right.is_some()));
        }
    }
    answers
}

/// Returns the area under the curve of precision over recall, after making the curve non-increasing.
fn area_under_curve(answers: &[(f32, bool)], objects: usize) -> f32 {
    let mut right = 0;
    let mut curve: Vec<f32> = Vec::new();
    for (number, (_, hit)) in answers.iter().enumerate() {
        if *hit {
            right += 1;
            curve.push(share(right, number + 1));
        }
    }
    let mut most = 0.0f32;
    let mut sum = 0.0;
    for precision in curve.iter().rev() {
        most = most.max(*precision);
        sum += most;
    }
    sum * share(1, objects)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer boxes than 2^24")]
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Object = Object { class: 0, left: 0.0, top: 0.0, width: 10.0, height: 10.0 };

    fn found(left: f32, confidence: f32) -> Detection {
        Detection { object: Object { left, ..A }, confidence }
    }

    #[test]
    fn average_precision_matches_a_calculation_by_hand() {
        let there = vec![vec![A, Object { left: 50.0, ..A }]];
        // Right, wrong, right: precision 1 up to a recall of one half, 2/3 up to one.
        let measured =
            measure_precision(&[vec![found(1.0, 0.9), found(30.0, 0.8), found(50.0, 0.5)]], &there, 2);
        assert!((measured.mean - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-6);
        assert_eq!((measured.labels[0].given_at_0_7, measured.labels[0].right_at_0_7), (2, 1));
        assert_eq!(measured.labels[1].average_precision, None);
    }

    #[test]
    fn second_box_on_an_object_counts_as_wrong() {
        let measured = measure_precision(&[vec![found(0.0, 0.9), found(1.0, 0.8)]], &[vec![A]], 1);
        assert!((measured.mean - 1.0).abs() < 1e-6);
        assert_eq!(measured.labels[0].right_at_0_7, 1);
    }
}
