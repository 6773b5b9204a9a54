//! One secret of a key in memory: the fields that every check reads, and those for the answer.

use std::sync::Arc;

use keyrack_key::{
    AccessRequest, Class, Denial, Digest, KeyId, KeyState, Permissions, Restrictions, Scopes, SecretState,
    Timestamp, WorkspaceId,
};
use smol_str::SmolStr;

use crate::meters::RateStatuses;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::tally::TallyId;
use crate::{ActiveRestrictions, Key, KeyRecord, Revision};

/// A secret and its key. Both parts are adjacent: the processor fetches the second cache line along with the
/// first, and translates the address of one page of memory instead of two.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Entry {
    pub(crate) hot: HotFields,
    pub(crate) cold: ColdFields,
}

/// All that a check reads of an unrestricted key, in one cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct HotFields {
    pub(crate) digest: Digest,
    /// When the key expires. Of a deleted key: when it was deleted.
    ends_at: Deadline,
    /// When the secret retires.
    retires_at: Deadline,
    permissions: Permissions,
    /// The tally that counts the usage; 0 if there was no check since the last drain. Rarely written, so that
    /// threads that check the same key can share the cache line.
    pub(crate) tally: AtomicU32,
    state: EntryState,
    class: Class,
    scopes: Scopes,
}

#[cfg(not(feature = "shuttle"))]
const _: () = assert!(size_of::<HotFields>() == 64 && size_of::<Option<Entry>>() == 128);

/// Fields that a decision does not need. They describe the key in the answer.
#[derive(Debug)]
pub(crate) struct ColdFields {
    pub(crate) key: KeyId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) revision: Revision,
    label: Label,
}

/// The name of the key. A restricted key has its restrictions in the same box, so that both fit
/// into the space of a name.
#[derive(Debug)]
enum Label {
    Name(SmolStr),
    Restricted(Box<(SmolStr, Arc<ActiveRestrictions>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryState {
    /// The key has no restriction and no pause.
    Unrestricted,
    /// The cold fields contain restrictions or a pause.
    Restricted,
    /// This version cannot read the restrictions.
    Unreadable,
    Deleted,
}

impl ColdFields {
    /// Returns the restrictions and the pause of the key; `None` if it has neither.
    pub(crate) fn active_restrictions(&self) -> Option<&Arc<ActiveRestrictions>> {
        match &self.label {
            Label::Name(_) => None,
            Label::Restricted(label) => Some(&label.1),
        }
    }

    fn name(&self) -> &SmolStr {
        match &self.label {
            Label::Name(name) => name,
            Label::Restricted(label) => &label.0,
        }
    }
}

/// A time, or never. Takes half of the space of an `Option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Deadline(i64);

impl Deadline {
    const NEVER: Self = Self(i64::MAX);

    fn at(time: Option<Timestamp>) -> Self {
        time.map_or(Self::NEVER, |time| Self(time.micros()))
    }

    fn time(self) -> Option<Timestamp> {
        (self != Self::NEVER).then_some(Timestamp::from_micros(self.0))
    }
}

/// The restrictions of an unrestricted key.
const UNRESTRICTED: &Restrictions = &Restrictions::NONE;

impl Entry {
    /// Creates the entry of one secret. `active` contains the key's restrictions and pause.
    pub(crate) fn of(
        record: &KeyRecord,
        digest: Digest,
        secret: SecretState,
        active: Option<&Arc<ActiveRestrictions>>,
    ) -> Self {
        let KeyState { permissions, restrictions, expires_at, deleted_at, .. } = &record.terms;
        let state = match (deleted_at, restrictions, active) {
            (Some(_), ..) => EntryState::Deleted,
            (None, None, _) => EntryState::Unreadable,
            (None, Some(_), None) => EntryState::Unrestricted,
            (None, Some(_), Some(_)) => EntryState::Restricted,
        };
        let retires_at = match secret {
            SecretState::Current => Deadline::NEVER,
            SecretState::Retiring(until) => Deadline::at(Some(until)),
        };
        let hot = HotFields {
            digest,
            ends_at: Deadline::at(deleted_at.or(*expires_at)),
            retires_at,
            permissions: *permissions,
            tally: AtomicU32::new(0),
            state,
            class: record.class,
            scopes: record.scopes,
        };
        let name = record.name.clone();
        let label = match active {
            None => Label::Name(name),
            Some(active) => Label::Restricted(Box::new((name, Arc::clone(active)))),
        };
        let KeyRecord { key, workspace, revision, .. } = *record;
        Self { hot, cold: ColdFields { key, workspace, revision, label } }
    }
}

impl HotFields {
    /// Decides about one request. Returns what the key's rate limits leave. Reads the cold fields only if the
    /// key is restricted. A request that is denied for another reason takes nothing from the rate limits.
    pub(crate) fn decide(
        &self,
        cold: &ColdFields,
        request: &AccessRequest<'_>,
    ) -> Result<RateStatuses, Denial> {
        let is_restricted = matches!(self.state, EntryState::Restricted | EntryState::Unreadable);
        let active = if is_restricted { cold.active_restrictions().map(|active| &**active) } else { None };
        let restrictions = match self.state {
            EntryState::Unrestricted | EntryState::Deleted => Some(UNRESTRICTED),
            EntryState::Restricted => active.map(|active| &**active),
            EntryState::Unreadable => None,
        };
        let is_deleted = self.state == EntryState::Deleted;
        let terms = KeyState {
            permissions: self.permissions,
            restrictions,
            expires_at: self.ends_at.time().filter(|_| !is_deleted),
            pause: active.and_then(ActiveRestrictions::pause),
            deleted_at: self.ends_at.time().filter(|_| is_deleted),
        };
        terms.decide(self.secret(), request)?;
        let Some(active) = active else { return Ok(RateStatuses::default()) };
        active.meter(request.now, request.address, request.spend)
    }

    pub(crate) const fn class(&self) -> Class {
        self.class
    }

    fn secret(&self) -> SecretState {
        self.retires_at.time().map_or(SecretState::Current, SecretState::Retiring)
    }

    /// Returns `true` unless the key was deleted, or the secret retired, before `then`.
    pub(crate) fn is_remembered(&self, then: Timestamp) -> bool {
        let is_gone = self.state == EntryState::Deleted && self.ends_at.0 < then.micros();
        !is_gone && self.retires_at.0 >= then.micros()
    }

    /// Returns the state of the key for the answer.
    pub(crate) fn key(&self, cold: &ColdFields) -> Key {
        Key {
            key: cold.key,
            workspace: cold.workspace,
            revision: cold.revision,
            name: cold.name().clone(),
            class: self.class,
            scopes: self.scopes,
            permissions: self.permissions,
            expires_at: if self.state == EntryState::Deleted { None } else { self.ends_at.time() },
            restrictions: cold.active_restrictions().cloned(),
        }
    }

    /// Continues to count in the tally of the `earlier` state of this secret.
    pub(crate) fn counts_as(&self, earlier: &Self) {
        self.tally.store(earlier.tally.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Stops counting in `tally`, if this entry still does.
    pub(crate) fn forget_tally(&self, tally: TallyId) {
        // If it fails, the entry has a tally in the current book, which must stay.
        let _ = self.tally.compare_exchange(tally.name(), 0, Ordering::AcqRel, Ordering::Acquire);
    }
}
