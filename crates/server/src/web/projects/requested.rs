//! Extractor for the project that the path names, with the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::Project;

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::person::{Member, id_in_path};

/// A project of the member's workspace.
pub(in crate::web) struct RequestedProject {
    pub(in crate::web) member: Member,
    pub(in crate::web) project: Project,
}

impl FromRequestParts<Shared> for RequestedProject {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let member = Member::from_request_parts(parts, app).await?;
        let id = id_in_path(parts, "id", "project").await?;
        let project = app.projects.read(&member.acting, id).await?.into_inner();
        Ok(Self { member, project })
    }
}
