//! `GET /models/{id}/card`: returns a model card. Unlike the model, the card only needs the permission for predictions.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model_id;
use crate::api::ApiError;
use crate::app::Shared;

/// A model card: the task of a model, its quality, and its limits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelCard)]
pub struct ModelCardBody {
    #[schema(value_type = crate::api::schema::ModelId)]
    id: String,
    name: String,
    /// `task`, `labels`, `metrics`, `notes`, and `seconds`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    card: Value,
}

/// Get a model card
///
/// Returns the labels of a model, its metrics on the test set, and notes about its limits. The card contains no training data.
#[utoipa::path(get, path = "/models/{id}/card", tag = "Models", operation_id = "getModelCard",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID.")),
    responses(
        (status = 200, description = "The card.", body = ModelCardBody),
        (status = 403, description = "The key is restricted to other projects or models."),
        (status = 404, description = "The model doesn't exist."),
        (status = 409, description = "The model isn't ready.")))]
pub async fn card(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<ModelCardBody>, ApiError> {
    let (model, card) = app.models.card(&by, model_id(&id)?).await?;
    Ok(Json(ModelCardBody { id: model.id.to_string(), name: model.name.clone(), card }))
}
