//! A key as the API shows it. Never a secret, but for [`KeyWithSecret`].

use keyrack_core::keys::{Handed, Propagation};
use keyrack_core::nodes::Unconfirmed;
use keyrack_core::times::rfc3339;
use keyrack_key::{Class, Permission, Scope, Standing, Timestamp};
use keyrack_rack::{LastUse, Revision};
use keyrack_store::{Actor, KeyPause, KeyRow, NamedActor};
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{QuotaStanding, RestrictionsFields};

/// A key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub struct KeyBody {
    /// Stays the same whatever secrets the key has had.
    #[schema(value_type = crate::api::schema::KeyId)]
    id: String,
    #[schema(example = "line-3-camera")]
    name: String,
    /// `secret`, or `publishable`: meant to be public.
    #[schema(value_type = crate::api::schema::KeyClass)]
    class: &'static str,
    /// The scopes that were picked.
    #[schema(value_type = Vec<crate::api::schema::ScopeName>, example = json!(["inference"]))]
    scopes: Vec<&'static str>,
    /// What they granted on that day. A later version that adds to a scope widens no key.
    #[schema(value_type = Vec<crate::api::schema::PermissionName>, example = json!(["models:predict"]))]
    permissions: Vec<&'static str>,
    /// What narrows it further.
    restrictions: RestrictionsFields,
    /// How it stands with its quotas, where one key is read. Left out in lists and where it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quotas: Vec<QuotaStanding>,
    note: Option<String>,
    /// `live`, `paused`, `expired` or `deleted`.
    #[schema(value_type = crate::api::schema::KeyStatus)]
    status: &'static str,
    /// The current secret, then those that still work or worked before, by their last four characters.
    secrets: Vec<SecretBody>,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: ByBody,
    /// Null: never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The last use that is known, up to a second old.
    last_used: Option<LastUseBody>,
    /// Null: it is not, or no longer.
    paused: Option<PausedBody>,
    deleted: Option<DeletionBody>,
    /// The number of the last change of this key.
    revision: u64,
}

/// A secret of a key, by its last four characters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeySecret)]
pub struct SecretBody {
    #[schema(example = "9fQ2")]
    hint: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends or ended; null for the current one.
    #[schema(format = DateTime)]
    retires_at: Option<String>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub struct ByBody {
    /// `user`, `key`, or `operator`: the command line on the data folder.
    #[schema(value_type = crate::api::schema::ActorKind)]
    kind: &'static str,
    id: Option<String>,
    name: Option<String>,
}

/// The last use of a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyLastUsed)]
pub struct LastUseBody {
    #[schema(format = DateTime)]
    at: String,
    address: Option<String>,
    agent: String,
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
}

/// A pause that is not over.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyPause)]
pub struct PausedBody {
    #[schema(format = DateTime)]
    at: String,
    by: ByBody,
    /// When the key works again by itself; null: when it is resumed.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// How a key ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyDeletion)]
pub struct DeletionBody {
    #[schema(format = DateTime)]
    at: String,
    by: ByBody,
    reason: Option<String>,
}

/// Where a change has arrived.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Propagation)]
pub struct PropagationBody {
    revision: u64,
    /// How many nodes check keys of this workspace: this server, and services with a guard that follows it.
    nodes: u32,
    /// How many of them have the change.
    confirmed: u32,
    /// Those that may not have it yet: they are cut off, and were told to go on for a while.
    unconfirmed: Vec<UnconfirmedBody>,
}

/// A node that may not have a change yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnconfirmedNode)]
pub struct UnconfirmedBody {
    #[schema(value_type = crate::api::schema::NodeId)]
    node: String,
    #[schema(example = "counter-3")]
    name: String,
    /// The latest time at which it can still decide by what was before the change.
    #[schema(format = DateTime)]
    until: String,
}

/// A key and its new secret: the one time that it is shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyWithSecret {
    #[serde(flatten)]
    key: KeyBody,
    /// Store it now: it is not kept and cannot be shown again.
    #[schema(example = "kr_sk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMPLE")]
    #[schema(value_type = String)]
    secret: Zeroizing<String>,
    /// When the secret before it ends; null when there is none.
    #[schema(format = DateTime)]
    retires_at: Option<String>,
    propagation: PropagationBody,
}

impl KeyBody {
    pub fn new(key: &KeyRow, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            class: Class::name(key.class),
            scopes: key.scopes.iter().map(Scope::name).collect(),
            permissions: key.terms.permissions.iter().map(Permission::name).collect(),
            restrictions: RestrictionsFields::of(key.terms.restrictions.as_ref()),
            quotas: Vec::new(),
            note: key.note.clone(),
            status: status(key, now),
            secrets: key
                .secrets
                .iter()
                .map(|secret| SecretBody {
                    hint: secret.hint.to_string(),
                    created_at: rfc3339(secret.created_at),
                    retires_at: secret.retires_at.map(rfc3339),
                })
                .collect(),
            created_at: rfc3339(key.created_at),
            created_by: ByBody::of(&key.created_by),
            expires_at: key.terms.expires_at.map(rfc3339),
            last_used: key.last_use.as_ref().map(LastUseBody::of),
            paused: key.paused_at(now).map(PausedBody::of),
            deleted: key.deletion.as_ref().map(|deletion| DeletionBody {
                at: rfc3339(deletion.at),
                by: ByBody::of(&deletion.by),
                reason: deletion.reason.clone(),
            }),
            revision: key.revision.0,
        }
    }
}

