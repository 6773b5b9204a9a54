//! The messages between a node and its server, in JSON. Both sides use these types.
//!
//! A reader ignores unknown fields. A key with a restriction or a permission that this
//! version cannot read is denied.
//!
//! ```
//! use keyrack_guard::remote::wire::SnapshotLine;
//!
//! let end: SnapshotLine = serde_json::from_str(r#"{"end":3}"#).unwrap();
//! assert!(matches!(end, SnapshotLine::End(3)));
//! ```

mod usage;

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_key::{Class, Digest, KeyState, NodeId, Pause, Permissions, SecretState, Timestamp, WorkspaceId};
use keyrack_rack::{ChangeId, KeyRecord, Position, Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use keyrack_rack::{LEASE, WAIT};
pub use usage::{CheckCount, NodeCaller, NodeKeyExposure, NodeKeyLastUse, NodeKeyUsage, NodeUsageReport};

/// The largest number of keys in a usage report, and of callers.
pub const REPORT_ENTRIES_MAX: usize = 500;

/// A value in a message that cannot be parsed. Contains a description of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a {0} that this version can't read")]
pub struct WireError(pub &'static str);

/// A request to register a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeRegistration {
    /// The name of the service for people, 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(example = "counter-3"))]
    pub name: String,
    /// How many seconds the node continues without the server, up to 3600. With 0 it denies requests
    /// as soon as its lease ends.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = 60, maximum = 3600))]
    pub offline_grace_seconds: u64,
}

/// A registered node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisteredNode {
    /// The id of the node, valid until the node leaves or is silent for too long.
    #[cfg_attr(feature = "openapi", schema(example = "nod_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"))]
    pub id: String,
    /// The lease in milliseconds. It counts from the start of the node's last request for changes.
    pub lease_millis: u64,
    /// The accepted brands of secrets, the current one first.
    #[cfg_attr(feature = "openapi", schema(example = json!(["kr"])))]
    pub brands: Vec<String>,
    /// The URL of the page that edits a key, without the key's id at the end.
    pub manage_url: String,
}

/// A position in one history of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FeedPosition {
    /// The number of the last change that is included.
    #[cfg_attr(feature = "openapi", schema(example = 812))]
    pub revision: u64,
    /// The random name of that change, 16 bytes in Base64. Two histories with the same numbers differ in it.
    #[cfg_attr(feature = "openapi", schema(example = "b0Vu8mW2QkCqNTc1n0cTXw=="))]
    pub change: String,
}

/// A key, as nodes get it. Contains digests and no secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeKey {
    /// The id of the key.
    pub id: String,
    /// The id of the workspace.
    pub workspace: String,
    /// The number of the last change of the key.
    pub revision: u64,
    /// The name that people gave the key.
    pub name: String,
    /// `secret` or `publishable`.
    pub class: String,
    /// The chosen scopes.
    pub scopes: Vec<String>,
    /// The granted permissions, one bit for each. A node denies the key if it does not know a bit.
    pub permissions: u32,
    /// The restrictions; null if the server itself cannot read them, and the key is denied.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub restrictions: Value,
    /// When the key expires; null if it never does.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// The pause; null if the key was not paused.
    #[serde(default)]
    pub paused: Option<NodeKeyPause>,
    /// When the key was deleted; null if it was not.
    #[serde(default)]
    pub deleted_at: Option<String>,
    /// The digests of the secrets.
    pub secrets: Vec<NodeKeySecret>,
}

/// A pause of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeKeyPause {
    /// When the pause ends; null if only a person ends it.
    #[serde(default)]
    pub until: Option<String>,
}

/// The digest of a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeKeySecret {
    /// SHA-256 of the whole secret, in Base64.
    pub digest: String,
    /// When the secret retires; null for the current one.
    #[serde(default)]
    pub retires_at: Option<String>,
}

/// A line of a snapshot: the head, then each key, then the end. A snapshot without an end was cut off.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum SnapshotLine {
    /// The position at which the snapshot was taken.
    Head(FeedPosition),
    /// One key of the workspace.
    Key(Box<NodeKey>),
    /// The number of keys in the snapshot.
    End(u64),
}

/// A request for the changes after a position. Renews the lease of the node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeChangesRequest {
    /// The position up to which the node has applied all changes.
    pub applied: FeedPosition,
    /// How many milliseconds the server may wait for a change, up to 1000.
    #[serde(default)]
    pub wait_millis: u64,
}

