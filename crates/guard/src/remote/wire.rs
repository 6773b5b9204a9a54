//! What a node and its server say to each other, as JSON. Both ends use these types, so that they cannot drift apart.
//!
//! Fields that a reader does not know are passed over; what a newer server says of a key and this version cannot read
//! leaves the key refused.

mod uses;

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_key::{Class, Digest, NodeId, Pause, Permissions, SecretState, Terms, Timestamp, WorkspaceId};
use keyrack_rack::{ChangeId, Position, Record, Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use keyrack_rack::{LEASE, WAIT};
pub use uses::{Called, Count, KeyUses, Last, SeenAt, Uses};

/// The most keys in one batch of uses.
pub const USES: usize = 500;

/// Text that cannot be read as what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server says something as {0} that this version cannot read")]
pub struct Unreadable(pub &'static str);

/// A service asks to become a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeRegistration))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Register {
    /// What people call it: 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(example = "counter-3"))]
    pub name: String,
    /// How many seconds it goes on when it is cut off, up to 3600; 0: it refuses at once.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = 60, maximum = 3600))]
    pub serves_for: u64,
}

/// It is a node from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RegisteredNode))]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// Its id, until it leaves or was not heard of for too long.
    #[cfg_attr(feature = "openapi", schema(example = "nod_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"))]
    pub id: String,
    /// For how many milliseconds after it began to ask for changes it may decide.
    pub lease_millis: u64,
    /// The brands that secrets begin with.
    #[cfg_attr(feature = "openapi", schema(example = json!(["kr"])))]
    pub brands: Vec<String>,
    /// The page where a key is changed, without its id at the end.
    pub manage_url: String,
}

/// A point in one history of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FeedPosition))]
#[serde(rename_all = "camelCase")]
pub struct At {
    /// The number of the last change that is included.
    #[cfg_attr(feature = "openapi", schema(example = 812))]
    pub revision: u64,
    /// The random name of that change: two histories that number alike differ in it. 16 bytes in Base64.
    #[cfg_attr(feature = "openapi", schema(example = "b0Vu8mW2QkCqNTc1n0cTXw=="))]
    pub change: String,
}

/// A key as a node needs it: never a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeKey))]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Its workspace.
    pub workspace: String,
    /// The number of its last change.
    pub revision: u64,
    /// What people call it.
    pub name: String,
    /// `secret` or `publishable`.
    pub class: String,
    /// The scopes that were picked.
    pub scopes: Vec<String>,
    /// What they granted, a bit for each permission. A node that does not know one refuses the key.
    pub permissions: u32,
    /// What narrows it; null where even the server cannot read it, and the key is refused.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub restrictions: Value,
    /// When it ends by itself; null: never.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// That it was paused, and until when; null: it was not.
    #[serde(default)]
    pub paused: Option<Paused>,
    /// When it was deleted.
    #[serde(default)]
    pub deleted_at: Option<String>,
    /// What is kept of its secrets.
    pub secrets: Vec<Secret>,
}

/// A key is refused for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeKeyPause))]
#[serde(rename_all = "camelCase")]
pub struct Paused {
    /// When it works again by itself; null: when it is resumed.
    #[serde(default)]
    pub until: Option<String>,
}

/// What is kept of a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeKeySecret))]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// SHA-256 of all of it, in Base64.
    pub digest: String,
    /// When it ends; null for the current one.
    #[serde(default)]
    pub retires_at: Option<String>,
}

/// A line of a snapshot: first the head, then each key, then the end. A snapshot without its end was cut off.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SnapshotLine))]
#[serde(rename_all = "camelCase")]
pub enum Line {
    /// Where the snapshot was taken.
    Head(At),
    /// One key.
    Key(Box<Key>),
    /// How many keys there were.
    End(u64),
}

/// A node says how far it is, and asks for what came after that.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeChangesRequest))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Applied {
    /// All that it has applied.
    pub applied: At,
    /// How many milliseconds the answer may wait for a change, up to 1000.
    #[serde(default)]
    pub wait_millis: u64,
}

