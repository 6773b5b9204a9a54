//! An entry as the API shows it: all that its hash is made of, and the names that people know things by.

use keyrack_core::history::hex;
use keyrack_core::times::rfc3339;
use keyrack_key::Timestamp;
use keyrack_store::ActivityEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct EntryBody {
    /// Its place in the workspace's history, from 1.
    seq: i64,
    /// How it is hashed.
    version: i64,
    #[schema(format = DateTime)]
    at: String,
    /// `user:usr_…`, `key:key_…`, or `operator`: the command line on the data folder.
    #[schema(example = "user:usr_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f")]
    actor: String,
    /// What the person or the key is called today.
    actor_name: Option<String>,
    #[schema(value_type = crate::api::schema::AuditAction)]
    action: String,
    /// The id of what it was done to.
    #[schema(example = "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f")]
    target: String,
    /// What it is called today, if it is still there.
    target_name: Option<String>,
    /// What else is worth telling; of a change, `{"before": …, "after": …}` for each thing that changed.
    #[schema(value_type = Object)]
    detail: Value,
    /// The hash of the entry before, in hexadecimal digits; zeros before the first.
    prev: String,
    /// SHA-256 over this entry, in hexadecimal digits.
    hash: String,
}

impl From<ActivityEntry> for EntryBody {
    fn from(ActivityEntry { link, hash, actor_name, target_name }: ActivityEntry) -> Self {
        Self {
            seq: link.seq,
            version: link.version,
            at: rfc3339(Timestamp::from_micros(link.at)),
            actor: link.actor,
            actor_name,
            action: link.action,
            target: link.target,
            target_name,
            // What cannot be read was altered, and is shown as the text that it is.
            detail: serde_json::from_str(&link.detail).unwrap_or(Value::String(link.detail)),
            prev: hex(&link.prev),
            hash: hex(&hash),
        }
    }
}
