//! Daily and monthly quotas of keys. The server takes blocks of a quota from the store and spends them from memory. A
//! taken block counts as used, so that neither a crash nor a second server exceeds the quota. Near the end of a quota
//! the block size is 1, and each request waits for the store.

mod block;
#[cfg(test)]
pub(super) mod tests;
mod unit;

use std::collections::HashMap;
use std::sync::Arc;

use keyrack_key::{Denial, KeyId, Period, QuotaResource, QuotaState, Quotas as Own};
use keyrack_rack::{Caller, Clock, Rack};
use keyrack_store::{KeyRow, Store};
use parking_lot::Mutex;

use block::{Block, ResourceQuotas, SpendResult};
pub use unit::QuotaUnit;

use super::denials::{DeferredDenials, DenialDetail};
use super::{AuthorizedCaller, CallerKind, OpError};

/// The quotas of all keys, and the blocks that this server holds.
#[derive(Clone, Debug)]
pub struct Quotas {
    store: Store,
    denials: DeferredDenials,
    clock: Clock,
    blocks: Arc<Mutex<SharedBlocks>>,
}

type SharedBlocks = HashMap<(KeyId, QuotaResource), Arc<SharedBlock>>;

/// The block that this server holds of one key's quotas of one kind.
#[derive(Debug, Default)]
struct SharedBlock {
    /// Held only briefly, never across an await.
    block: Mutex<Block>,
    /// Held by the request that queries the store.
    store_lock: Arc<tokio::sync::Mutex<()>>,
}

impl Quotas {
    /// Manages quotas of the keys in `rack`. The counts are in `store`.
    pub fn new(store: Store, rack: Arc<Rack>, clock: Clock) -> Self {
        Self { store, denials: DeferredDenials::new(rack), clock, blocks: Arc::default() }
    }

    /// Spends one unit if `by` is a key with quotas of that kind. Call this after all other checks, because a unit must
    /// not be spent for work that another check denies.
    pub async fn spend(&self, by: &AuthorizedCaller, of: QuotaResource) -> Result<QuotaUnit, OpError> {
        match &by.kind {
            CallerKind::Key(caller) => self.spend_for(caller, of).await,
            CallerKind::Member { .. } | CallerKind::Operator => Ok(QuotaUnit::none()),
        }
    }

    /// Spends one unit for a key that the guard has allowed. See [`spend`](Self::spend).
    pub async fn spend_for(&self, caller: &Caller, of: QuotaResource) -> Result<QuotaUnit, OpError> {
        let own = ResourceQuotas::of(quotas_of(caller), of, caller.key().revision);
        if own.is_empty() {
            return Ok(QuotaUnit::none());
        }
        let book = self.book(caller.key().key, of);
        loop {
            let now = (self.clock)();
            let step = book.block.lock().spend(&own, now);
            match step {
                SpendResult::Spent(states) => return Ok(QuotaUnit::from(book, states)),
                SpendResult::Denied(state) => return Err(self.deny(caller, state)),
                SpendResult::QueryStore => self.take_block(caller.key().key, of, own, &book).await?,
            }
        }
    }

    /// Whether a key has quotas of that kind.
    pub fn has_quota(&self, caller: &Caller, of: QuotaResource) -> bool {
        !ResourceQuotas::of(quotas_of(caller), of, caller.key().revision).is_empty()
    }

    /// Returns the usage of the quotas of that kind, without spending a unit. Fails if a quota is used up.
    pub async fn check_left(&self, caller: &Caller, of: QuotaResource) -> Result<Vec<QuotaState>, OpError> {
        let mut states = self.states(caller.key().key, &quotas_of(caller)).await?;
        states.retain(|state| state.quota.of == of);
        match states.iter().find(|state| state.left() == 0) {
            Some(state) => Err(self.deny(caller, *state)),
            None => Ok(states),
        }
    }

    /// Returns the units left for `by`, or `None` if no quota applies. Fails if a quota is used up.
    pub async fn units_left(&self, by: &AuthorizedCaller, of: QuotaResource) -> Result<Option<u64>, OpError> {
        let CallerKind::Key(caller) = &by.kind else { return Ok(None) };
        if !self.has_quota(caller, of) {
            return Ok(None);
        }
        Ok(self.check_left(caller, of).await?.iter().map(|state| u64::from(state.left())).min())
    }

