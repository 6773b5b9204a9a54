//! `POST /models/{id}/cancel`: cancels a training run.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;

use super::{ModelBody, model_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Cancel a training run
///
/// A queued run ends immediately, and a running one within two seconds. The request has no effect if the run has ended.
#[utoipa::path(post, path = "/models/{id}/cancel", tag = "Models", operation_id = "cancelModel",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID.")),
    responses(
        (status = 200, description = "The model. `cancelling` is true until the worker has stopped.", body = ModelBody),
        (status = 403, description = "The key is restricted to other projects or models."),
        (status = 404, description = "The model doesn't exist.")))]
pub async fn cancel(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<ModelBody>, ApiError> {
    let model = app.models.cancel(&by, model_id(&id)?).await?;
    Ok(Json(ModelBody::from(&model)))
}
