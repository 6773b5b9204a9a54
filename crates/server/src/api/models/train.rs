//! `POST /projects/{id}/models`: trains a model.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use keyrack_core::AuthorizedCaller;
use keyrack_core::models::TrainSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ModelBody, project_id};
use crate::api::ApiError;
use crate::api::body::{OptionalBody, object_if_any};
use crate::api::quota_headers;
use crate::app::Shared;

/// The name and the settings of a new model. The body is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainModelRequest {
    /// A name that no other model of the project has, 1 to 100 characters. The default is the next free name, such as `Model 3`.
    #[schema(value_type = Option<crate::api::schema::DisplayName>)]
    name: Option<String>,
    #[serde(deserialize_with = "object_if_any")]
    settings: Option<TrainingSettings>,
}

/// The settings of a training run.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// The seed of random numbers. The same images and seed give the same model. The default is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    /// The number of training steps with eight images each, 10 to 20,000. The default is 700. Only for object detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 10, maximum = 20_000)]
    steps: Option<u32>,
    /// The width and height to which images are scaled, in pixels: a multiple of 32 from 64 to 640. The default is 320. Only for
    /// object detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 64, maximum = 640, multiple_of = 32)]
    input_size: Option<u32>,
}

impl From<TrainingSettings> for TrainSettings {
    fn from(TrainingSettings { seed, steps, input_size }: TrainingSettings) -> Self {
        Self { seed, steps, input_size }
    }
}

/// Train a model
///
/// Queues a training run with all labeled images of the project, and returns the model immediately. Poll the model or stream its
/// events for the progress.
#[utoipa::path(post, path = "/projects/{id}/models", tag = "Models", operation_id = "trainModel", request_body = Option<TrainModelRequest>,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 202, description = "The queued model.", body = ModelBody),
        (status = 403, description = "The key is restricted to other projects, or to certain models."),
        (status = 404, description = "The project doesn't exist."),
        (status = 409, description = "Another model has this name, or the project has too few labeled images. `details` names what is missing."),
        (status = 429, description = "The rate limit or a quota of training runs is exceeded. Retry after `Retry-After` seconds."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn train(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<TrainModelRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let settings = body.settings.unwrap_or_default().into();
    let (model, quota) = app.models.train(&by, project_id(&id)?, body.name, settings).await?;
    let location = [(header::LOCATION, format!("/api/v1/models/{}", model.id))];
    Ok((
        StatusCode::ACCEPTED,
        quota_headers::headers(&quota, app.now()),
        location,
        Json(ModelBody::from(&model)),
    ))
}
