//! `POST …/models/{id}/cancel`: cancels a training run.

use axum::extract::State;
use axum::response::Response;

use super::requested::RequestedModel;
use super::url;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{FlashMessage, flash};

/// Cancels the training run.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedModel { member, model, .. }: RequestedModel,
) -> Result<Response, PageError> {
    let model = app.models.cancel(&member.acting, model.id).await?;
    let text = if model.status == keyrack_store::ModelStatus::Cancelled {
        "Training canceled."
    } else if model.status.has_ended() {
        "The training has already ended."
    } else {
        "Stopping the training…"
    };
    let notice = FlashMessage::good(text.to_owned());
    Ok(flash::redirect(&app, &url(&member, model.id), &notice))
}
