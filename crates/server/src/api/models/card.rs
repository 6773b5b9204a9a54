//! `GET /models/{id}/card`: what whoever asks a model may know of it.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model_id;
use crate::api::ApiError;
use crate::app::Shared;

/// What may be known of a model without its training data.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelCard)]
pub struct CardBody {
    #[schema(value_type = crate::api::schema::ModelId)]
    id: String,
    name: String,
    /// `task`, `labels`, `metrics`, `notes`, `seconds`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    card: Value,
}

/// Read a model's card
///
/// What it does, how right it is on pictures that it did not learn from, and what to know before believing it.
#[utoipa::path(get, path = "/models/{id}/card", tag = "Models", operation_id = "getModelCard",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID")),
    responses(
        (status = 200, description = "The card", body = CardBody),
        (status = 403, description = "The key is restricted to other projects or models"),
        (status = 404, description = "There is no such model"),
        (status = 409, description = "The model is not ready")))]
pub async fn card(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<Json<CardBody>, ApiError> {
    let (model, card) = app.models.card(&by, model_id(&id)?).await?;
    Ok(Json(CardBody { id: model.id.to_string(), name: model.name.clone(), card }))
}
