//! `…/images/{image}/delete`: deletes one image.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::requested::RequestedImage;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::projects::url;

pub(in crate::web) use view::DeleteImagesPage;

/// Shows the confirmation form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    RequestedImage { member, project, image }: RequestedImage,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let back = format!("{}/images/{}", url(&member, &project), image.record.id);
    let view = DeleteImagesPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &headers),
        action: format!("{back}/delete"),
        what: image.record.name,
        back,
        records: Vec::new(),
    };
    Ok(show!(&app, view)?)
}

/// Deletes the image.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedImage { member, project, image }: RequestedImage,
) -> Result<Response, PageError> {
    app.datasets.delete_record(&member.acting, project.id, image.record.id).await?;
    let text = format!("{} deleted.", image.record.name);
    let notice = FlashMessage::good(text);
    Ok(flash::redirect(&app, &url(&member, &project), &notice))
}
