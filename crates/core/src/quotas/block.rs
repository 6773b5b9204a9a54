//! A block: a part of a key's quotas that this server has taken from the store and not yet spent.
//!
//! Everything taken from a quota and not in a block counts as used, by this server or another one. A block is valid for
//! one revision of the key. After a change of the key, the rest of the block returns to the store, and the server takes
//! a new block within the new quota. It is not enough that the new quota is at least as high as the old quota: the
//! quota may have been higher in between, and another server may have used the difference.

use std::time::Duration;

use keyrack_key::{KeyId, Period, Quota, QuotaResource, QuotaState, Quotas, Timestamp, Window};
use keyrack_rack::Revision;
use keyrack_store::{QuotaBlock, UnspentBlock};

/// The largest block: the most that a killed server loses.
const LARGEST: u32 = 64;
/// A block takes this fraction of the remaining quota, so that blocks shrink to 1 near the end.
const PART: u32 = 16;
/// How long a store's answer that a quota is used up is valid. Limits how often a key without quota queries the store.
const FRESH: Duration = Duration::from_secs(1);

const PERIODS: usize = Period::ALL.len();

/// The quotas of one kind, by period, and the revision of the key that sets them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResourceQuotas {
    by_period: [Option<Quota>; PERIODS],
    revision: Revision,
}

/// The usage of each quota.
pub(super) type QuotaStates = [Option<QuotaState>; PERIODS];

/// The result of an attempt to spend from a block.
#[derive(Debug)]
pub(super) enum SpendResult {
    /// One unit of each quota was spent.
    Spent(QuotaStates),
    /// A quota is used up.
    Denied(QuotaState),
    /// Only the store can decide.
    QueryStore,
}

#[derive(Debug)]
pub(super) struct Block {
    left: u32,
    /// The day and the month that the block was taken from.
    from: [Option<BlockWindow>; PERIODS],
    /// The revision of the key for which the block was taken.
    revision: Revision,
    /// The time of the last query to the store.
    queried_at: Timestamp,
}

/// A day or a month that a block was taken from.
#[derive(Clone, Copy, Debug)]
struct BlockWindow {
    window: Window,
    /// The units taken by all servers, this block included.
    taken: u32,
}

impl Default for Block {
    fn default() -> Self {
        let queried_at = Timestamp::from_micros(i64::MIN);
        Self { left: 0, from: [None; PERIODS], revision: Revision::default(), queried_at }
    }
}

impl ResourceQuotas {
    pub(super) fn of(quotas: Quotas, of: QuotaResource, revision: Revision) -> Self {
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
    /// Spends one unit of each quota if the block covers them.
    pub(super) fn spend(&mut self, quotas: &ResourceQuotas, now: Timestamp) -> SpendResult {
        let Some(mut states) = self.states(quotas, now) else { return SpendResult::QueryStore };
        let used_up = states.iter().flatten().find(|state| state.left() == 0).copied();
        match used_up {
            Some(state) if self.is_fresh(now) => SpendResult::Denied(state),
            Some(_) => SpendResult::QueryStore,
            None if self.left == 0 => SpendResult::QueryStore,
            None => {
                self.left -= 1;
                states.iter_mut().flatten().for_each(|state| state.used += 1);
                SpendResult::Spent(states)
            }
        }
    }

    /// Whether the block can neither spend a unit nor deny one without the store.
    pub(super) fn needs_store(&self, quotas: &ResourceQuotas, now: Timestamp) -> bool {
        let Some(states) = self.states(quotas, now) else { return true };
        let is_used_up = states.iter().flatten().any(|state| state.left() == 0);
        if is_used_up { !self.is_fresh(now) } else { self.left == 0 }
    }

    /// Returns a spent unit to the block, unless the day or the month has ended since.
    pub(super) fn return_unit(&mut self, spent: &QuotaStates) {
        // A unit of other windows does not belong to this block.
        if self.windows() == spent.map(|one| one.map(|state| state.window)) {
            self.left += 1;
        }
    }

    /// Empties the block and returns its content.
    pub(super) fn drain(&mut self, key: KeyId, of: QuotaResource) -> UnspentBlock {
        let from = Period::ALL.into_iter().zip(self.from);
        let from = from.filter_map(|(per, one)| one.map(|one| (per, one.window.start))).collect();
        UnspentBlock { key, of, left: std::mem::take(&mut self.left), from }
    }

    /// The size of the next block. The size is 1 if the usage of the day or month is unknown.
    pub(super) fn next_size(&self, quotas: &ResourceQuotas, now: Timestamp) -> u32 {
        let rest = self
            .states(quotas, now)
            .and_then(|states| states.iter().flatten().map(|state| state.left()).min());
        rest.map_or(1, |rest| (rest / PART).clamp(1, LARGEST))
    }

    /// Fills the block with what the store granted for `quotas` at `now`. Keeps units that were returned in the
    /// meantime if they are of the same day and month.
    pub(super) fn fill(&mut self, given: &QuotaBlock, quotas: &ResourceQuotas, now: Timestamp) {
        let mut filled =
            Self { left: given.size, from: [None; PERIODS], revision: quotas.revision, queried_at: now };
        for one in &given.taken {
            let window = one.per.around(one.begins);
            filled.from[one.per as usize] = Some(BlockWindow { window, taken: one.taken });
        }
        if self.windows() == filled.windows() {
            filled.left += self.left;
        }
        *self = filled;
    }

    /// The units that the block holds of a day or month.
    pub(super) fn left_of(&self, per: Period, window: Window) -> u32 {
        if self.source(per, window).is_some() { self.left } else { 0 }
    }

    /// Whether every day and month that the block was taken from has ended.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.from.iter().flatten().all(|one| one.window.end <= now)
    }

    /// The usage of each quota. Returns `None` if the block is of another day, month, or revision of the key.
    fn states(&self, quotas: &ResourceQuotas, now: Timestamp) -> Option<QuotaStates> {
        if self.revision != quotas.revision {
            return None;
        }
        let mut states = QuotaStates::default();
        for quota in quotas.by_period.into_iter().flatten() {
            let window = quota.per.around(now);
            let source = self.source(quota.per, window)?;
            let used = source.taken.saturating_sub(self.left);
            states[quota.per as usize] = Some(QuotaState { quota, used, window });
        }
        Some(states)
    }

    fn windows(&self) -> [Option<Window>; PERIODS] {
        self.from.map(|one| one.map(|one| one.window))
    }

    fn source(&self, per: Period, window: Window) -> Option<BlockWindow> {
        self.from[per as usize].filter(|one| one.window == window)
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.queried_at <= now && now.since(self.queried_at) < FRESH
    }
}