    /// Returns the usage of the quotas of a key. Returns nothing for a deleted key.
    pub async fn states_of(&self, key: &KeyRow) -> Result<Vec<QuotaState>, OpError> {
        match &key.terms.restrictions {
            Some(own) if key.deletion.is_none() => self.states(key.id, &own.quotas).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Returns the usage of each quota of a key. Unspent blocks of other servers count as used.
    async fn states(&self, key: KeyId, own: &Own) -> Result<Vec<QuotaState>, OpError> {
        if own.is_empty() {
            return Ok(Vec::new());
        }
        let now = (self.clock)();
        let taken = self.store.quota_usage(key, Period::Month.around(now).start).await?;
        let states = own.iter().map(|quota| {
            let window = quota.per.around(now);
            let is_it = |of, per, begins| (of, per, begins) == (quota.of, quota.per, window.start);
            let taken = taken.iter().find(|(of, one)| is_it(*of, one.per, one.begins));
            let taken = taken.map_or(0, |(_, one)| one.taken);
            let book = self.blocks.lock().get(&(key, quota.of)).cloned();
            let left = book.map_or(0, |book| {
                let block = book.block.lock();
                block.left_of(quota.per, window)
            });
            QuotaState { quota, used: taken.saturating_sub(left), window }
        });
        Ok(states.collect())
    }

    /// Drops blocks of days and months that have ended, and old counts in the store.
    pub async fn sweep(&self) -> Result<(), OpError> {
        let now = (self.clock)();
        self.blocks.lock().retain(|_, book| !book.block.lock().is_over(now));
        // Keep the previous month in case the clock is set back.
        let month = Period::Month.around(now).start;
        let before = Period::Month.around(month.minus(std::time::Duration::from_micros(1))).start;
        self.store.delete_quota_usage_before(before).await?;
        Ok(())
    }

    /// Returns unspent blocks to the store. Call this before the store closes, when no requests are running.
    pub async fn close(&self) -> Result<(), OpError> {
        let books: Vec<_> = self.blocks.lock().drain().collect();
        let mut rests = Vec::with_capacity(books.len());
        for ((key, of), book) in books {
            rests.push(book.block.lock().drain(key, of));
        }
        rests.retain(|rest| rest.left > 0);
        Ok(self.store.return_blocks(&rests).await?)
    }

    fn book(&self, key: KeyId, of: QuotaResource) -> Arc<SharedBlock> {
        Arc::clone(self.blocks.lock().entry((key, of)).or_default())
    }

    /// Takes a block from the store, unless a concurrent request has done so. Runs in a separate task, so that a client
    /// that disconnects does not lose the block.
    async fn take_block(
        &self,
        key: KeyId,
        of: QuotaResource,
        own: ResourceQuotas,
        book: &Arc<SharedBlock>,
    ) -> Result<(), OpError> {
        let lock = Arc::clone(&book.store_lock).lock_owned().await;
        let (store, clock, book) = (self.store.clone(), self.clock, Arc::clone(book));
        let task = tokio::spawn(async move {
            let _lock = lock;
            let now = clock();
            let (rest, most) = {
                let mut block = book.block.lock();
                if !block.needs_store(&own, now) {
                    return Ok(());
                }
                (block.drain(key, of), block.next_size(&own, now))
            };
            // If this fails, the rest of the block is lost, and the quota is not exceeded.
            let taken = store.take_block(&rest, &own.list(), most, now).await?;
            book.block.lock().fill(&taken, &own, now);
            Ok::<_, OpError>(())
        });
        task.await.map_err(OpError::internal)?
    }

    fn deny(&self, caller: &Caller, state: QuotaState) -> OpError {
        let denial: Denial = state.denial((self.clock)());
        self.denials.deny(caller, state.quota.of.permission(), denial, DenialDetail::Quota(state))
    }
}

fn quotas_of(caller: &Caller) -> Own {
    caller.key().restrictions.as_ref().map_or(Own::NONE, |own| own.quotas)
}
