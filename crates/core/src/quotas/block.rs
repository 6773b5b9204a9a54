//! A block: some of what a key may do, taken from its quotas in the store and not yet spent.
//!
//! What was taken and is not in a block is used, by this server or by another. A block is good for the key as it stood when
//! it was taken: after each change of the key, what is held goes back to the store, and only what lies within the new quota
//! comes again. That a quota is not lower than the one of the block would not do: it may have been higher in between, and
//! another server may have used that.

use std::time::Duration;

use keyrack_key::{Counted, KeyId, Period, Quota, Quotas, Standing, Timestamp, Window};
use keyrack_rack::Revision;
use keyrack_store::{QuotaBlock as Given, UnspentBlock};

/// The largest block: what a server that is killed loses at most.
const LARGEST: u32 = 64;
/// A block is that part of what is left, so that blocks shrink to one near the end.
const PART: u32 = 16;
/// How long it counts that the store said that there is no more: a key that is used up asks it no more often than that.
const FRESH: Duration = Duration::from_secs(1);

const PERIODS: usize = Period::ALL.len();

/// The quotas of one kind, by period, and the change of the key that left them so.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfKind {
    by_period: [Option<Quota>; PERIODS],
    revision: Revision,
}

/// Where a key stands with each of them.
pub(super) type Standings = [Option<Standing>; PERIODS];

/// What is to be done for somebody who wants one.
#[derive(Debug)]
pub(super) enum Step {
    /// One was taken.
    Spent(Standings),
    /// There is none.
    Denied(Standing),
    /// The store knows.
    Ask,
}

#[derive(Debug)]
pub(super) struct Block {
    left: u32,
    /// The day and the month that it was taken from.
    from: [Option<Source>; PERIODS],
    /// The change of the key as of which it was taken.
    revision: Revision,
    /// When the store was asked last.
    asked: Timestamp,
}

/// A day or a month from which a block was taken.
#[derive(Clone, Copy, Debug)]
struct Source {
    window: Window,
    /// How much is taken of it, by all servers and with the block.
    taken: u32,
}

impl Default for Block {
    fn default() -> Self {
        let asked = Timestamp::from_micros(i64::MIN);
        Self { left: 0, from: [None; PERIODS], revision: Revision::default(), asked }
    }
}

impl OfKind {
    pub(super) fn of(quotas: Quotas, of: Counted, revision: Revision) -> Self {
        Self { by_period: Period::ALL.map(|per| quotas.one(of, per)), revision }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_period.iter().all(Option::is_none)
    }

    pub(super) fn list(&self) -> Vec<Quota> {
        self.by_period.into_iter().flatten().collect()
    }
}

impl Block {
    /// Takes one of each, if it is known that there is one.
    pub(super) fn spend(&mut self, quotas: &OfKind, now: Timestamp) -> Step {
        let Some(mut standings) = self.standings(quotas, now) else { return Step::Ask };
        let used_up = standings.iter().flatten().find(|standing| standing.left() == 0).copied();
        match used_up {
            Some(standing) if self.is_fresh(now) => Step::Denied(standing),
            Some(_) => Step::Ask,
            None if self.left == 0 => Step::Ask,
            None => {
                self.left -= 1;
                standings.iter_mut().flatten().for_each(|standing| standing.used += 1);
                Step::Spent(standings)
            }
        }
    }

    /// Whether nobody who wants one can be told anything without the store.
    pub(super) fn is_to_be_asked(&self, quotas: &OfKind, now: Timestamp) -> bool {
        let Some(standings) = self.standings(quotas, now) else { return true };
        let is_used_up = standings.iter().flatten().any(|standing| standing.left() == 0);
        if is_used_up { !self.is_fresh(now) } else { self.left == 0 }
    }

    /// Takes one back that was spent, unless the day or the month has ended since.
    pub(super) fn give_back(&mut self, spent: &Standings) {
        // Of quotas that it was not taken from, it is none.
        if self.windows() == spent.map(|one| one.map(|standing| standing.window)) {
            self.left += 1;
        }
    }

    /// All that is left, which is taken out.
    pub(super) fn rest(&mut self, key: KeyId, of: Counted) -> UnspentBlock {
        let from = Period::ALL.into_iter().zip(self.from);
        let from = from.filter_map(|(per, one)| one.map(|one| (per, one.window.begins))).collect();
        UnspentBlock { key, of, left: std::mem::take(&mut self.left), from }
    }

    /// How large the next block shall be. Whoever knows nothing of a day or month takes one, and learns.
    pub(super) fn next(&self, quotas: &OfKind, now: Timestamp) -> u32 {
        let rest = self
            .standings(quotas, now)
            .and_then(|standings| standings.iter().flatten().map(|standing| standing.left()).min());
        rest.map_or(1, |rest| (rest / PART).clamp(1, LARGEST))
    }

    /// What the store gave of `quotas` at `now`. What was given back meanwhile stays, if it is of the same day and month.
    pub(super) fn fill(&mut self, given: &Given, quotas: &OfKind, now: Timestamp) {
        let mut filled =
            Self { left: given.size, from: [None; PERIODS], revision: quotas.revision, asked: now };
        for one in &given.taken {
            let window = one.per.around(one.begins);
            filled.from[one.per as usize] = Some(Source { window, taken: one.taken });
        }
        if self.windows() == filled.windows() {
            filled.left += self.left;
        }
        *self = filled;
    }

    /// How many it holds of a day or month.
    pub(super) fn left_of(&self, per: Period, window: Window) -> u32 {
        if self.source(per, window).is_some() { self.left } else { 0 }
    }

    /// Whether every day and month that it was taken from has ended.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.from.iter().flatten().all(|one| one.window.ends <= now)
    }

    /// Where the key stands; nothing where the block is not of this day or month, or of the key as it was.
    fn standings(&self, quotas: &OfKind, now: Timestamp) -> Option<Standings> {
        if self.revision != quotas.revision {
            return None;
        }
        let mut standings = Standings::default();
        for quota in quotas.by_period.into_iter().flatten() {
            let window = quota.per.around(now);
            let source = self.source(quota.per, window)?;
            let used = source.taken.saturating_sub(self.left);
            standings[quota.per as usize] = Some(Standing { quota, used, window });
        }
        Some(standings)
    }

    fn windows(&self) -> [Option<Window>; PERIODS] {
        self.from.map(|one| one.map(|one| one.window))
    }

    fn source(&self, per: Period, window: Window) -> Option<Source> {
        self.from[per as usize].filter(|one| one.window == window)
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.asked <= now && now.since(self.asked) < FRESH
    }
}
