//! A key as somebody wants it, and what is wrong with that.

use keyrack_key::{
    Class, Digest, Grant, GrantError, Hint, KeyId, Quotas, Rate, Restrictions, Scopes, Timestamp, WorkspaceId,
};
use keyrack_rack::Revision;
use keyrack_store::{Actor, EditKey, KeyRow, NewKey, StoreError};

use crate::ops::who::Reach;
use crate::ops::{Invalid, OpError, invalid};

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
    /// The limits alone: the other restrictions stay.
    pub limits: Option<Limits>,
    pub expires_at: Option<Option<Timestamp>>,
    pub note: Option<String>,
}

/// How often a key may be used, and how much it may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub rate: Option<Rate>,
    pub visitor_rate: Option<Rate>,
    pub quotas: Quotas,
}

impl Limits {
    /// Those of a key.
    pub const fn of(restrictions: &Restrictions) -> Self {
        let Restrictions { rate, visitor_rate, quotas, .. } = restrictions;
        Self { rate: *rate, visitor_rate: *visitor_rate, quotas: *quotas }
    }

    /// Restrictions with these limits in place of theirs.
    #[must_use]
    pub fn within(self, restrictions: Restrictions) -> Restrictions {
        let Self { rate, visitor_rate, quotas } = self;
        Restrictions { rate, visitor_rate, quotas, ..restrictions }
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
    /// `ends_after` is what an expiry has to lie behind.
    pub(super) fn check(self, ends_after: Timestamp) -> Result<Checked, Invalid> {
        let mut invalid = Invalid::default();
        let name = invalid.take("name", invalid::name(&self.name));
        let note = invalid.take("note", invalid::note(&self.note, 500));
        let grant = Grant::new(self.class, self.scopes);
        let field = if grant == Err(GrantError::AboveCeiling) { "class" } else { "scopes" };
        let grant = invalid.take(field, grant);
        let expiry = invalid.take(
            "expiresAt",
            match self.expires_at {
                Some(at) if at <= ends_after => Err("expected a time that lies ahead"),
                Some(at) if at > LATEST => Err("expected a time before the end of the year 9999"),
                _ => Ok(()),
            },
        );
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
        let restrictions = self.restrictions.unwrap_or(reach.restrictions);
        let limits = self.limits.unwrap_or_else(|| Limits::of(&restrictions));
        Ok(Draft {
            name: self.name.unwrap_or(key.name),
            class: key.class,
            scopes: self.scopes.unwrap_or(key.scopes),
            restrictions: limits.within(restrictions),
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

    pub(super) fn as_new<'a>(
        &'a self,
        id: KeyId,
        workspace: WorkspaceId,
        secret: (Digest, Hint),
        (actor, judged): (Actor, Option<Revision>),
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
            judged,
            now,
            once,
        }
    }

    pub(super) fn as_edit(
        &self,
        id: KeyId,
        workspace: WorkspaceId,
        expected: Revision,
        (actor, judged): (Actor, Option<Revision>),
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
            judged,
            now,
        }
    }
}
