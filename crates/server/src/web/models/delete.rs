//! `…/models/{id}/delete`: deletes a model after a confirmation.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::chosen::Chosen;
use super::url;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::frame::{self, show};
use crate::web::view::{DeleteModel, Here, Notice, Tone};

/// Asks for confirmation.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    Chosen { member, model, .. }: Chosen,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let view = DeleteModel {
        frame: frame::of_member(&app, &member, Here::Models, &headers),
        url: url(&member, model.id),
        is_live: !model.status.has_ended(),
        model_name: model.name,
    };
    Ok(show!(&app, view)?)
}

/// Deletes the model.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Chosen { member, model, .. }: Chosen,
) -> Result<Response, PageError> {
    app.models.delete(&member.acting, model.id).await?;
    let notice =
        Notice { tone: Tone::Good, text: format!("{} was deleted.", model.name), detail: String::new() };
    Ok(flash::redirect(&app, &member.path("/models"), &notice))
}
