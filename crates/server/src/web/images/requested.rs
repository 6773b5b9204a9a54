//! Extractor for the image that the path names, with its project and the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_core::datasets::AnnotatedImage;
use keyrack_store::Project;

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::person::{Member, id_in_path};
use crate::web::projects::RequestedProject;

/// An image in a project of the member's workspace.
pub(in crate::web) struct RequestedImage {
    pub(super) member: Member,
    pub(super) project: Project,
    pub(super) image: AnnotatedImage,
}

impl FromRequestParts<Shared> for RequestedImage {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let RequestedProject { member, project } = RequestedProject::from_request_parts(parts, app).await?;
        let id = id_in_path(parts, "image", "image").await?;
        let image = app.datasets.read(&member.acting, project.id, id).await?;
        Ok(Self { member, project, image })
    }
}
