//! A model: how its training goes, how good it became, and the place to try it.

use askama::Template;

use super::{Badge, By, Frame, Overlay, Plot, Snippet, Status};

#[derive(Template)]
#[template(path = "model_show.html")]
pub(crate) struct ModelPage {
    pub(crate) frame: Frame,
    pub(crate) models_url: String,
    pub(crate) url: String,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) can_manage: bool,
    pub(crate) status: Status,
    pub(crate) created: By,
    /// "2 min 10 s", when it has ended.
    pub(crate) took: Option<String>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
    pub(crate) progress: Option<Going>,
    pub(crate) plots: Vec<Plot>,
    pub(crate) classification: Option<Classified>,
    pub(crate) detection: Option<Detected>,
    pub(crate) examples: Vec<Example>,
    pub(crate) notes: Vec<String>,
    pub(crate) try_it: Option<TryIt>,
}

/// How far a training is.
pub(crate) struct Going {
    /// "Looking at the images", "Learning"
    pub(crate) phase: String,
    pub(crate) done: u64,
    /// 0 where it is not known.
    pub(crate) of: u64,
    /// "images", "steps"
    pub(crate) unit: String,
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Going {
    fn percent(&self) -> u64 {
        (self.done.min(self.of) * 100).checked_div(self.of).unwrap_or(0)
    }
}

/// How good a classifier is.
pub(crate) struct Classified {
    /// "96.4 %"
    pub(crate) accuracy: String,
    pub(crate) measured_on: String,
    pub(crate) trained_on: String,
    /// "Of 54 answers with a confidence of 0.7 or more, 52 were right."
    pub(crate) sure: Option<String>,
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
    /// 0 to 5.
    pub(crate) heat: u8,
    pub(crate) is_right: bool,
}

/// How good a detector is.
pub(crate) struct Detected {
    /// "0.68"
    pub(crate) mean: String,
    pub(crate) measured_on: String,
    pub(crate) trained_on: String,
    pub(crate) labels: Vec<PrecisionRow>,
}

pub(crate) struct PrecisionRow {
    pub(crate) name: String,
    pub(crate) tone: usize,
    pub(crate) objects: u64,
    /// "0.85", or a dash.
    pub(crate) precision: String,
    /// 0 to 100, of the bar.
    pub(crate) percent: f64,
    /// "40 of 44"
    pub(crate) right: String,
}

/// An image that the model was measured on, with what it found or said.
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) image: String,
    pub(crate) overlay: Overlay,
    /// "found none of 3", "is ripe; the model said unripe, 97 % sure": in the place of the badges.
    pub(crate) caption: Option<String>,
    pub(crate) badges: Vec<Badge>,
}

/// An image in, an answer out.
pub(crate) struct TryIt {
    pub(crate) action: String,
    /// "10 MB"
    pub(crate) most: String,
    pub(crate) image_url: String,
    pub(crate) error: Option<String>,
    pub(crate) answer: Option<Answer>,
    pub(crate) snippets: Vec<Snippet>,
}

/// What a model says about an image.
pub(crate) struct Answer {
    /// "It is ripe: 97 %." "3 boxes found."
    pub(crate) title: String,
    pub(crate) detail: String,
    /// A `data:` URL.
    pub(crate) image: String,
    pub(crate) overlay: Overlay,
    /// The classes, best first.
    pub(crate) ranked: Vec<Ranked>,
}

pub(crate) struct Ranked {
    pub(crate) name: String,
    pub(crate) tone: usize,
    /// "97.1 %"
    pub(crate) sure: String,
    /// 0 to 100, of the bar.
    pub(crate) percent: f64,
}

/// Asking for a model.
#[derive(Template)]
#[template(path = "model_train.html")]
pub(crate) struct TrainModel {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    /// "120 labelled images, 3 labels"
    pub(crate) ground: String,
    /// What keeps the training from beginning, in sentences.
    pub(crate) missing: Vec<String>,
    pub(crate) name: super::Field,
    /// Whether there are steps to choose.
    pub(crate) has_steps: bool,
    pub(crate) steps: super::Field,
    pub(crate) seed: super::Field,
}

impl TrainModel {
    fn is_open(&self) -> bool {
        self.steps.error.is_some() || self.seed.error.is_some()
    }
}

#[derive(Template)]
#[template(path = "model_delete.html")]
pub(crate) struct DeleteModel {
    pub(crate) frame: Frame,
    pub(crate) url: String,
    pub(crate) model_name: String,
    pub(crate) is_live: bool,
}
