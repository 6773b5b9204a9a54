//! `GET /models/{id}`: returns a model.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;

use super::{ModelBody, model_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Get a model
///
/// Returns the status of a model, the progress of its training run, and its metrics once it is ready.
#[utoipa::path(get, path = "/models/{id}", tag = "Models", operation_id = "getModel",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID.")),
    responses(
        (status = 200, description = "The model.", body = ModelBody),
        (status = 403, description = "The key is restricted to other projects or models."),
        (status = 404, description = "The model doesn't exist.")))]
pub async fn read(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<ModelBody>, ApiError> {
    let model = app.models.read(&by, model_id(&id)?).await?;
    Ok(Json(ModelBody::from(&*model)))
}
