//! Requests to the API.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use zeroize::Zeroizing;

use super::error::CliError;

/// The initial capacity of a body, in bytes. No body with a password is longer, so the buffer is never
/// reallocated and leaves no copy of the password in memory.
const BODY: usize = 32 * 1024;

/// A request without its server and credentials. It does not implement `Debug`, because the body may hold a password.
pub(super) struct ApiRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Bytes,
    /// The revision for `If-Match`: the server denies the request if the key has changed since.
    pub(super) revision: Option<u64>,
}

impl ApiRequest {
    /// A request without a body.
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: Bytes::new(), revision: None }
    }

    /// A request with `body` as JSON. The bytes are wiped from memory when the request is dropped.
    pub(super) fn with_body(
        method: Method,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<Self, CliError> {
        let mut json = Zeroizing::new(Vec::with_capacity(BODY));
        serde_json::to_writer(&mut *json, body).map_err(|error| CliError::from_error(&error))?;
        Ok(Self { method, path: path.into(), body: Bytes::from_owner(json), revision: None })
    }
}
