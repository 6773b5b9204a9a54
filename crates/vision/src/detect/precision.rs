//! Average precision at an overlap of one half, with all points of the curve (PASCAL VOC, since 2010).

use serde::{Deserialize, Serialize};

use super::Object;
use super::calibrate::Answer;
use super::peaks::{Found, Peak, overlap};

/// How right a detector is, on pictures that it did not learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Pictures that the network learnt from.
    pub trained_on: usize,
    /// Pictures that chose the network and made its confidences honest.
    pub chosen_on: usize,
    /// Pictures that all of this is measured on.
    pub measured_on: usize,
    /// Pictures that could not be read or decoded and took no part.
    pub unreadable: usize,
    /// Pictures that are the same as one before them, byte for byte, and took no part.
    #[serde(default)]
    pub repeated: usize,
    /// What was found of what there is.
    #[serde(flatten)]
    pub precision: Precision,
}

/// What was found of what there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    /// mAP@0.5: the mean of the average precisions of the labels that occur, 0 to 1.
    #[serde(rename = "mean_average_precision")]
    pub mean: f32,
    /// In the order of the labels.
    pub labels: Vec<LabelPrecision>,
}

impl Precision {
    /// All labels together.
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

/// One label's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelPrecision {
    /// Nothing where the label does not occur.
    pub average_precision: Option<f32>,
    /// Objects that there are.
    pub objects: usize,
    /// Boxes given with a confidence of 0.7 or more.
    pub given_at_0_7: usize,
    /// Those of them that lie on an object.
    pub right_at_0_7: usize,
}

/// From what was found in each picture, the surest first, and what is there.
pub fn precision(found: &[Vec<Found>], there: &[Vec<Object>], labels: usize) -> Precision {
    let labels: Vec<_> = (0..labels).map(|class| of_label(found, there, class)).collect();
    let known: Vec<f32> = labels.iter().filter_map(|label| label.average_precision).collect();
    Precision { mean: known.iter().sum::<f32>() * share(1, known.len()), labels }
}

/// For each label, the logits of its boxes and whether they were right.
pub(super) fn answers(peaks: &[Vec<Peak>], there: &[Vec<Object>], labels: usize) -> Vec<Vec<Answer>> {
    let pair = |peak: &Peak| (peak.object, peak.logit);
    let boxes: Vec<Vec<_>> = peaks.iter().map(|peaks| peaks.iter().map(pair).collect()).collect();
    (0..labels).map(|class| judged(&boxes, there, class)).collect()
}

fn of_label(found: &[Vec<Found>], there: &[Vec<Object>], class: usize) -> LabelPrecision {
    let objects = there.iter().flatten().filter(|object| object.class == class).count();
    let pair = |found: &Found| (found.object, found.confidence);
    let boxes: Vec<Vec<_>> = found.iter().map(|found| found.iter().map(pair).collect()).collect();
    let mut answers = judged(&boxes, there, class);
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let sure = answers.iter().take_while(|answer| answer.0 >= 0.7);
    let (given, right) =
        sure.fold((0, 0), |(given, right), answer| (given + 1, right + usize::from(answer.1)));
    let average_precision = (objects > 0).then(|| area(&answers, objects));
    LabelPrecision { average_precision, objects, given_at_0_7: given, right_at_0_7: right }
}

/// Whether each box of a label lies on an object that none before it lay on, beside what the box came with.
fn judged(boxes: &[Vec<(Object, f32)>], there: &[Vec<Object>], class: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (boxes, there) in boxes.iter().zip(there) {
        let mut taken = vec![false; there.len()];
        for (given, score) in boxes.iter().filter(|(given, _)| given.class == class) {
            let candidates =
                there.iter().enumerate().filter(|(at, object)| object.class == class && !taken[*at]);
            let best = candidates
                .map(|(at, object)| (overlap(object, given), at))
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

/// Under the curve of precision over recall, made to fall only.
fn area(answers: &[(f32, bool)], objects: usize) -> f32 {
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

    fn found(left: f32, confidence: f32) -> Found {
        Found { object: Object { left, ..A }, confidence }
    }

    #[test]
    fn the_area_comes_out_as_on_paper() {
        let there = vec![vec![A, Object { left: 50.0, ..A }]];
        // Right, wrong, right: precision 1 up to a recall of one half, 2/3 up to one.
        let told = precision(&[vec![found(1.0, 0.9), found(30.0, 0.8), found(50.0, 0.5)]], &there, 2);
        assert!((told.mean - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-6);
        assert_eq!((told.labels[0].given_at_0_7, told.labels[0].right_at_0_7), (2, 1));
        assert_eq!(told.labels[1].average_precision, None);
    }

    #[test]
    fn an_object_is_found_once() {
        let told = precision(&[vec![found(0.0, 0.9), found(1.0, 0.8)]], &[vec![A]], 1);
        assert!((told.mean - 1.0).abs() < 1e-6);
        assert_eq!(told.labels[0].right_at_0_7, 1);
    }
}
