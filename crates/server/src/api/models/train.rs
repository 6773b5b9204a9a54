//! `POST /projects/{id}/models`: train a model.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ModelBody, project_id};
use crate::api::ApiError;
use crate::api::body::{OptionalBody, object_if_any};
use crate::api::quota_headers;
use crate::app::Shared;
use crate::ops::Acting;
use crate::ops::models::TrainSettings;

/// A model to be trained.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainModelRequest {
    /// 1 to 100 characters, not yet used in the project. Left out: the next free one, such as `Model 3`.
    #[schema(value_type = Option<crate::api::schema::Name>)]
    name: Option<String>,
    #[serde(deserialize_with = "object_if_any")]
    settings: Option<TrainSettings>,
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
    let settings = body.settings.unwrap_or_default();
    let (model, spent) = app.models.train(&by, project_id(&id)?, body.name, settings).await?;
    let location = [(header::LOCATION, format!("/api/v1/models/{}", model.id))];
    Ok((
        StatusCode::ACCEPTED,
        quota_headers::headers(&spent, app.now()),
        location,
        Json(ModelBody::from(&model)),
    ))
}
