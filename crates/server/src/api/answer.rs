//! Responses that several endpoints share.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use keyrack_core::OpError;
use keyrack_core::predict::Held;
use serde::Serialize;

use crate::http::error::ApiError;

/// Returns `value` as a JSON response. `held` is released when the client has received the bytes or has disconnected, which may
/// be long after the handler returned.
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

/// Handles requests to unknown API paths.
pub async fn no_such_path() -> ApiError {
    OpError::NotFound("path; the paths are listed at /docs").into()
}
