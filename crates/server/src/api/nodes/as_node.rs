//! The node that sends a request. The server looks it up before it reads the body.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_key::NodeId;

use crate::api::ApiError;
use crate::app::Shared;

/// The node in the path. The extractor errors with 404 if the actor didn't register the node.
#[derive(Clone, Debug)]
pub struct AsNode {
    pub by: AuthorizedCaller,
    pub node: NodeId,
}

impl FromRequestParts<Shared> for AsNode {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let by = AuthorizedCaller::from_request_parts(parts, app).await?;
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let id = path.ok().and_then(|Path(path)| path.get("id")?.parse().ok());
        let node = id.ok_or(OpError::NotFound("node"))?;
        app.nodes.check_owner(&by, node)?;
        Ok(Self { by, node })
    }
}
