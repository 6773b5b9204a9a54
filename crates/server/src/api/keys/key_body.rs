//! Response types of keys. Only [`KeyWithSecret`] contains a secret.

use keyrack_key::{Class, Permission, QuotaState, Scope, Timestamp};
use keyrack_rack::{LastUse, Revision};
use keyrack_store::{Actor, KeyPause, KeyRow, NamedActor};
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{KeyRestrictions, QuotaUsage};
use keyrack_core::keys::{IssuedKey, Propagation};
use keyrack_core::nodes::PendingNode;
use keyrack_core::times::rfc3339;

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub struct KeyBody {
    /// The ID of the key. Rotations don't change it.
    #[schema(value_type = crate::api::schema::KeyId)]
    id: String,
    #[schema(example = "line-3-camera")]
    name: String,
    /// `secret` or `publishable`.
    #[schema(value_type = crate::api::schema::KeyClass)]
    class: &'static str,
    /// The scopes of the key.
    #[schema(value_type = Vec<crate::api::schema::ScopeName>, example = json!(["inference"]))]
    scopes: Vec<&'static str>,
    /// The permissions that the scopes granted when they were set. A new version of the server may add permissions to a scope,
    /// but doesn't add them to existing keys.
    #[schema(value_type = Vec<crate::api::schema::PermissionName>, example = json!(["models:predict"]))]
    permissions: Vec<&'static str>,
    restrictions: KeyRestrictions,
    /// The usage of the key's quotas. Missing in lists, and if the key has no quotas.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quotas: Vec<QuotaUsage>,
    /// A note for people.
    note: Option<String>,
    /// `active`, `paused`, `expired`, or `deleted`.
    #[schema(value_type = crate::api::schema::KeyStatus)]
    status: &'static str,
    /// The current secret first, then previous secrets.
    secrets: Vec<KeySecret>,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: ActorBody,
    /// When the key expires. Null means never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The last allowed request, up to one second old. Null if there was none.
    last_used: Option<KeyLastUsed>,
    /// The current pause. Null if the key isn't paused.
    paused: Option<KeyPauseBody>,
    /// The deletion. Null if the key isn't deleted.
    deleted: Option<KeyDeletion>,
    /// The number of the last change of this key.
    revision: u64,
}

/// A secret of a key. The text of a secret key is never returned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeySecret {
    /// The last four characters of the secret.
    #[schema(example = "9fQ2")]
    hint: String,
    /// The whole publishable key, which is public. Null for a secret key, which is never returned again.
    #[schema(example = "kr_pk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMPLE")]
    publishable_key: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When the secret stops or stopped working. Null for the current secret.
    #[schema(format = DateTime)]
    retires_at: Option<String>,
}

/// The actor of a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub struct ActorBody {
    /// `user`, `key`, or `operator` (the command line on the data folder).
    #[schema(value_type = crate::api::schema::ActorKind)]
    kind: &'static str,
    /// The ID of the user or the key. Null for `operator`.
    id: Option<String>,
    /// The name of the user or the key.
    name: Option<String>,
}

/// The last allowed request with a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyLastUsed {
    #[schema(format = DateTime)]
    at: String,
    /// The IP address of the client. Null if it isn't known.
    address: Option<String>,
    /// The `User-Agent` header of the request.
    user_agent: String,
    /// The permission that the request needed.
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
}

/// The current pause of a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyPause)]
pub struct KeyPauseBody {
    /// When the pause started.
    #[schema(format = DateTime)]
    at: String,
    by: ActorBody,
    /// When the pause ends. Null if the key is paused until someone resumes it.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// The deletion of a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyDeletion {
    #[schema(format = DateTime)]
    at: String,
    by: ActorBody,
    reason: Option<String>,
}

/// The propagation of a change to all nodes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Propagation)]
pub struct PropagationBody {
    /// The number of the change.
    revision: u64,
    /// The number of nodes that check keys of this workspace: this server, and services that follow it.
    nodes: u32,
    /// The number of nodes that have applied the change.
    confirmed: u32,
    /// Nodes that may not have applied the change. They are disconnected, and configured to continue for some time.
    unconfirmed: Vec<UnconfirmedNode>,
}

