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
        "a publishable key sends the picture itself: it is public, and with a URL everybody could make this server fetch \
         what they like; the operator can allow it with --public-image-urls"
    )]
    UrlNotAllowed,
    /// The model was trained for another task; `task` is the model's task.
    #[error("this model {}", does(*.task))]
    OtherTask { model: ModelId, task: ProjectType },
    #[error("this model cannot be asked: {} (status {})", state(*.0), .0)]
    NotReady(ModelStatus),
    #[error("image: {}", FetchError::Unreachable)]
    Unreachable,
    #[error("image: {0}")]
    Image(#[source] PictureError),
    /// The model was trained on the features of another backbone.
    #[error("{0}; train it again")]
    OtherBackbone(#[source] ModelError),
}

const fn does(task: ProjectType) -> &'static str {
    match task {
        ProjectType::Classification => "says what a picture shows",
        ProjectType::ObjectDetection => "finds objects in a picture",
    }
}

const fn state(status: ModelStatus) -> &'static str {
    match status {
        ModelStatus::Queued => "it waits to be trained",
        ModelStatus::Running => "it is being trained",
        ModelStatus::Ready => "it is ready",
        ModelStatus::Failed => "its training failed",
        ModelStatus::Cancelled => "its training was cancelled",
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
