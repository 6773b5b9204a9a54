//! `…/models/{id}/delete`: deletes a model after a confirmation.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::requested::RequestedModel;
use super::url;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use view::DeleteModelPage;

/// Shows the confirmation form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    RequestedModel { member, model, .. }: RequestedModel,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let view = DeleteModelPage {
        frame: frame::of_member(&app, &member, NavItem::Models, &headers),
        url: url(&member, model.id),
        is_live: !model.status.has_ended(),
        model_name: model.name,
    };
    Ok(show!(&app, view)?)
}

/// Deletes the model.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedModel { member, model, .. }: RequestedModel,
) -> Result<Response, PageError> {
    app.models.delete(&member.acting, model.id).await?;
    let notice = FlashMessage::good(format!("{} deleted.", model.name));
    Ok(flash::redirect(&app, &member.path("/models"), &notice))
}