/// What changed between two positions. Changes of other workspaces are counted and not told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeChangeFrame))]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Where the node has to be.
    pub from: At,
    /// Where it is afterwards.
    pub to: At,
    /// The keys that changed, each once as it is now, oldest change first.
    pub changes: Vec<Key>,
    /// The server's time of day.
    pub now: String,
}

impl From<Position> for At {
    fn from(position: Position) -> Self {
        Self { revision: position.revision.0, change: BASE64_STANDARD.encode(position.change.0) }
    }
}

impl TryFrom<&At> for Position {
    type Error = Unreadable;

    fn try_from(at: &At) -> Result<Self, Unreadable> {
        let change = bytes(&at.change, "a change")?;
        Ok(Self { revision: Revision(at.revision), change: ChangeId(change) })
    }
}

impl From<&Record> for Key {
    fn from(record: &Record) -> Self {
        let restrictions = record.terms.restrictions.as_ref();
        Self {
            id: record.key.to_string(),
            workspace: record.workspace.to_string(),
            revision: record.revision.0,
            name: record.name.to_string(),
            class: record.class.name().to_owned(),
            scopes: record.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            permissions: record.terms.permissions.bits(),
            // Names and numbers: they always have a JSON, and none would refuse the key.
            restrictions: restrictions
                .map_or(Value::Null, |own| serde_json::to_value(own).unwrap_or_default()),
            expires_at: record.terms.expires_at.map(time_text),
            paused: record.terms.pause.map(|pause| Paused { until: pause.ends_at().map(time_text) }),
            deleted_at: record.terms.deleted_at.map(time_text),
            secrets: record.secrets.iter().map(|(digest, state)| Secret::of(digest, *state)).collect(),
        }
    }
}

impl TryFrom<&Key> for Record {
    type Error = Unreadable;

    fn try_from(key: &Key) -> Result<Self, Unreadable> {
        Ok(Self {
            key: word(&key.id, "a key")?,
            revision: Revision(key.revision),
            workspace: word::<WorkspaceId>(&key.workspace, "a workspace")?,
            name: key.name.as_str().into(),
            class: word::<Class>(&key.class, "a class")?,
            // One of a newer version only names what the permissions, which count, hold.
            scopes: key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            terms: Terms {
                permissions: Permissions::from_bits(key.permissions),
                restrictions: serde_json::from_value(key.restrictions.clone()).ok(),
                expires_at: time_if_any(key.expires_at.as_deref())?,
                pause: key.paused.as_ref().map(Paused::read).transpose()?,
                deleted_at: time_if_any(key.deleted_at.as_deref())?,
            },
            secrets: key.secrets.iter().map(Secret::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Paused {
    fn read(&self) -> Result<Pause, Unreadable> {
        Ok(Pause::until(time_if_any(self.until.as_deref())?))
    }
}

impl Secret {
    fn of(digest: &Digest, state: SecretState) -> Self {
        let retires_at = match state {
            SecretState::Current => None,
            SecretState::Retiring(until) => Some(time_text(until)),
        };
        Self { digest: BASE64_STANDARD.encode(digest.as_bytes()), retires_at }
    }

    fn read(&self) -> Result<(Digest, SecretState), Unreadable> {
        let state = time_if_any(self.retires_at.as_deref())?;
        let digest = Digest::from_bytes(bytes(&self.digest, "a digest")?);
        Ok((digest, state.map_or(SecretState::Current, SecretState::Retiring)))
    }
}

impl Registered {
    /// The id that it was given.
    pub(crate) fn node(&self) -> Result<NodeId, Unreadable> {
        word(&self.id, "a node")
    }
}

impl Changes {
    /// The server's time of day.
    pub(crate) fn time(&self) -> Result<Timestamp, Unreadable> {
        time(&self.now)
    }
}

/// RFC 3339, in UTC.
pub fn time_text(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

fn time(text: &str) -> Result<Timestamp, Unreadable> {
    let time: jiff::Timestamp = word(text, "a time")?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

fn time_if_any(text: Option<&str>) -> Result<Option<Timestamp>, Unreadable> {
    text.map(time).transpose()
}

fn word<T: FromStr>(text: &str, what: &'static str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable(what))
}

fn bytes<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], Unreadable> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| Unreadable(what))?;
    bytes.try_into().map_err(|_| Unreadable(what))
}
