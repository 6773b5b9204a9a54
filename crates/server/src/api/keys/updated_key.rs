//! The response to an update of a key.

use axum::Json;
use axum::response::IntoResponse;
use http::header;
use keyrack_core::keys::Propagation;
use keyrack_key::Timestamp;
use keyrack_store::KeyRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::{KeyBody, PropagationBody, etag};

/// A key after an update, and the propagation of the update.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedKey {
    #[serde(flatten)]
    key: KeyBody,
    propagation: PropagationBody,
}

impl UpdatedKey {
    /// Returns the response, with the key's new `ETag`.
    pub fn response(key: &KeyRow, propagation: Propagation, now: Timestamp) -> impl IntoResponse + use<> {
        let tag = [(header::ETAG, etag(key.revision))];
        (tag, Json(Self { key: KeyBody::new(key, now), propagation: propagation.into() }))
    }
}
