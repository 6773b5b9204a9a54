//! Extractor for the model that the path names, with its project and the member who requests it.

use axum::extract::FromRequestParts;
use http::request::Parts;
use keyrack_store::{Model, Project};

use crate::app::Shared;
use crate::ops::OpError;
use crate::web::error::PageError;
use crate::web::person::{Member, in_path};

/// A model of the member's workspace.
pub(in crate::web) struct Chosen {
    pub(super) member: Member,
    pub(super) model: Model,
    pub(super) project: Project,
}

impl FromRequestParts<Shared> for Chosen {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, PageError> {
        let member = Member::from_request_parts(parts, app).await?;
        // A malformed ID names no model.
        let id = in_path(parts, "id").await.parse().map_err(|_| OpError::NotFound("model"))?;
        let model = app.models.read(&member.acting, id).await?.into_inner();
        let project = app.projects.read(&member.acting, model.project).await?.into_inner();
        Ok(Self { member, model, project })
    }
}
