//! Extractor for the image that the path names, with its project and the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::Project;

use crate::app::Shared;
use crate::ops::OpError;
use crate::ops::datasets::Annotated;
use crate::web::error::PageError;
use crate::web::person::{Member, in_path};
use crate::web::projects;

/// An image in a project of the member's workspace.
pub(in crate::web) struct Chosen {
    pub(super) member: Member,
    pub(super) project: Project,
    pub(super) image: Annotated,
}

impl FromRequestParts<Shared> for Chosen {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let projects::Chosen { member, project } = projects::Chosen::from_request_parts(parts, app).await?;
        // A malformed ID names no image.
        let id = in_path(parts, "image").await.parse().map_err(|_| OpError::NotFound("image"))?;
        let image = app.datasets.read(&member.acting, project.id, id).await?;
        Ok(Self { member, project, image })
    }
}
