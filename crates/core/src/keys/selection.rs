//! Operations on several keys at once. Each key is changed by the operation for a single key.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use keyrack_key::KeyId;
use keyrack_store::{CallerRow, KeyFilter, KeyRow, set_tenant, with_tenant};

use super::usage::first_of_days;
use super::{Keys, Propagation};
use crate::{AuthorizedCaller, Invalid, OpError, invalid};

/// The most keys in one operation.
pub const SELECTED_MAX: usize = SELECTED_LIMIT as usize;

/// [`SELECTED_MAX`] as the limit of a query.
const SELECTED_LIMIT: u32 = 50;

/// The number of keys of one operation that are changed at the same time. Their changes share commits.
const CONCURRENT: usize = 8;

/// What depends on a key.
#[derive(Clone, Debug)]
pub struct KeyDependents {
    pub key: KeyRow,
    /// The number of allowed requests.
    pub allowed: u64,
    /// The number of denied requests.
    pub denied: u64,
    /// The latest callers with an allowed request, the latest first.
    pub callers: Vec<CallerRow>,
    /// The number of all callers with an allowed request.
    pub caller_count: u64,
}

/// The outcome of a change for one of the keys.
#[derive(Debug)]
pub struct KeyOutcome {
    /// The key before the change.
    pub key: KeyRow,
    pub outcome: Result<Propagation, OpError>,
}

impl Keys {
    /// Returns the keys with these IDs, newest first, deleted keys included. Fails with [`OpError::NotFound`] if the
    /// workspace doesn't have one of them, so that an operation on several keys starts with all or none of them.
    pub async fn read_selected(&self, by: &AuthorizedCaller, ids: &[KeyId]) -> Result<Vec<KeyRow>, OpError> {
        if ids.len() > SELECTED_MAX {
            return Err(Invalid::field("key", format!("Select {SELECTED_MAX} keys or fewer.")).into());
        }
        let filter = KeyFilter { ids: Some(ids), limit: SELECTED_LIMIT, ..KeyFilter::any((self.clock)()) };
        let keys = self.store.keys(by.workspace, &filter).await?.items;
        if ids.iter().all(|id| keys.iter().any(|key| key.id == *id)) {
            Ok(keys)
        } else {
            Err(OpError::NotFound("key"))
        }
    }

    /// Returns what depends on each of the keys: requests in the last `days`, and at most `most` callers of each key.
    pub async fn dependents(
        &self,
        by: &AuthorizedCaller,
        ids: &[KeyId],
        days: u32,
        most: u32,
    ) -> Result<Vec<KeyDependents>, OpError> {
        let keys = self.read_selected(by, ids).await?;
        let usage = self.recent_usage(by, ids, days).await?;
        let since = first_of_days((self.clock)(), days);
        let mut callers: HashMap<KeyId, (Vec<CallerRow>, u64)> = HashMap::new();
        for one in self.store.active_callers(by.workspace, ids, since, most).await? {
            let (rows, count) = callers.entry(one.key).or_default();
            rows.push(one.caller);
            *count = one.callers;
        }
        let dependents = |key: KeyRow| {
            let (callers, caller_count) = callers.remove(&key.id).unwrap_or_default();
            let (allowed, denied) = usage.get(&key.id).map_or((0, 0), |one| (one.allowed(), one.denied()));
            KeyDependents { key, allowed, denied, callers, caller_count }
        };
        Ok(keys.into_iter().map(dependents).collect())
    }

    /// Deletes the keys as [`Keys::delete`] does. A key that can't be deleted doesn't stop the others.
    pub async fn delete_selected(
        &self,
        by: &AuthorizedCaller,
        ids: &[KeyId],
        reason: &str,
    ) -> Result<Vec<KeyOutcome>, OpError> {
        invalid::note(reason, 200).map_err(|expected| Invalid::field("reason", expected))?;
        let reason = reason.to_owned();
        self.change_each(by, ids, move |keys, by, key| {
            let (id, reason) = (key.id, reason.clone());
            async move { keys.delete(&by, id, &reason).await.map(|(_, propagation)| propagation) }
        })
        .await
    }

    /// Pauses the keys as [`Keys::pause`] does, except expired keys. A key that can't be paused doesn't stop the others.
    pub async fn pause_selected(
        &self,
        by: &AuthorizedCaller,
        ids: &[KeyId],
        span: Option<Duration>,
    ) -> Result<Vec<KeyOutcome>, OpError> {
        super::life::check_pause(span)?;
        let now = (self.clock)();
        self.change_each(by, ids, move |keys, by, key| {
            let (id, has_expired) = (key.id, key.has_expired(now));
            async move {
                if has_expired {
                    return Err(Invalid::field("duration", "This key has expired.").into());
                }
                keys.pause(&by, id, span).await.map(|(_, propagation)| propagation)
            }
        })
        .await
    }

    /// Changes each of the keys. Runs in a separate task, so that a client that disconnects can't leave the change half
    /// done.
    async fn change_each<C, F>(
        &self,
        by: &AuthorizedCaller,
        ids: &[KeyId],
        change: C,
    ) -> Result<Vec<KeyOutcome>, OpError>
    where
        C: Fn(Self, AuthorizedCaller, &KeyRow) -> F + Send + 'static,
        F: Future<Output = Result<Propagation, OpError>> + Send,
    {
        let selected = self.read_selected(by, ids).await?;
        let (keys, by) = (self.clone(), by.clone());
        let task = tokio::spawn(with_tenant(Some(by.workspace), async move {
            set_tenant(by.workspace, by.actor());
            let changes = selected.into_iter().map(|key| {
                let change = change(keys.clone(), by.clone(), &key);
                async move { KeyOutcome { outcome: change.await, key } }
            });
            // Collected first, since the compiler can't prove that a lazy iterator of futures may move to the task.
            let changes: Vec<_> = changes.collect();
            stream::iter(changes).buffered(CONCURRENT).collect().await
        }));
        task.await.map_err(OpError::internal)
    }
}
