//! `DELETE /models/{id}`: the end of a model.

use axum::extract::{Path, State};
use http::StatusCode;
use keyrack_core::Acting;

use super::model_id;
use crate::api::ApiError;
use crate::app::Shared;

/// Delete a model
///
/// A training that it comes of stops.
#[utoipa::path(delete, path = "/models/{id}", tag = "Models", operation_id = "deleteModel",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 403, description = "The key is restricted to other projects or models"),
        (status = 404, description = "There is no such model")))]
pub async fn delete(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.models.delete(&by, model_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
