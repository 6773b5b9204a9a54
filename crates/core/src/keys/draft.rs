//! A key as somebody wants it, and what is wrong with that.

use std::time::Duration;

use keyrack_key::{
    Class, Digest, Grant, GrantError, Hint, KeyId, Restrictions, Scopes, Timestamp, WorkspaceId,
};
use keyrack_rack::Revision;
use keyrack_store::{Actor, EditKey, KeyRow, NewKey, Policy, StoreError};

use crate::who::Reach;
use crate::{Invalid, OpError, invalid};

/// Clocks differ: an end so little beyond the policy was computed by somebody whose clock is ahead.
const LEEWAY: Duration = Duration::from_mins(1);

/// The last moment that RFC 3339 can name in every time zone.
const LATEST: Timestamp = Timestamp::from_micros(253_402_207_200_000_000);

/// A key as somebody wants it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    pub class: Class,
    pub scopes: Scopes,
    pub restrictions: Restrictions,
    pub expires_at: Option<Timestamp>,
    pub note: String,
}

/// What is to change about a key; nothing where it stays.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    pub name: Option<String>,
    pub scopes: Option<Scopes>,
    pub restrictions: Option<Restrictions>,
    pub expires_at: Option<Option<Timestamp>>,
    pub note: Option<String>,
    /// Somebody knows that others have seen a secret of it, and gives it more nevertheless.
    pub acknowledges_public_use: bool,
}

/// When a key may end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// Not before.
    after: Timestamp,
    /// What the workspace says, where the end is set and not only kept.
    by_policy: Option<(Policy, Timestamp)>,
}

impl Ends {
    /// The end is set now.
    pub(super) const fn set(policy: Policy, now: Timestamp) -> Self {
        Self { after: now, by_policy: Some((policy, now)) }
    }

    /// The end stays as it is. Which it was allowed to be, whatever the workspace says today.
    pub(super) const fn kept(after: Timestamp) -> Self {
        Self { after, by_policy: None }
    }

    fn allow(self, at: Option<Timestamp>) -> Result<(), String> {
        if at.is_some_and(|at| at <= self.after) {
            return Err("expected a time that lies ahead".to_owned());
        }
        if at.is_some_and(|at| at > LATEST) {
            return Err("expected a time before the end of the year 9999".to_owned());
        }
        let Some((policy, now)) = self.by_policy else { return Ok(()) };
        match (policy.longest_life, policy.latest_end(now)) {
            (Some(days), Some(latest)) if at.is_none_or(|at| at > latest.plus(LEEWAY)) => {
                Err(format!("at most {days} days ahead: that is the longest life of a key in this workspace"))
            }
            _ => Ok(()),
        }
    }
}

/// A draft whose every field is as expected.
pub(super) struct Checked {
    name: String,
    pub(super) grant: Grant,
    pub(super) restrictions: Restrictions,
    expires_at: Option<Timestamp>,
    note: Option<String>,
}

impl Draft {
    /// An end that was left out is the latest that the workspace allows.
    pub(super) fn ending_by(mut self, policy: Policy, now: Timestamp) -> Self {
        self.expires_at = self.expires_at.or(policy.latest_end(now));
        self
    }

    pub(super) fn check(self, ends: Ends) -> Result<Checked, Invalid> {
        let mut invalid = Invalid::default();
        let name = invalid.take("name", invalid::name(&self.name));
        let note = invalid.take("note", invalid::note(&self.note, 500));
        let grant = Grant::new(self.class, self.scopes);
        let field = if grant == Err(GrantError::AboveCeiling) { "class" } else { "scopes" };
        let grant = invalid.take(field, grant);
        let expiry = invalid.take("expiresAt", ends.allow(self.expires_at));
        match (name, note, grant, expiry) {
            (Some(name), Some(note), Some(grant), Some(())) => Ok(Checked {
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

impl Patch {
    pub(super) fn apply(self, key: KeyRow) -> Result<Draft, OpError> {
        let reach = Reach::of(&key)?;
        Ok(Draft {
            name: self.name.unwrap_or(key.name),
            class: key.class,
            scopes: self.scopes.unwrap_or(key.scopes),
            restrictions: self.restrictions.unwrap_or(reach.restrictions),
            expires_at: self.expires_at.unwrap_or(reach.expires_at),
            note: self.note.or(key.note).unwrap_or_default(),
        })
    }
}

impl Reach {
    pub(super) fn of(key: &KeyRow) -> Result<Self, OpError> {
        Ok(Self {
            permissions: key.terms.permissions,
            restrictions: key.terms.restrictions.clone().ok_or(StoreError::NotUnderstood)?,
            expires_at: key.terms.expires_at,
        })
    }
}

impl Checked {
    pub(super) fn reach(&self) -> Reach {
        Reach {
            permissions: self.grant.permissions(),
            restrictions: self.restrictions.clone(),
            expires_at: self.expires_at,
        }
    }

    /// What a key opens that is edited so, and had `before` by these scopes: what was granted stays with them, whatever they
    /// have come to mean since.
    pub(super) fn reach_after(&self, before: &Reach, scopes: Scopes) -> Reach {
        let reach = self.reach();
        if self.grant.scopes() == scopes { Reach { permissions: before.permissions, ..reach } } else { reach }
    }

    pub(super) fn as_new<'a>(
        &'a self,
        id: KeyId,
        workspace: WorkspaceId,
        secret: (Digest, Hint),
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
            once,
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
