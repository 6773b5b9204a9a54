//! A question to the API.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use zeroize::Zeroizing;

use super::failure::Failure;

/// No body with a password in it is longer, so that its buffer is never moved and leaves no copy behind.
const BODY: usize = 32 * 1024;

/// A request, but for who sends it where. It does not print: a password may be in it.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Bytes,
    /// What it is based on: only if nobody has changed it since.
    pub(super) revision: Option<u64>,
}

impl Ask {
    /// Without a body.
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: Bytes::new(), revision: None }
    }

    /// With a body, which is wiped from memory afterwards.
    pub(super) fn with(
        method: Method,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<Self, Failure> {
        let mut json = Zeroizing::new(Vec::with_capacity(BODY));
        serde_json::to_writer(&mut *json, body).map_err(|error| Failure::of(&error))?;
        Ok(Self { method, path: path.into(), body: Bytes::from_owner(json), revision: None })
    }
}
