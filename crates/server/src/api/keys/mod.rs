//! Endpoints of keys: their life cycle, their usage, and the callers that use them.

pub mod callers;
pub mod create;
pub mod delete;
pub mod edit;
pub mod exposures;
pub mod list;
pub mod pause;
pub mod read;
pub mod recommendations;
pub mod resume;
pub mod retire;
pub mod rotate;
pub mod usage;
pub mod what_if;

mod idempotency_key;
mod key_body;
mod quota_body;
mod restrictions;
mod updated_key;

use idempotency_key::idempotency_key;
use key_body::{KeyBody, KeyWithSecret, PropagationBody, etag};
pub use quota_body::QuotaUsage;
use restrictions::{KeyRestrictions, parse_scopes};
use updated_key::UpdatedKey;

use crate::api::path_ids::key_id;
