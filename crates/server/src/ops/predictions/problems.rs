//! Why something was not predicted, as clients read it.

use std::num::NonZeroU32;

use http::StatusCode;
use keyrack_guard::Problem;
use keyrack_store::{Model, ModelStatus, ProjectType};
use keyrack_vision::{ModelError, PictureError};

use crate::ops::{OpError, pictures};
use crate::predict::EngineError;
use crate::predict::door::DoorError;

pub(super) fn urls_closed() -> Problem {
    let says = "a publishable key sends the picture itself: it is public, and with a URL everybody could make this server \
        fetch what they like; the operator can allow it with --public-image-urls";
    Problem::new(StatusCode::FORBIDDEN, "image_urls_closed", says).field("image", says)
}

pub(super) fn other_task(model: &Model) -> Problem {
    let (does, route) = match model.project_type {
        ProjectType::Classification => ("says what a picture shows", "classify"),
        ProjectType::ObjectDetection => ("finds objects in a picture", "detect"),
    };
    let path = format!("/api/v1/predict/{route}/{}", model.id);
    Problem::new(StatusCode::CONFLICT, "other_task", format!("this model {does}; ask it at {path}"))
        .with("path", path)
}

pub(super) fn not_ready(model: &Model) -> Problem {
    let says = match model.status {
        ModelStatus::Queued => "it waits to be trained",
        ModelStatus::Running => "it is being trained",
        ModelStatus::Ready => "it is ready",
        ModelStatus::Failed => "its training failed",
        ModelStatus::Cancelled => "its training was cancelled",
    };
    let says = format!("this model cannot be asked: {says} (status {})", model.status);
    Problem::new(StatusCode::CONFLICT, "model_not_ready", says).with("model_status", model.status.name())
}

/// Beside the limit of the key, where in the request it was passed.
pub(super) fn too_large(problem: Problem, most: NonZeroU32) -> Problem {
    let says = format!("expected a picture of at most {most} bytes: that is the limit of this key");
    problem.with("max_image_bytes", most.get()).field("image", says)
}

impl From<DoorError> for OpError {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Exhausted(exhausted) => exhausted.into(),
            DoorError::Unreachable => {
                let says = error.to_string();
                let problem = Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "image_unreachable",
                    format!("image: {says}"),
                );
                problem.field("image", says).into()
            }
        }
    }
}

impl From<EngineError> for OpError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => Self::Busy,
            EngineError::Picture(error) => picture_problem(&error).into(),
            EngineError::Model(error @ ModelError::Backbone { .. }) => {
                let says = format!("{error}; train it again");
                Problem::new(StatusCode::CONFLICT, "other_backbone", says).into()
            }
            other => Self::internal(other),
        }
    }
}

fn picture_problem(error: &PictureError) -> Problem {
    let (status, code) = pictures::names(error);
    Problem::new(status, code, format!("image: {error}")).field("image", error.to_string())
}
