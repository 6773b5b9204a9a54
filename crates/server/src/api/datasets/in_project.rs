//! Who calls, and the project in the path: looked up before a body is read, so that whoever may not open it learns that
//! and nothing about what the body should have been.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use keyrack_core::{Acting, OpError};
use keyrack_key::ProjectId;

use crate::api::ApiError;
use crate::app::Shared;

/// Somebody who may open the project in the path.
#[derive(Clone, Debug)]
pub struct InProject {
    pub by: Acting,
    pub project: ProjectId,
}

impl FromRequestParts<Shared> for InProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let by = Acting::from_request_parts(parts, app).await?;
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let id = path.ok().and_then(|Path(path)| path.get("id")?.parse().ok());
        let project = app.projects.read(&by, id.ok_or(OpError::NotFound("project"))?).await?;
        Ok(Self { by, project: project.id })
    }
}
