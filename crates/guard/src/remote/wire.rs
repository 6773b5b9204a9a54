//! What a node and its server say to each other, as JSON. Both ends use these types, so that they cannot drift apart.
//!
//! Fields that a reader does not know are passed over; what a newer server says of a key and this version cannot read
//! leaves the key refused.

use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_key::{
    Class, Digest, Hint, KeyId, NodeId, Pause, Permissions, SecretState, Terms, Timestamp, WorkspaceId,
};
use keyrack_rack::{Calls, ChangeId, LastUse, Outcome, Position, Record, Revision, Used, Words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a node may decide after the start of its last renewal, unless it was told to go on when it is cut off.
pub const LEASE: Duration = Duration::from_secs(5);

/// The longest that a server holds a question for changes back while there are none.
pub const WAIT: Duration = Duration::from_secs(1);

/// The most keys in one batch of uses.
pub const USES: usize = 500;

/// Text that cannot be read as what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server says something as {0} that this version cannot read")]
pub struct Unreadable(pub &'static str);

/// A service asks to become a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Register {
    /// What people call it: 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(example = "counter-3"))]
    pub name: String,
    /// How many seconds it goes on when it is cut off, up to 3600; 0: it refuses at once.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = 60))]
    pub serves_for: u64,
}

/// It is a node from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodePaused))]
#[serde(rename_all = "camelCase")]
pub struct Paused {
    /// When it works again by itself; null: when it is resumed.
    #[serde(default)]
    pub until: Option<String>,
}

/// What is kept of a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NodeSecret))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// What keys were used for on a node since its last batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Uses {
    /// The number of the batch, from 1. One that was taken before is not counted again.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub batch: u64,
    /// Up to 500 keys.
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub keys: Vec<KeyUses>,
    /// Who called: up to 500 callers.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub callers: Vec<Called>,
}

/// Calls of one caller that ended in one way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Called {
    /// The key's id.
    pub key: String,
    /// The last four characters of the secret.
    pub secret: String,
    /// From where, if known.
    #[serde(default)]
    pub address: Option<String>,
    /// The page that called; empty where none did.
    #[serde(default)]
    pub origin: String,
    /// The program, as it calls itself.
    #[serde(default)]
    pub agent: String,
    /// What was asked for.
    #[serde(default)]
    pub permission: Option<String>,
    /// The code of the refusal; null where it was let through.
    #[serde(default)]
    pub refused: Option<String>,
    /// When the first of them came.
    pub first: String,
    /// When the last of them came.
    pub last: String,
    /// How many they are.
    pub calls: u32,
}

/// What one secret of a key was used for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyUses {
    /// The key's id.
    pub key: String,
    /// Which of its secrets: SHA-256, in Base64. Left out: it is not told.
    #[serde(default)]
    pub secret: Option<String>,
    /// How its checks ended.
    pub counts: Vec<Count>,
    /// Its last use, if one was let through.
    #[serde(default)]
    pub last: Option<Last>,
}

/// How often checks ended in one way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    /// What was asked for.
    #[serde(default)]
    pub permission: Option<String>,
    /// The code of the refusal; null where it was let through.
    #[serde(default)]
    pub refused: Option<String>,
    /// How often.
    pub checks: u32,
}

/// The last use of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Last {
    /// When.
    pub at: String,
    /// From where, if known.
    #[serde(default)]
    pub address: Option<String>,
    /// What for.
    #[serde(default)]
    pub permission: Option<String>,
    /// The program, as it calls itself.
    #[serde(default)]
    pub agent: String,
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

impl From<&Used> for KeyUses {
    fn from(used: &Used) -> Self {
        let name = |permission: keyrack_key::Permission| permission.name().to_owned();
        let count = |(outcome, checks): &(Outcome, u32)| Count {
            permission: outcome.permission.map(name),
            refused: outcome.refused.map(str::to_owned),
            checks: *checks,
        };
        Self {
            key: used.key.to_string(),
            secret: used.secret.map(|digest| BASE64_STANDARD.encode(digest.as_bytes())),
            counts: used.counts.iter().map(count).collect(),
            last: used.last.as_ref().map(|last| Last {
                at: time_text(last.at),
                address: last.address.map(|address| address.to_string()),
                permission: last.permission.map(name),
                agent: last.agent().to_owned(),
            }),
        }
    }
}

impl TryFrom<&KeyUses> for Used {
    type Error = Unreadable;

    fn try_from(uses: &KeyUses) -> Result<Self, Unreadable> {
        let permission =
            |name: &Option<String>| name.as_ref().map(|name| word(name, "a permission")).transpose();
        let count = |count: &Count| {
            let outcome = Outcome::named(permission(&count.permission)?, count.refused.as_deref());
            Ok((outcome.ok_or(Unreadable("the end of a check"))?, count.checks))
        };
        let secret = uses.secret.as_ref().map(|text| bytes(text, "a digest"));
        let last = |last: &Last| {
            let address = last.address.as_ref().map(|text| word(text, "an address")).transpose()?;
            Ok(LastUse::new(time(&last.at)?, address, permission(&last.permission)?, last.agent.as_bytes()))
        };
        Ok(Self {
            key: word::<KeyId>(&uses.key, "a key")?,
            secret: secret.transpose()?.map(Digest::from_bytes),
            counts: uses.counts.iter().map(count).collect::<Result<_, _>>()?,
            last: uses.last.as_ref().map(last).transpose()?,
        })
    }
}

impl From<&Calls> for Called {
    fn from(calls: &Calls) -> Self {
        Self {
            key: calls.key.to_string(),
            secret: calls.hint.to_string(),
            address: calls.address.map(|address| address.to_string()),
            origin: calls.origin.as_str().to_owned(),
            agent: calls.agent.as_str().to_owned(),
            permission: calls.outcome.permission.map(|permission| permission.name().to_owned()),
            refused: calls.outcome.refused.map(str::to_owned),
            first: time_text(calls.first),
            last: time_text(calls.last),
            calls: calls.number,
        }
    }
}

impl TryFrom<&Called> for Calls {
    type Error = Unreadable;

    fn try_from(called: &Called) -> Result<Self, Unreadable> {
        let permission = called.permission.as_ref().map(|name| word(name, "a permission")).transpose()?;
        let outcome = Outcome::named(permission, called.refused.as_deref());
        let (first, last) = (time(&called.first)?, time(&called.last)?);
        if called.calls == 0 || first > last {
            return Err(Unreadable("calls"));
        }
        Ok(Self {
            key: word::<KeyId>(&called.key, "a key")?,
            hint: Hint::parse(&called.secret).ok_or(Unreadable("the end of a secret"))?,
            address: called.address.as_ref().map(|text| word(text, "an address")).transpose()?,
            origin: Words::new(called.origin.as_bytes()),
            agent: Words::new(called.agent.as_bytes()),
            outcome: outcome.ok_or(Unreadable("the end of a check"))?,
            first,
            last,
            number: called.calls,
        })
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
