//! The result of a check: the caller, or the denial.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use keyrack_key::{
    Class, Denial, Digest, KeyId, ModelId, Permissions, ProjectId, RateStatus, RateUse, Scopes, Timestamp,
    WorkspaceId,
};
use smol_str::SmolStr;

use crate::book::Owner;
use crate::meters::RateStatuses;
use crate::{ActiveRestrictions, Revision};

/// The state of a key at the time of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The id of the key.
    pub key: KeyId,
    /// The workspace that the key belongs to.
    pub workspace: WorkspaceId,
    /// The last change of the key that the check knew.
    pub revision: Revision,
    /// The name that people gave the key.
    pub name: SmolStr,
    /// Whether the key is secret or publishable.
    pub class: Class,
    /// The scopes that a person chose for the key.
    pub scopes: Scopes,
    /// The permissions that the key was granted.
    pub permissions: Permissions,
    /// When the key expires; `None` if it never does.
    pub expires_at: Option<Timestamp>,
    /// The restrictions; `None` if there are none.
    pub restrictions: Option<Arc<ActiveRestrictions>>,
}

impl Key {
    /// Returns `true` if the key has access to `project`. The caller makes sure that the project
    /// is in the key's workspace.
    pub fn covers(&self, project: ProjectId) -> bool {
        self.restrictions.as_ref().is_none_or(|own| own.cover_project(project))
    }

    /// Returns `true` if the key has access to `model`, which belongs to `project`. The caller makes sure
    /// that the project is in the key's workspace.
    pub fn covers_model(&self, project: ProjectId, model: ModelId) -> bool {
        self.restrictions.as_ref().is_none_or(|own| own.cover_model(project, model))
    }

    /// Returns the largest image that the key may send for a prediction, in bytes;
    /// `None` if there is no limit.
    pub fn max_image_bytes(&self) -> Option<NonZeroU32> {
        self.restrictions.as_ref().and_then(|own| own.max_image_bytes)
    }
}

/// The client of an allowed request, identified by its key.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) key: Key,
    /// The secret of the request, and where its usage is counted.
    pub(crate) owner: Owner,
    pub(crate) rate_statuses: RateStatuses,
}

impl Caller {
    /// Returns the key of the request.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Returns SHA-256 of the secret of the request. A key has two secrets during a rotation.
    pub const fn secret(&self) -> Digest {
        self.owner.secret
    }

    /// Returns what the key's rate limit leaves; `None` if the key has none or the check did not use it.
    pub const fn rate_status(&self) -> Option<RateStatus> {
        self.rate_statuses.key
    }

    /// Returns what the rate limit for each visitor leaves to this visitor; `None` if the key has none or
    /// the check did not use it.
    pub const fn visitor_rate_status(&self) -> Option<RateStatus> {
        self.rate_statuses.visitor
    }

    /// Takes one request from the key's rate limits, after a check with [`RateUse::Peek`]. The
    /// request comes from `address`.
    pub fn spend(mut self, now: Timestamp, address: Option<IpAddr>) -> Result<Self, DeniedCheck> {
        let own = self.key.restrictions.as_ref();
        match own.map_or(Ok(RateStatuses::default()), |own| own.meter(now, address, RateUse::Take)) {
            Ok(rate_statuses) => {
                self.rate_statuses = rate_statuses;
                Ok(self)
            }
            Err(denial) => Err(DeniedCheck { denial, key: Some(self.key) }),
        }
    }
}

/// A denied request, with the key if the secret was right.
#[derive(Clone, Debug)]
pub struct DeniedCheck {
    /// The reason for the denial.
    pub denial: Denial,
    /// The key, if the request proved that it has one of the key's secrets.
    pub key: Option<Key>,
}

impl From<Denial> for DeniedCheck {
    fn from(denial: Denial) -> Self {
        Self { denial, key: None }
    }
}
