//! Keys: make, list, read, edit, rotate, retire, pause, resume, delete; what is seen of them.

pub mod advice;
pub mod callers;
pub mod create;
pub mod delete;
pub mod edit;
pub mod list;
pub mod pause;
pub mod read;
pub mod resume;
pub mod retire;
pub mod rotate;
pub mod sightings;
pub mod usage;
pub mod what_if;

mod changed;
mod fields;
mod key_body;
mod once;
mod quota_body;

use changed::ChangedKey;
use fields::{RestrictionsFields, parse_scopes};
use key_body::{KeyBody, KeyWithSecret, PropagationBody, etag};
use once::once;
pub use quota_body::QuotaStanding;

use keyrack_core::OpError;
use keyrack_key::KeyId;

/// An id from a path. What is no id names nothing.
fn key_id(text: &str) -> Result<KeyId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("key"))
}
