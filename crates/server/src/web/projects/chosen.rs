//! Extractor for the project that the path names, with the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::Project;

use crate::app::Shared;
use crate::ops::OpError;
use crate::web::error::PageError;
use crate::web::person::{Member, in_path};

/// A project of the member's workspace.
pub(in crate::web) struct Chosen {
    pub(in crate::web) member: Member,
    pub(in crate::web) project: Project,
}

impl FromRequestParts<Shared> for Chosen {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let member = Member::from_request_parts(parts, app).await?;
        // A malformed ID names no project.
        let id = in_path(parts, "id").await.parse().map_err(|_| OpError::NotFound("project"))?;
        let project = app.projects.read(&member.acting, id).await?.into_inner();
        Ok(Self { member, project })
    }
}
