//! An entry of the audit log: all fields that its hash covers, and the current names of its actor and target.

use keyrack_key::Timestamp;
use keyrack_store::ActivityEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use keyrack_core::times::rfc3339;

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The number of the entry in the workspace's audit log, from 1.
    seq: i64,
    /// The version of the hash format.
    version: i64,
    /// The time of the event.
    #[schema(format = DateTime)]
    at: String,
    /// `user:usr_…`, `key:key_…`, or `operator` (the command line on the data folder).
    #[schema(example = "user:usr_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f")]
    actor: String,
    /// The current name of the actor. Null if the actor no longer exists.
    actor_name: Option<String>,
    #[schema(value_type = crate::api::schema::AuditAction)]
    action: String,
    /// The ID of the resource that the actor changed.
    #[schema(example = "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f")]
    target: String,
    /// The current name of the target. Null if the target no longer exists.
    target_name: Option<String>,
    /// Details that depend on the action. An update has `{"before": …, "after": …}` for each changed field.
    #[schema(value_type = Object)]
    detail: Value,
    /// The hash of the previous entry, in hexadecimal digits. All zeros for the first entry.
    prev: String,
    /// The SHA-256 hash of this entry, in hexadecimal digits.
    hash: String,
}

impl From<ActivityEntry> for AuditEntry {
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
            // Details that aren't JSON were tampered with. The text is shown as it is.
            detail: serde_json::from_str(&link.detail).unwrap_or(Value::String(link.detail)),
            prev: hex::encode(link.prev),
            hash: hex::encode(hash),
        }
    }
}