/// A node that may not have applied a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnconfirmedNode {
    #[schema(value_type = crate::api::schema::NodeId)]
    id: String,
    #[schema(example = "counter-3")]
    name: String,
    /// The latest time at which the node may still use the state before the change.
    #[schema(format = DateTime)]
    until: String,
}

/// A key with its new secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyWithSecret {
    #[serde(flatten)]
    key: KeyBody,
    /// The secret key. Store it now: the server doesn't keep it and can't return it again. A publishable key is also in `secrets`.
    #[schema(example = "kr_sk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMPLE")]
    #[schema(value_type = String)]
    secret: Zeroizing<String>,
    /// When the previous secret stops working. Null if there is none.
    #[schema(format = DateTime)]
    old_secret_retires_at: Option<String>,
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
            restrictions: KeyRestrictions::new(key.terms.restrictions.as_ref()),
            quotas: Vec::new(),
            note: key.note.clone(),
            status: status(key, now),
            secrets: key
                .secrets
                .iter()
                .map(|secret| KeySecret {
                    hint: secret.hint.to_string(),
                    publishable_key: secret.publishable.as_ref().map(ToString::to_string),
                    created_at: rfc3339(secret.created_at),
                    retires_at: secret.retires_at.map(rfc3339),
                })
                .collect(),
            created_at: rfc3339(key.created_at),
            created_by: ActorBody::new(&key.created_by),
            expires_at: key.terms.expires_at.map(rfc3339),
            last_used: key.last_use.as_ref().map(KeyLastUsed::new),
            paused: key.paused_at(now).map(KeyPauseBody::new),
            deleted: key.deletion.as_ref().map(|deletion| KeyDeletion {
                at: rfc3339(deletion.at),
                by: ActorBody::new(&deletion.by),
                reason: deletion.reason.clone(),
            }),
            revision: key.revision.0,
        }
    }
}

impl KeyBody {
    /// Adds the usage of the key's quotas.
    pub fn with_quotas(self, quotas: Vec<QuotaState>) -> Self {
        Self { quotas: quotas.into_iter().map(QuotaUsage::from).collect(), ..self }
    }
}

fn status(key: &KeyRow, now: Timestamp) -> &'static str {
    match (&key.deletion, key.terms.expires_at) {
        (Some(_), _) => "deleted",
        (None, _) if key.paused_at(now).is_some() => "paused",
        (None, Some(at)) if at <= now => "expired",
        _ => "active",
    }
}

impl ActorBody {
    fn new(by: &NamedActor) -> Self {
        let (kind, id) = match by.actor {
            Actor::User(id) => ("user", Some(id.to_string())),
            Actor::Key(id) => ("key", Some(id.to_string())),
            Actor::Operator => ("operator", None),
        };
        Self { kind, id, name: by.name.clone() }
    }
}

impl KeyPauseBody {
    fn new(paused: &KeyPause) -> Self {
        Self { at: rfc3339(paused.at), by: ActorBody::new(&paused.by), until: paused.until.map(rfc3339) }
    }
}

impl KeyLastUsed {
    fn new(last: &LastUse) -> Self {
        Self {
            at: rfc3339(last.at),
            address: last.address.map(|address| address.to_string()),
            user_agent: last.agent().to_owned(),
            permission: last.permission.map(Permission::name),
        }
    }
}

impl From<Propagation> for PropagationBody {
    fn from(propagation: Propagation) -> Self {
        let confirmed = propagation.confirmed();
        let unconfirmed = propagation.unconfirmed.into_iter().map(UnconfirmedNode::from).collect();
        Self { revision: propagation.revision.0, nodes: propagation.nodes, confirmed, unconfirmed }
    }
}

impl From<PendingNode> for UnconfirmedNode {
    fn from(node: PendingNode) -> Self {
        Self { id: node.id.to_string(), name: node.name, until: rfc3339(node.until) }
    }
}

impl KeyWithSecret {
    pub fn new(handed: IssuedKey, now: Timestamp) -> Self {
        let retiring = handed.key.secrets.iter().filter_map(|secret| secret.retires_at).max();
        Self {
            key: KeyBody::new(&handed.key, now),
            secret: handed.secret.expose().to_owned().into(),
            old_secret_retires_at: retiring.map(rfc3339),
            propagation: handed.propagation.into(),
        }
    }
}

/// Returns the value of `ETag` for a revision of a key.
pub fn etag(revision: Revision) -> String {
    format!("\"{}\"", revision.0)
}
