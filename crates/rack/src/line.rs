//! One secret of a key, as a check sees it, and its key, as a caller is told of it.

use std::sync::Arc;

use keyrack_key::{
    Class, Denial, Digest, KeyId, Permissions, Question, Restrictions, Scopes, SecretState, Terms, Timestamp,
    WorkspaceId,
};
use smol_str::SmolStr;

use crate::narrowed::Allowances;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::tally::TallyId;
use crate::{Key, Narrowed, Record, Revision};

/// A secret and its key. Side by side: the processor fetches the second line of its cache along with the first, and looks
/// up the address of one page of memory and not of two.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Entry {
    pub(crate) line: Line,
    pub(crate) card: Card,
}

/// All that a check touches of a key that nothing narrows: one line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Line {
    pub(crate) digest: Digest,
    /// When the key ends by itself; of a deleted key, when it was deleted.
    ends: End,
    /// When the secret ends, if it retires.
    retires: End,
    permissions: Permissions,
    /// The tally that counts its uses; 0 where none were since the last drain. Written so seldom that
    /// threads which check the same key read one line and need not wait for each other's.
    pub(crate) tally: AtomicU32,
    state: State,
    class: Class,
    scopes: Scopes,
}

#[cfg(not(feature = "shuttle"))]
const _: () = assert!(size_of::<Line>() == 64 && size_of::<Option<Entry>>() == 128);

/// What is told of a key that is let through or known, and is not needed to decide.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) key: KeyId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) revision: Revision,
    label: Label,
}

/// What people call the key. One that is narrowed has what narrows it beside its name, so that both fit where the name does.
#[derive(Debug)]
enum Label {
    Open(SmolStr),
    Narrowed(Box<(SmolStr, Arc<Narrowed>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing narrows it.
    Open,
    /// The card says what does, or that it was paused.
    Narrowed,
    /// What narrows it cannot be read by this version.
    Unread,
    Deleted,
}

impl Card {
    /// What narrows the key.
    pub(crate) fn narrowed(&self) -> Option<&Arc<Narrowed>> {
        match &self.label {
            Label::Open(_) => None,
            Label::Narrowed(label) => Some(&label.1),
        }
    }

    fn name(&self) -> &SmolStr {
        match &self.label {
            Label::Open(name) => name,
            Label::Narrowed(label) => &label.0,
        }
    }
}

/// A time, or never: in half of the space of an `Option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End(i64);

impl End {
    const NEVER: Self = Self(i64::MAX);

    fn at(time: Option<Timestamp>) -> Self {
        time.map_or(Self::NEVER, |time| Self(time.micros()))
    }

    fn time(self) -> Option<Timestamp> {
        (self != Self::NEVER).then_some(Timestamp::from_micros(self.0))
    }
}

/// What narrows a key that nothing narrows.
const NOTHING: &Restrictions = &Restrictions::NONE;

impl Entry {
    /// One secret of a key, which `narrowed` narrows.
    pub(crate) fn of(
        record: &Record,
        digest: Digest,
        secret: SecretState,
        narrowed: Option<&Arc<Narrowed>>,
    ) -> Self {
        let Terms { permissions, restrictions, expires_at, deleted_at, .. } = &record.terms;
        let state = match (deleted_at, restrictions, narrowed) {
            (Some(_), ..) => State::Deleted,
            (None, None, _) => State::Unread,
            (None, Some(_), None) => State::Open,
            (None, Some(_), Some(_)) => State::Narrowed,
        };
        let retires = match secret {
            SecretState::Current => End::NEVER,
            SecretState::Retiring(until) => End::at(Some(until)),
        };
        let line = Line {
            digest,
            ends: End::at(deleted_at.or(*expires_at)),
            retires,
            permissions: *permissions,
            tally: AtomicU32::new(0),
            state,
            class: record.class,
            scopes: record.scopes,
        };
        let name = record.name.clone();
        let label = match narrowed {
            None => Label::Open(name),
            Some(narrowed) => Label::Narrowed(Box::new((name, Arc::clone(narrowed)))),
        };
        let Record { key, workspace, revision, .. } = *record;
        Self { line, card: Card { key, workspace, revision, label } }
    }
}

impl Line {
    /// Decides about one request, and says what the key's rates leave, if it has some. The card is looked at only where it
    /// narrows; what is refused for another reason takes nothing from the rates.
    pub(crate) fn decide(&self, card: &Card, question: &Question<'_>) -> Result<Allowances, Denial> {
        let is_narrowed = matches!(self.state, State::Narrowed | State::Unread);
        let narrowed = if is_narrowed { card.narrowed().map(|narrowed| &**narrowed) } else { None };
        let restrictions = match self.state {
            State::Open | State::Deleted => Some(NOTHING),
            State::Narrowed => narrowed.map(|narrowed| &**narrowed),
            State::Unread => None,
        };
        let is_deleted = self.state == State::Deleted;
        let terms = Terms {
            permissions: self.permissions,
            restrictions,
            expires_at: self.ends.time().filter(|_| !is_deleted),
            pause: narrowed.and_then(Narrowed::pause),
            deleted_at: self.ends.time().filter(|_| is_deleted),
        };
        terms.decide(self.secret(), question)?;
        let Some(narrowed) = narrowed else { return Ok(Allowances::default()) };
        narrowed.meter(question.now, question.address, question.spend)
    }

    pub(crate) const fn class(&self) -> Class {
        self.class
    }

    fn secret(&self) -> SecretState {
        self.retires.time().map_or(SecretState::Current, SecretState::Retiring)
    }

    /// Whether neither the key nor its secret ended before `then`.
    pub(crate) fn is_remembered(&self, then: Timestamp) -> bool {
        let is_gone = self.state == State::Deleted && self.ends.0 < then.micros();
        !is_gone && self.retires.0 >= then.micros()
    }

    /// The key as a caller is told of.
    pub(crate) fn key(&self, card: &Card) -> Key {
        Key {
            key: card.key,
            workspace: card.workspace,
            revision: card.revision,
            name: card.name().clone(),
            class: self.class,
            scopes: self.scopes,
            permissions: self.permissions,
            expires_at: if self.state == State::Deleted { None } else { self.ends.time() },
            restrictions: card.narrowed().cloned(),
        }
    }

    /// Its uses go on being counted where those of its earlier state were.
    pub(crate) fn counts_as(&self, earlier: &Self) {
        self.tally.store(earlier.tally.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Its uses are no longer counted there, if they were.
    pub(crate) fn forget_tally(&self, tally: TallyId) {
        // Another tally stays: it is in the book that is current now.
        let _ = self.tally.compare_exchange(tally.name(), 0, Ordering::AcqRel, Ordering::Acquire);
    }
}
