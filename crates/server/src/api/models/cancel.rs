//! `POST /models/{id}/cancel`: stop a training.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;

use super::{ModelBody, model_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Stop a training
///
/// One that waits ends at once, one that runs within two seconds. What has ended stays as it is.
#[utoipa::path(post, path = "/models/{id}/cancel", tag = "Models", operation_id = "cancelModel",
    params(("id" = crate::api::schema::ModelId, Path, description = "The model's ID")),
    responses(
        (status = 200, description = "The model as it is now; `cancelling` while its worker stops", body = ModelBody),
        (status = 403, description = "The key is restricted to other projects or models"),
        (status = 404, description = "There is no such model")))]
pub async fn cancel(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<Json<ModelBody>, ApiError> {
    let model = app.models.cancel(&by, model_id(&id)?).await?;
    Ok(Json(ModelBody::from(&model)))
}
