//! The errors of predictions.

use keyrack_key::ModelId;
use keyrack_store::{Model, ModelStatus, ProjectType};
use keyrack_vision::{ModelError, PictureError};

use crate::OpError;
use crate::predict::EngineError;
use crate::predict::fetch::FetchError;

/// Why a model makes no prediction for an image.
#[derive(Debug, thiserror::Error)]
pub enum PredictionError {
    /// A publishable key sent a URL.
    #[error(
        "Publishable keys can't send image URLs, because anyone could then make this server fetch any URL. \
         Send the image itself. The operator can allow image URLs with --public-image-urls."
    )]
    UrlNotAllowed,
    /// The model was trained for another task; `task` is the model's task.
    #[error("This is {}.", kind(*.task))]
    OtherTask { model: ModelId, task: ProjectType },
    #[error("This model isn't ready (status: {0}). {advice}", advice = advice(*.0))]
    NotReady(ModelStatus),
    #[error("image: {}", FetchError::Unreachable)]
    Unreachable,
    #[error("image: {0}")]
    Image(#[source] PictureError),
    /// The model was trained on the features of another backbone.
    #[error("{0} Train it again.")]
    OtherBackbone(#[source] ModelError),
}

const fn kind(task: ProjectType) -> &'static str {
    match task {
        ProjectType::Classification => "a classification model",
        ProjectType::ObjectDetection => "an object detection model",
    }
}

/// Returns what to do about a model that isn't ready.
const fn advice(status: ModelStatus) -> &'static str {
    match status {
        ModelStatus::Queued | ModelStatus::Running => "Wait until its status is ready.",
        ModelStatus::Ready => "Try again.",
        ModelStatus::Failed => "Its training failed. Train a new model.",
        ModelStatus::Cancelled => "Its training was canceled. Train a new model.",
    }
}

impl PredictionError {
    pub(super) const fn other_task(model: &Model) -> Self {
        Self::OtherTask { model: model.id, task: model.project_type }
    }
}

impl From<PredictionError> for OpError {
    fn from(error: PredictionError) -> Self {
        Self::Prediction(Box::new(error))
    }
}

impl From<FetchError> for OpError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Exhausted(exhausted) => exhausted.into(),
            FetchError::Unreachable => PredictionError::Unreachable.into(),
        }
    }
}

impl From<EngineError> for OpError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => Self::Busy,
            EngineError::Picture(error) | EngineError::Decode(error) => PredictionError::Image(error).into(),
            EngineError::Model(error @ ModelError::Backbone { .. }) => {
                PredictionError::OtherBackbone(error).into()
            }
            other => Self::internal(other),
        }
    }
}
