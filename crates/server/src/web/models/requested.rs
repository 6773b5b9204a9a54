//! Extractor for the model that the path names, with its project and the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::{Model, Project};

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::person::{Member, id_in_path};

/// A model of the member's workspace.
pub(in crate::web) struct RequestedModel {
    pub(super) member: Member,
    pub(super) model: Model,
    pub(super) project: Project,
}

impl FromRequestParts<Shared> for RequestedModel {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let member = Member::from_request_parts(parts, app).await?;
        let id = id_in_path(parts, "id", "model").await?;
        let model = app.models.read(&member.acting, id).await?.into_inner();
        let project = app.projects.read(&member.acting, model.project).await?.into_inner();
        Ok(Self { member, model, project })
    }
}
