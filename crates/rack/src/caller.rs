//! What a check finds out: who calls, or why not.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use keyrack_key::{
    Allowance, Class, Denial, Digest, KeyId, ModelId, Permissions, ProjectId, Scopes, Spend, Timestamp,
    WorkspaceId,
};
use smol_str::SmolStr;

use crate::narrowed::Allowances;
use crate::tally::Owner;
use crate::{Narrowed, Revision};

/// A key as it stood when it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub key: KeyId,
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// The change that left it so.
    pub revision: Revision,
    /// What people call it.
    pub name: SmolStr,
    /// Its class.
    pub class: Class,
    /// The scopes that were picked.
    pub scopes: Scopes,
    /// What it may do.
    pub permissions: Permissions,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// What narrows it; nothing where nothing does.
    pub restrictions: Option<Arc<Narrowed>>,
}

impl Key {
    /// Whether it opens `project`, of those of its workspace.
    pub fn covers(&self, project: ProjectId) -> bool {
        self.restrictions.as_ref().is_none_or(|own| own.cover_project(project))
    }

    /// Whether it opens `model`, which is one of `project`, of those of its workspace.
    pub fn covers_model(&self, project: ProjectId, model: ModelId) -> bool {
        self.restrictions.as_ref().is_none_or(|own| own.cover_model(project, model))
    }

    /// The largest image that it may send to be predicted, in bytes; nothing where any will do.
    pub fn max_image_bytes(&self) -> Option<NonZeroU32> {
        self.restrictions.as_ref().and_then(|own| own.max_image_bytes)
    }
}

/// A key that was let through, and what it is.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) key: Key,
    /// The secret that was sent, and where its uses are counted.
    pub(crate) owner: Owner,
    pub(crate) allowances: Allowances,
}

impl Caller {
    /// The key that called.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// SHA-256 of the secret that was sent: a key may have two, and one of them may be revoked.
    pub const fn secret(&self) -> Digest {
        self.owner.secret
    }

    /// What the key's rate leaves to it, if it has one that was asked about.
    pub const fn allowance(&self) -> Option<Allowance> {
        self.allowances.key
    }

    /// What the key's rate per visitor leaves to this one, if it has one that was asked about.
    pub const fn visitor_allowance(&self) -> Option<Allowance> {
        self.allowances.visitor
    }

    /// Takes one request from the key's rates, for a caller that was let through without ([`Spend::Nothing`]) and comes from
    /// `address`.
    pub fn spend(mut self, now: Timestamp, address: Option<IpAddr>) -> Result<Self, Refusal> {
        let own = self.key.restrictions.as_ref();
        match own.map_or(Ok(Allowances::default()), |own| own.meter(now, address, Spend::One)) {
            Ok(allowances) => {
                self.allowances = allowances;
                Ok(self)
            }
            Err(denial) => Err(Refusal { denial, key: Some(self.key) }),
        }
    }
}

/// Why a request was refused, and the key if its secret was right.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The one reason.
    pub denial: Denial,
    /// The key, where the caller proved that it holds a secret of it.
    pub key: Option<Key>,
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self { denial, key: None }
    }
}
