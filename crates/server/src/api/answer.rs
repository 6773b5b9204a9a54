//! Answers that more than one endpoint gives.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use keyrack_core::OpError;
use keyrack_core::predict::Held;
use serde::Serialize;

use crate::edge::error::ApiError;

/// A value as JSON whose bytes `held` counts until they are sent or given up, which may be long after the handler has answered.
pub fn held_json(value: &impl Serialize, held: Held) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(value).map_err(OpError::internal)?;
    let bytes = Bytes::from_owner(HeldBytes { bytes, _held: held });
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

struct HeldBytes {
    bytes: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where there is no such path.
pub async fn no_such_path() -> ApiError {
    OpError::NotFound("path; the paths are listed at /docs").into()
}
