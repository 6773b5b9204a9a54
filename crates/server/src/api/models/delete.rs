//! `DELETE /models/{id}`: deletes a model.

use axum::extract::{Path, State};
use http::StatusCode;
use keyrack_core::AuthorizedCaller;

use super::model_id;
use crate::api::ApiError;
use crate::app::Shared;

/// Delete a model
///
/// Deletes the model and cancels its training run. A deletion can't be undone.
#[utoipa::path(delete, path = "/models/{id}", tag = "Models", operation_id = "deleteModel",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID.")),
    responses(
        (status = 204, description = "The model is deleted."),
        (status = 403, description = "The key is restricted to other projects or models."),
        (status = 404, description = "The model doesn't exist.")))]
pub async fn delete(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.models.delete(&by, model_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
