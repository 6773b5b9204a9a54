//! What a change of a key is answered with.

use axum::Json;
use axum::response::IntoResponse;
use http::header;
use keyrack_core::keys::Propagation;
use keyrack_key::Timestamp;
use keyrack_store::KeyRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::{KeyBody, PropagationBody, etag};

/// The key, and where the change has arrived.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UpdatedKey)]
pub struct ChangedKey {
    #[serde(flatten)]
    key: KeyBody,
    propagation: PropagationBody,
}

impl ChangedKey {
    /// The answer, with the key's new `ETag`.
    pub fn answer(key: &KeyRow, propagation: Propagation, now: Timestamp) -> impl IntoResponse + use<> {
        let tag = [(header::ETAG, etag(key.revision))];
        (tag, Json(Self { key: KeyBody::new(key, now), propagation: propagation.into() }))
    }
}
