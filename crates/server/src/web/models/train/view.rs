//! The data of the form that trains a model.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

/// The form that starts the training of a model.
#[derive(Template)]
#[template(path = "models/train/train.html")]
pub(crate) struct TrainModelPage {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    /// The training data, such as "120 labelled images and 3 labels".
    pub(crate) training_data: String,
    /// What the project lacks for training, as sentences.
    pub(crate) missing: Vec<String>,
    pub(crate) name: Field,
    /// Whether the number of steps can be chosen.
    pub(crate) has_steps: bool,
    pub(crate) steps: Field,
    pub(crate) seed: Field,
}

impl TrainModelPage {
    fn is_open(&self) -> bool {
        [&self.steps, &self.seed].into_iter().any(|field| field.error.is_some() || !field.value.is_empty())
    }
}
