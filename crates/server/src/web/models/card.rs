//! The results of a trained model, from its model card.

use keyrack_store::Model;
use serde::Deserialize;

use super::show::{ClassifierMetrics, ConfusionCell, ConfusionRow, DetectorMetrics, LabelRow, PrecisionRow};
use crate::web::images::{BoxMark, TONES};
use crate::web::text;

/// The model card, as a worker wrote it. Fields that an older version left out have defaults and are not shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ModelCard {
    task: String,
    pub(super) labels: Vec<String>,
    metrics: CardMetrics,
    pub(super) notes: Vec<String>,
    examples: Vec<CardExample>,
}

/// An image of the validation set with the prediction of the model: boxes, or one label of a classifier.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CardExample {
    pub(super) record: String,
    found: Vec<CardDetection>,
    there: Vec<CardBox>,
    said: usize,
    is: usize,
    confidence: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CardDetection {
    object: CardBox,
    confidence: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CardBox {
    class: usize,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The metrics of a classifier or a detector.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CardMetrics {
    trained_on: u64,
    #[serde(alias = "pictures")]
    measured_on: u64,
    accuracy: f64,
    labels: Vec<LabelMetrics>,
    confusion: Vec<Vec<u64>>,
    at_0_7: ConfidentMetrics,
    #[serde(alias = "mean")]
    mean_average_precision: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LabelMetrics {
    pictures: u64,
    recall: Option<f64>,
    precision: Option<f64>,
    average_precision: Option<f64>,
    objects: u64,
    given_at_0_7: u64,
    right_at_0_7: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConfidentMetrics {
    answers: u64,
    right: u64,
}

impl ModelCard {
    pub(super) fn of(model: &Model) -> Self {
        let card = model.card.clone().and_then(|card| serde_json::from_value(card).ok());
        card.unwrap_or_default()
    }

    fn detects(&self) -> bool {
        self.task.contains("detection")
    }

    /// A summary such as "96.4 % right on 60 images" or "mAP 0.68 on 72 images".
    pub(super) fn result(&self) -> String {
        let metrics = &self.metrics;
        let images = text::count(metrics.measured_on, "image");
        if self.detects() {
            return format!("mAP {:.2} on {images}", metrics.mean_average_precision);
        }
        format!("{} correct on {images}", percent(metrics.accuracy))
    }

    /// The examples to show: of a classifier, only its errors; of a detector, all, including images in which it
    /// found nothing, because they were chosen at random.
    pub(super) fn shown(&self) -> impl Iterator<Item = &CardExample> {
        self.examples.iter().filter(|shown| self.detects() || shown.said != shown.is)
    }

    /// A caption with what the boxes don't show. `None` if there is nothing to add.
    pub(super) fn caption(&self, shown: &CardExample) -> Option<String> {
        if self.detects() {
            return shown.found.is_empty().then(|| format!("Missed all {}", shown.there.len()));
        }
        let (is, said) = (self.labels.get(shown.is)?, self.labels.get(shown.said)?);
        Some(format!("Actual: {is}. Predicted: {said} ({}).", percent(shown.confidence)))
    }

    /// The boxes that the model found in an example.
    pub(super) fn boxes(&self, shown: &CardExample) -> Vec<BoxMark> {
        let marks = shown.found.iter().filter_map(|found| {
            let CardBox { class, left, top, width, height } = found.object;
            let name = self.labels.get(class)?.clone();
            let confidence = Some(percent(found.confidence));
            Some(BoxMark { number: 0, name, tone: class % TONES, left, top, width, height, confidence })
        });
        marks.enumerate().map(|(at, mark)| BoxMark { number: at + 1, ..mark }).collect()
    }

    /// The metrics of a classifier. `None` if the model is a detector, or if it has no labels.
    pub(super) fn classified(&self) -> Option<ClassifierMetrics> {
        if self.detects() || self.labels.is_empty() {
            return None;
        }
        let metrics = &self.metrics;
        let sure = &metrics.at_0_7;
        Some(ClassifierMetrics {
            accuracy: percent(metrics.accuracy),
            measured_on: text::count(metrics.measured_on, "image"),
            trained_on: text::count(metrics.trained_on, "image"),
            confident_accuracy: (sure.answers > 0).then(|| {
                let answers = text::count(sure.answers, "answer");
                format!("{} of {answers} with a confidence of 0.7 or more were correct.", sure.right)
            }),
            labels: self.labels.iter().zip(&metrics.labels).map(label_row).collect(),
            confusion: self.labels.iter().zip(&metrics.confusion).enumerate().map(confusion_row).collect(),
        })
    }

    /// The metrics of a detector. `None` if the model is a classifier, or if it has no labels.
    pub(super) fn detected(&self) -> Option<DetectorMetrics> {
        if !self.detects() || self.labels.is_empty() {
            return None;
        }
        let metrics = &self.metrics;
        Some(DetectorMetrics {
            mean: format!("{:.2}", metrics.mean_average_precision),
            measured_on: text::count(metrics.measured_on, "image"),
            trained_on: text::count(metrics.trained_on, "image"),
            labels: self.labels.iter().zip(&metrics.labels).enumerate().map(precision_row).collect(),
        })
    }
}

fn label_row((name, label): (&String, &LabelMetrics)) -> LabelRow {
    let share = |share: Option<f64>| share.map_or_else(|| "—".to_owned(), percent);
    LabelRow {
        name: name.clone(),
        images: label.pictures,
        precision: share(label.precision),
        recall: share(label.recall),
    }
}

fn confusion_row((at, (name, counts)): (usize, (&String, &Vec<u64>))) -> ConfusionRow {
    let all = counts.iter().sum::<u64>().max(1);
    let cell = |(column, count): (usize, &u64)| ConfusionCell {
        count: *count,
        heat: u8::try_from((count * 5).div_ceil(all)).unwrap_or(5),
        is_right: column == at,
    };
    ConfusionRow { name: name.clone(), cells: counts.iter().enumerate().map(cell).collect() }
}

fn precision_row((at, (name, label)): (usize, (&String, &LabelMetrics))) -> PrecisionRow {
    PrecisionRow {
        name: name.clone(),
        tone: at % TONES,
        objects: label.objects,
        precision: label.average_precision.map_or_else(|| "—".to_owned(), |share| format!("{share:.2}")),
        percent: label.average_precision.unwrap_or_default().clamp(0.0, 1.0) * 100.0,
        right: format!("{} of {}", label.right_at_0_7, label.given_at_0_7),
    }
}

/// A percentage such as "96.4%". The value is cut to 0–100%.
pub(super) fn percent(share: f64) -> String {
    let percent = share.clamp(0.0, 1.0) * 100.0;
    if percent >= 99.95 { "100%".to_owned() } else { format!("{percent:.1}%") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn captions(card: serde_json::Value) -> Vec<Option<String>> {
        let card: ModelCard = serde_json::from_value(card).unwrap();
        card.shown().map(|shown| card.caption(shown)).collect()
    }

    #[test]
    fn detector_examples_include_misses() {
        let object = json!({ "class": 0, "left": 1, "top": 1, "width": 5, "height": 5 });
        let examples = json!([
            { "record": "a", "found": [{ "object": object, "confidence": 0.9 }], "there": [object] },
            { "record": "b", "found": [], "there": [object, object, object] },
        ]);
        let card = json!({ "task": "object_detection", "labels": ["lid"], "examples": examples });
        assert_eq!(captions(card), [None, Some("Missed all 3".to_owned())]);
    }

    #[test]
    fn classifier_examples_are_errors_only() {
        let examples = json!([
            { "record": "a", "said": 1, "is": 0, "confidence": 0.972 },
            { "record": "b", "said": 1, "is": 1, "confidence": 0.4 },
        ]);
        let card = json!({ "task": "classification", "labels": ["cap", "lid"], "examples": examples });
        assert_eq!(captions(card), [Some("Actual: cap. Predicted: lid (97.2%).".to_owned())]);
    }
}