impl KeyBody {
    /// The same, with how it stands with its quotas.
    pub fn standing(self, quotas: Vec<Standing>) -> Self {
        Self { quotas: quotas.into_iter().map(QuotaStanding::from).collect(), ..self }
    }
}

fn status(key: &KeyRow, now: Timestamp) -> &'static str {
    match (&key.deletion, key.terms.expires_at) {
        (Some(_), _) => "deleted",
        (None, _) if key.paused_at(now).is_some() => "paused",
        (None, Some(at)) if at <= now => "expired",
        _ => "live",
    }
}

impl ByBody {
    fn of(by: &NamedActor) -> Self {
        let (kind, id) = match by.actor {
            Actor::User(id) => ("user", Some(id.to_string())),
            Actor::Key(id) => ("key", Some(id.to_string())),
            Actor::Operator => ("operator", None),
        };
        Self { kind, id, name: by.name.clone() }
    }
}

impl PausedBody {
    fn of(paused: &KeyPause) -> Self {
        Self { at: rfc3339(paused.at), by: ByBody::of(&paused.by), until: paused.until.map(rfc3339) }
    }
}

impl LastUseBody {
    fn of(last: &LastUse) -> Self {
        Self {
            at: rfc3339(last.at),
            address: last.address.map(|address| address.to_string()),
            agent: last.agent().to_owned(),
            permission: last.permission.map(Permission::name),
        }
    }
}

impl From<Propagation> for PropagationBody {
    fn from(propagation: Propagation) -> Self {
        let confirmed = propagation.confirmed();
        let unconfirmed = propagation.unconfirmed.into_iter().map(UnconfirmedBody::from).collect();
        Self { revision: propagation.revision.0, nodes: propagation.nodes, confirmed, unconfirmed }
    }
}

impl From<Unconfirmed> for UnconfirmedBody {
    fn from(node: Unconfirmed) -> Self {
        Self { node: node.id.to_string(), name: node.name, until: rfc3339(node.until) }
    }
}

impl KeyWithSecret {
    pub fn new(handed: Handed, now: Timestamp) -> Self {
        let retiring = handed.key.secrets.iter().filter_map(|secret| secret.retires_at).max();
        Self {
            key: KeyBody::new(&handed.key, now),
            secret: handed.secret.expose().to_owned().into(),
            retires_at: retiring.map(rfc3339),
            propagation: handed.propagation.into(),
        }
    }
}

/// The value of `ETag` and `If-Match`.
pub fn etag(revision: Revision) -> String {
    format!("\"{}\"", revision.0)
}
