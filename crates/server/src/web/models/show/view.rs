//! The page of a model: the progress of its training, its metrics, and a form for predictions.

use askama::Template;

use crate::web::charts::Plot;
use crate::web::frame::Frame;
use crate::web::images::{Badge, Overlay};
use crate::web::models::ModelStatusBadge;
use crate::web::text::{Attribution, Snippet};

#[derive(Template)]
#[template(path = "models/show/show.html")]
pub(crate) struct ModelDetailPage {
    pub(crate) frame: Frame,
    pub(crate) models_url: String,
    pub(crate) url: String,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) can_manage: bool,
    pub(crate) status: ModelStatusBadge,
    pub(crate) created: Attribution,
    /// The duration of the training, such as "2 min 10 s". `None` until the training succeeds.
    pub(crate) training_duration: Option<String>,
    /// The reason why the training failed. `None` if it did not fail.
    pub(crate) reason: Option<String>,
    pub(crate) progress: Option<TrainingProgress>,
    pub(crate) plots: Vec<Plot>,
    pub(crate) classification: Option<ClassifierMetrics>,
    pub(crate) detection: Option<DetectorMetrics>,
    pub(crate) examples: Vec<ExampleImage>,
    pub(crate) notes: Vec<String>,
    pub(crate) try_it: Option<PredictionForm>,
}

/// The progress of a training run.
pub(crate) struct TrainingProgress {
    /// The current phase, such as "Reading the images".
    pub(crate) phase: String,
    pub(crate) done: u64,
    /// The number of units in this phase. 0 if it is unknown.
    pub(crate) of: u64,
    /// The unit, such as "images" or "steps".
    pub(crate) unit: String,
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl TrainingProgress {
    fn percent(&self) -> u64 {
        (self.done.min(self.of) * 100).checked_div(self.of).unwrap_or(0)
    }
}

/// The metrics of a classifier.
pub(crate) struct ClassifierMetrics {
    /// The accuracy, such as "96.4%".
    pub(crate) accuracy: String,
    pub(crate) measured_on: String,
    pub(crate) trained_on: String,
    /// The accuracy of confident predictions: "Of 54 answers with a confidence of 0.7 or more, 52 were right."
    pub(crate) confident_accuracy: Option<String>,
    pub(crate) labels: Vec<LabelRow>,
    pub(crate) confusion: Vec<ConfusionRow>,
}

pub(crate) struct LabelRow {
    pub(crate) name: String,
    pub(crate) images: u64,
    pub(crate) precision: String,
    pub(crate) recall: String,
}

pub(crate) struct ConfusionRow {
    pub(crate) name: String,
    pub(crate) cells: Vec<ConfusionCell>,
}

pub(crate) struct ConfusionCell {
    pub(crate) count: u64,
    /// The intensity of the color, from 0 to 5.
    pub(crate) heat: u8,
    pub(crate) is_right: bool,
}

/// The metrics of a detector.
pub(crate) struct DetectorMetrics {
    /// The mean average precision, such as "0.68".
    pub(crate) mean: String,
    pub(crate) measured_on: String,
    pub(crate) trained_on: String,
    pub(crate) labels: Vec<PrecisionRow>,
}

pub(crate) struct PrecisionRow {
    pub(crate) name: String,
    pub(crate) tone: usize,
    pub(crate) objects: u64,
    /// The average precision, such as "0.85", or a dash.
    pub(crate) precision: String,
    /// The length of the bar, from 0 to 100.
    pub(crate) percent: f64,
    /// The correct boxes, such as "40 of 44".
    pub(crate) right: String,
}

/// An image of the validation set, with the prediction of the model.
pub(crate) struct ExampleImage {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) image: String,
    pub(crate) overlay: Overlay,
    /// The caption in place of the badges, such as "is ripe; the model said unripe, 97 % sure".
    pub(crate) caption: Option<String>,
    pub(crate) badges: Vec<Badge>,
}

/// The form for a prediction, with its result.
pub(crate) struct PredictionForm {
    pub(crate) action: String,
    /// The largest image, such as "10 MB".
    pub(crate) max_image_size: String,
    pub(crate) image_url: String,
    pub(crate) error: Option<String>,
    pub(crate) answer: Option<PredictionResult>,
    pub(crate) snippets: Vec<Snippet>,
}

/// The result of a prediction.
pub(crate) struct PredictionResult {
    /// The title, such as "ripe" or "3 boxes".
    pub(crate) title: String,
    pub(crate) detail: String,
    /// The image as a `data:` URL.
    pub(crate) image: String,
    pub(crate) overlay: Overlay,
    /// The classes, most confident first.
    pub(crate) ranked: Vec<RankedLabel>,
}

pub(crate) struct RankedLabel {
    pub(crate) name: String,
    pub(crate) tone: usize,
    /// The confidence, such as "97.1%".
    pub(crate) confidence: String,
    /// The length of the bar, from 0 to 100.
    pub(crate) percent: f64,
}
