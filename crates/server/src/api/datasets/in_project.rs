//! The actor, and the project in the path. The server looks up the project before it reads the body, so that an actor without
//! access gets no errors about the body.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_key::ProjectId;

use crate::api::ApiError;
use crate::app::Shared;

/// An actor with access to the project in the path. The extractor errors with 403 or 404 without access.
#[derive(Clone, Debug)]
pub struct InProject {
    pub by: AuthorizedCaller,
    pub project: ProjectId,
}

impl FromRequestParts<Shared> for InProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let by = AuthorizedCaller::from_request_parts(parts, app).await?;
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let id = path.ok().and_then(|Path(path)| path.get("id")?.parse().ok());
        let project = app.projects.read(&by, id.ok_or(OpError::NotFound("project"))?).await?;
        Ok(Self { by, project: project.id })
    }
}
