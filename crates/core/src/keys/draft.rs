//! The requested state of a key, and its validation.

use std::time::Duration;

use keyrack_key::{Class, Grant, GrantError, KeyId, Restrictions, Scopes, Timestamp, WorkspaceId};
use keyrack_rack::Revision;
use keyrack_store::{Actor, EditKey, KeyRow, NewKey, NewSecret, Policy, StoreError};

use crate::who::GrantedAuthority;
use crate::{Invalid, OpError, invalid};

/// Tolerance for callers whose clock is ahead of the server's when they compute the latest allowed expiry.
const LEEWAY: Duration = Duration::from_mins(1);

/// The latest time that RFC 3339 can represent in every time zone.
const LATEST: Timestamp = Timestamp::from_micros(253_402_207_200_000_000);

/// The requested state of a key.
#[derive(Clone, Debug)]
pub struct KeyDraft {
    pub name: String,
    pub class: Class,
    pub scopes: Scopes,
    pub restrictions: Restrictions,
    pub expires_at: Option<Timestamp>,
    pub note: String,
}

/// Changes to a key. Fields that are `None` stay as they are.
#[derive(Clone, Debug, Default)]
pub struct KeyPatch {
    pub name: Option<String>,
    pub scopes: Option<Scopes>,
    pub restrictions: Option<Restrictions>,
    pub expires_at: Option<Option<Timestamp>>,
    pub note: Option<String>,
    /// The caller knows that a secret of the key was exposed and widens the key nevertheless.
    pub acknowledges_public_use: bool,
}

/// The range in which the expiry of a key must lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpiryRule {
    /// The expiry must be later than this time.
    after: Timestamp,
    /// The policy of the workspace and the current time. `None` if the expiry does not change.
    policy: Option<(Policy, Timestamp)>,
}

impl ExpiryRule {
    /// The rule for a new expiry.
    pub(super) const fn for_change(policy: Policy, now: Timestamp) -> Self {
        Self { after: now, policy: Some((policy, now)) }
    }

    /// The rule for an expiry that does not change. The current policy does not apply to it.
    pub(super) const fn unchanged(after: Timestamp) -> Self {
        Self { after, policy: None }
    }

    fn check(self, at: Option<Timestamp>) -> Result<(), String> {
        if at.is_some_and(|at| at <= self.after) {
            return Err("Choose a time in the future.".to_owned());
        }
        if at.is_some_and(|at| at > LATEST) {
            return Err("Choose a time before the end of the year 9999.".to_owned());
        }
        let Some((policy, now)) = self.policy else { return Ok(()) };
        match (policy.longest_life, policy.latest_end(now)) {
            (Some(days), Some(latest)) if at.is_none_or(|at| at > latest.plus(LEEWAY)) => {
                Err(format!("Workspace policy: keys must expire within {days} days."))
            }
            _ => Ok(()),
        }
    }
}

/// A draft whose fields are all valid.
pub(super) struct ValidKeyDraft {
    name: String,
    pub(super) grant: Grant,
    pub(super) restrictions: Restrictions,
    expires_at: Option<Timestamp>,
    note: Option<String>,
}

impl KeyDraft {
    /// Sets a missing expiry to the latest expiry that the workspace allows.
    pub(super) fn with_default_expiry(mut self, policy: Policy, now: Timestamp) -> Self {
        self.expires_at = self.expires_at.or(policy.latest_end(now));
        self
    }

    pub(super) fn check(self, ends: ExpiryRule) -> Result<ValidKeyDraft, Invalid> {
        let mut invalid = Invalid::default();
        let name = invalid.take("name", invalid::name(&self.name));
        let note = invalid.take("note", invalid::note(&self.note, 500));
        let grant = Grant::new(self.class, self.scopes);
        let field = if grant == Err(GrantError::AboveCeiling) { "class" } else { "scopes" };
        let grant = invalid.take(field, grant);
        let expiry = invalid.take("expiresAt", ends.check(self.expires_at));
        match (name, note, grant, expiry) {
            (Some(name), Some(note), Some(grant), Some(())) => Ok(ValidKeyDraft {
                name,
                grant,
                restrictions: self.restrictions,
                expires_at: self.expires_at,
                note,
            }),
            _ => Err(invalid),
        }
    }
}

impl KeyPatch {
    pub(super) fn apply(self, key: KeyRow) -> Result<KeyDraft, OpError> {
        let reach = GrantedAuthority::of(&key)?;
        Ok(KeyDraft {
            name: self.name.unwrap_or(key.name),
            class: key.class,
            scopes: self.scopes.unwrap_or(key.scopes),
            restrictions: self.restrictions.unwrap_or(reach.restrictions),
            expires_at: self.expires_at.unwrap_or(reach.expires_at),
            note: self.note.or(key.note).unwrap_or_default(),
        })
    }
}

impl GrantedAuthority {
    pub(super) fn of(key: &KeyRow) -> Result<Self, OpError> {
        Ok(Self {
            permissions: key.terms.permissions,
            restrictions: key.terms.restrictions.clone().ok_or(StoreError::NotUnderstood)?,
            expires_at: key.terms.expires_at,
        })
    }
}

impl ValidKeyDraft {
    pub(super) fn authority(&self) -> GrantedAuthority {
        GrantedAuthority {
            permissions: self.grant.permissions(),
            restrictions: self.restrictions.clone(),
            expires_at: self.expires_at,
        }
    }

    /// Returns what the edited key opens. If the edit keeps `scopes`, the key keeps its granted permissions, even if
    /// the meaning of the scopes has changed since.
    pub(super) fn authority_after(&self, before: &GrantedAuthority, scopes: Scopes) -> GrantedAuthority {
        let reach = self.authority();
        if self.grant.scopes() == scopes {
            GrantedAuthority { permissions: before.permissions, ..reach }
        } else {
            reach
        }
    }

    pub(super) fn as_new<'a>(
        &'a self,
        id: KeyId,
        workspace: WorkspaceId,
        secret: NewSecret,
        actor: Actor,
        now: Timestamp,
        once: Option<&'a str>,
    ) -> NewKey<'a> {
        NewKey {
            id,
            workspace,
            name: &self.name,
            grant: self.grant,
            restrictions: &self.restrictions,
            note: self.note.as_deref(),
            expires_at: self.expires_at,
            secret,
            actor,
            now,
            idempotency_key: once,
        }
    }

    pub(super) fn as_edit(
        &self,
        id: KeyId,
        workspace: WorkspaceId,
        expected: Revision,
        actor: Actor,
        now: Timestamp,
    ) -> EditKey<'_> {
        EditKey {
            workspace,
            id,
            expected,
            name: &self.name,
            grant: self.grant,
            restrictions: &self.restrictions,
            note: self.note.as_deref(),
            expires_at: self.expires_at,
            actor,
            now,
        }
    }
}
