//! `POST /projects/{id}/models`: train a model.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use keyrack_core::Acting;
use keyrack_core::models::TrainSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ModelBody, project_id};
use crate::api::ApiError;
use crate::api::body::{OptionalBody, object_if_any};
use crate::api::quota_headers;
use crate::app::Shared;

/// A model to be trained.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainModelRequest {
    /// 1 to 100 characters, not yet used in the project. Left out: the next free one, such as `Model 3`.
    #[schema(value_type = Option<crate::api::schema::Name>)]
    name: Option<String>,
    #[serde(deserialize_with = "object_if_any")]
    settings: Option<TrainingSettings>,
}

/// What can be chosen about a training; what is left out is chosen well.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// The same pictures and seed give the same model. 0 unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    /// How long to learn, in steps of eight pictures, 10 to 20000; 700 unless told otherwise. Of detectors alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 10, maximum = 20_000)]
    steps: Option<u32>,
    /// Pictures are looked at in squares with sides of so many pixels, a multiple of 32 from 64 to 640; 320 unless
    /// told otherwise. Of detectors alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 64, maximum = 640, multiple_of = 32)]
    side: Option<u32>,
}

impl From<TrainingSettings> for TrainSettings {
    fn from(TrainingSettings { seed, steps, side }: TrainingSettings) -> Self {
        Self { seed, steps, side }
    }
}

/// Train a model
///
/// It learns from all labelled pictures of the project. The answer comes at once; follow the model's events.
#[utoipa::path(post, path = "/projects/{id}/models", tag = "Models", operation_id = "trainModel", request_body = Option<TrainModelRequest>,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 202, description = "The model, which waits for a worker", body = ModelBody),
        (status = 403, description = "The key is restricted to other projects, or to named models"),
        (status = 404, description = "There is no such project"),
        (status = 409, description = "The name is taken, or too few pictures are labelled; `details` says what is lacking"),
        (status = 429, description = "The key has sent too many requests lately, or begun all training runs of its day or month; `Retry-After` says when to come back"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn train(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<TrainModelRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let settings = body.settings.unwrap_or_default().into();
    let (model, spent) = app.models.train(&by, project_id(&id)?, body.name, settings).await?;
    let location = [(header::LOCATION, format!("/api/v1/models/{}", model.id))];
    Ok((
        StatusCode::ACCEPTED,
        quota_headers::headers(&spent, app.now()),
        location,
        Json(ModelBody::from(&model)),
    ))
}