/// The changes between two positions. Changes of other workspaces count, but are not included.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeChangeFrame {
    /// The position that the node must have before it applies the changes.
    pub from: FeedPosition,
    /// The position of the node after it applied the changes.
    pub to: FeedPosition,
    /// The changed keys in their current state, oldest change first.
    pub changes: Vec<NodeKey>,
    /// The time of day of the server.
    pub now: String,
}

impl From<Position> for FeedPosition {
    fn from(position: Position) -> Self {
        Self { revision: position.revision.0, change: BASE64_STANDARD.encode(position.change.0) }
    }
}

impl TryFrom<&FeedPosition> for Position {
    type Error = WireError;

    fn try_from(at: &FeedPosition) -> Result<Self, WireError> {
        let change = bytes(&at.change, "a change")?;
        Ok(Self { revision: Revision(at.revision), change: ChangeId(change) })
    }
}

impl From<&KeyRecord> for NodeKey {
    fn from(record: &KeyRecord) -> Self {
        let restrictions = record.terms.restrictions.as_ref();
        Self {
            id: record.key.to_string(),
            workspace: record.workspace.to_string(),
            revision: record.revision.0,
            name: record.name.to_string(),
            class: record.class.name().to_owned(),
            scopes: record.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            permissions: record.terms.permissions.bits(),
            // Restrictions always have a JSON form. If not, null denies the key.
            restrictions: restrictions
                .map_or(Value::Null, |own| serde_json::to_value(own).unwrap_or_default()),
            expires_at: record.terms.expires_at.map(time_text),
            paused: record.terms.pause.map(|pause| NodeKeyPause { until: pause.ends_at().map(time_text) }),
            deleted_at: record.terms.deleted_at.map(time_text),
            secrets: record.secrets.iter().map(|(digest, state)| NodeKeySecret::of(digest, *state)).collect(),
        }
    }
}

impl TryFrom<&NodeKey> for KeyRecord {
    type Error = WireError;

    fn try_from(key: &NodeKey) -> Result<Self, WireError> {
        Ok(Self {
            key: word(&key.id, "a key")?,
            revision: Revision(key.revision),
            workspace: word::<WorkspaceId>(&key.workspace, "a workspace")?,
            name: key.name.as_str().into(),
            class: word::<Class>(&key.class, "a class")?,
            // A scope of a newer version only names permissions, and the permissions decide.
            scopes: key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            terms: KeyState {
                permissions: Permissions::from_bits(key.permissions),
                restrictions: serde_json::from_value(key.restrictions.clone()).ok(),
                expires_at: time_if_any(key.expires_at.as_deref())?,
                pause: key.paused.as_ref().map(NodeKeyPause::read).transpose()?,
                deleted_at: time_if_any(key.deleted_at.as_deref())?,
            },
            secrets: key.secrets.iter().map(NodeKeySecret::read).collect::<Result<_, _>>()?,
        })
    }
}

impl NodeKeyPause {
    fn read(&self) -> Result<Pause, WireError> {
        Ok(Pause::until(time_if_any(self.until.as_deref())?))
    }
}

impl NodeKeySecret {
    fn of(digest: &Digest, state: SecretState) -> Self {
        let retires_at = match state {
            SecretState::Current => None,
            SecretState::Retiring(until) => Some(time_text(until)),
        };
        Self { digest: BASE64_STANDARD.encode(digest.as_bytes()), retires_at }
    }

    fn read(&self) -> Result<(Digest, SecretState), WireError> {
        let state = time_if_any(self.retires_at.as_deref())?;
        let digest = Digest::from_bytes(bytes(&self.digest, "a digest")?);
        Ok((digest, state.map_or(SecretState::Current, SecretState::Retiring)))
    }
}

impl RegisteredNode {
    /// Returns the id of the registered node.
    pub(crate) fn node(&self) -> Result<NodeId, WireError> {
        word(&self.id, "a node")
    }
}

impl NodeChangeFrame {
    /// Returns the time of day of the server.
    pub(crate) fn time(&self) -> Result<Timestamp, WireError> {
        time(&self.now)
    }
}

/// Formats a time as RFC 3339, in UTC.
pub fn time_text(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

fn time(text: &str) -> Result<Timestamp, WireError> {
    let time: jiff::Timestamp = word(text, "a time")?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

fn time_if_any(text: Option<&str>) -> Result<Option<Timestamp>, WireError> {
    text.map(time).transpose()
}

fn word<T: FromStr>(text: &str, what: &'static str) -> Result<T, WireError> {
    text.parse().map_err(|_| WireError(what))
}

fn bytes<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], WireError> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| WireError(what))?;
    bytes.try_into().map_err(|_| WireError(what))
}
