//! Operations on keys: create, edit, rotate, delete, and read.

pub mod advice;
pub mod attention;
pub mod exposures;
pub mod preview;
pub mod selection;
pub mod usage;

mod draft;
mod life;
mod restriction_names;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{Brands, KeyId, Restrictions, Secret, Timestamp};
use keyrack_rack::{Clock, Follower, Revision};
use keyrack_store::{
    DeleteKey, KeyCounts, KeyFilter, KeyRow, KeySlice, NewSecret, Page, RotateKey, Store, StoreError, Usage,
};

use super::nodes::{NodePropagation, Nodes, PendingNode};
use super::who::GrantedAuthority;
use super::{AuthorizedCaller, Invalid, OpError, Random, invalid};
use draft::ExpiryRule;
pub use draft::{KeyDraft, KeyPatch};
pub use restriction_names::Names;

/// The longest time that an old secret may work next to the new secret.
pub const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// The maximum number of attempts for a change that concurrent changes overtake.
const TRIES: usize = 5;

/// The propagation of a change at the time of the answer.
#[derive(Clone, Debug)]
pub struct Propagation {
    pub revision: Revision,
    /// The number of nodes that check keys of the workspace, this server included.
    pub nodes: u32,
    /// The nodes that have not confirmed the change.
    pub unconfirmed: Vec<PendingNode>,
    pub took: Duration,
}

/// A key with its secret, which is available only here.
pub struct IssuedKey {
    pub key: KeyRow,
    pub secret: Secret,
    pub propagation: Propagation,
}

/// The keys of all workspaces. Each change is in the store and in this server's rack before the operation returns.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    follower: Arc<Follower<Store>>,
    nodes: Nodes,
    brands: Brands,
    /// The largest image that the server accepts, in bytes.
    max_image: usize,
    clock: Clock,
    random: Random,
}

impl Propagation {
    /// The number of nodes that have confirmed the change.
    pub fn confirmed(&self) -> u32 {
        self.nodes - u32::try_from(self.unconfirmed.len()).unwrap_or(self.nodes).min(self.nodes)
    }
}

impl Keys {
    /// The `follower` applies changes in `store` to the rack of this server. The `nodes` follow the store from elsewhere.
    pub const fn new(
        store: Store,
        follower: Arc<Follower<Store>>,
        nodes: Nodes,
        brands: Brands,
        max_image: usize,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { store, follower, nodes, brands, max_image, clock, random }
    }

    /// Creates a key. `once` is the idempotency key of the request: repeated requests with it create no second key.
    pub async fn create(
        &self,
        by: &AuthorizedCaller,
        draft: KeyDraft,
        once: Option<String>,
    ) -> Result<IssuedKey, OpError> {
        let now = (self.clock)();
        let policy = self.store.policy(by.workspace).await?;
        let draft = draft.with_default_expiry(policy, now).check(ExpiryRule::for_change(policy, now))?;
        by.check_grant(&draft.authority())?;
        self.check_restrictions(by, &Restrictions::NONE, &draft.restrictions).await?;
        let mut random = self.random;
        let secret = Secret::generate(self.brands.current(), draft.grant.class(), &mut random);
        let (id, kept) = (random.id(now), NewSecret::of(&secret));
        let (store, workspace, actor) = (by.writes(&self.store, now), by.workspace, by.actor());
        let create = async move {
            store.create_key(&draft.as_new(id, workspace, kept, actor, now, once.as_deref())).await
        };
        let (key, propagation) = self.commit(create).await?;
        Ok(IssuedKey { key, secret, propagation })
    }

    /// Returns a page of keys, newest first.
    pub async fn list(
        &self,
        by: &AuthorizedCaller,
        filter: &KeyFilter<'_>,
    ) -> Result<Page<KeyRow, KeyId>, OpError> {
        Ok(self.store.keys(by.workspace, filter).await?)
    }

    /// Returns a part of the sorted list of keys that match a filter.
    pub async fn sorted(
        &self,
        by: &AuthorizedCaller,
        filter: &KeyFilter<'_>,
        slice: KeySlice,
    ) -> Result<Vec<KeyRow>, OpError> {
        Ok(self.store.sorted_keys(by.workspace, filter, slice).await?)
    }

    /// Returns the number of keys with each status that match the rest of a filter.
    pub async fn counts(&self, by: &AuthorizedCaller, filter: &KeyFilter<'_>) -> Result<KeyCounts, OpError> {
        Ok(self.store.count_keys_by_status(by.workspace, filter).await?)
    }

    /// Returns one key, deleted or not.
    pub async fn read(&self, by: &AuthorizedCaller, id: KeyId) -> Result<KeyRow, OpError> {
        self.store.key(by.workspace, id).await?.ok_or(OpError::NotFound("key"))
    }

    /// Returns the usage of a key in the duration `last`, by hour.
    pub async fn usage(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        last: Duration,
    ) -> Result<Vec<Usage>, OpError> {
        let key = self.read(by, id).await?;
        let hour = Duration::from_hours(1);
        Ok(self.store.usage(by.workspace, key.id, (self.clock)().minus(last).minus(hour)).await?)
    }

    /// Changes a key. The change applies to the next request with the key. With `expected`, fails with
    /// [`OpError::Conflict`] unless the key is at one of these revisions. Without it, retries after concurrent changes.
    pub async fn edit(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        patch: KeyPatch,
        expected: Option<&[Revision]>,
    ) -> Result<(KeyRow, Propagation), OpError> {
        match expected {
            Some(_) => self.edit_once(by, id, patch, expected).await,
            None => retry_conflicts(|| self.edit_once(by, id, patch.clone(), None)).await,
        }
    }

    async fn edit_once(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        patch: KeyPatch,
        expected: Option<&[Revision]>,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let now = (self.clock)();
        let before = self.existing_key(by, id).await?;
        let had = GrantedAuthority::of(&before)?;
        by.check_grant(&had)?;
        let (revision, scopes) = (before.revision, before.scopes);
        let ends = self.expiry_rule(by, &before, &patch, now).await?;
        let acknowledges = patch.acknowledges_public_use;
        let after = patch.apply(before)?.check(ends)?;
        by.check_grant(&after.authority())?;
        self.check_restrictions(by, &had.restrictions, &after.restrictions).await?;
        if !acknowledges {
            let has = after.authority_after(&had, scopes);
            self.check_exposure(by, id, (&had, &has), now).await?;
        }
        let (store, workspace, actor) = (by.writes(&self.store, now), by.workspace, by.actor());
        if expected.is_some_and(|seen| !seen.contains(&revision)) {
            return Err(OpError::Conflict);
        }
        self.commit(async move { store.edit_key(&after.as_edit(id, workspace, revision, actor, now)).await })
            .await
    }

    /// Returns the rule for the expiry. An unchanged expiry may lie in the past or after the policy's limit, so
    /// that expired and long-lived keys can be renamed. A changed expiry must lie in the future and within the
    /// policy of the workspace.
    async fn expiry_rule(
        &self,
        by: &AuthorizedCaller,
        key: &KeyRow,
        patch: &KeyPatch,
        now: Timestamp,
    ) -> Result<ExpiryRule, OpError> {
        Ok(match patch.expires_at {
            None => ExpiryRule::unchanged(key.created_at),
            Some(same) if same == key.terms.expires_at => ExpiryRule::unchanged(now),
            Some(_) => ExpiryRule::for_change(self.store.policy(by.workspace).await?, now),
        })
    }

    /// Replaces the secret of a key. The old secret works for `overlap`, but not after the expiry of the key.
    pub async fn rotate(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        overlap: Duration,
        once: Option<String>,
    ) -> Result<IssuedKey, OpError> {
        if overlap > LONGEST_OVERLAP {
            return Err(Invalid::field("gracePeriod", "Use 30d or less.").into());
        }
        retry_conflicts(|| self.rotate_once(by, id, overlap, once.clone())).await
    }

    async fn rotate_once(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        overlap: Duration,
        once: Option<String>,
    ) -> Result<IssuedKey, OpError> {
        let now = (self.clock)();
        let before = self.existing_key(by, id).await?;
        by.check_grant(&GrantedAuthority::of(&before)?)?;
        if before.has_expired(now) {
            return Err(
                Invalid::field("gracePeriod", "This key has expired. Extend its expiration first.").into()
            );
        }
        let secret = Secret::generate(self.brands.current(), before.class, &mut { self.random });
        let retires_at = before.terms.expires_at.map_or(now.plus(overlap), |end| end.min(now.plus(overlap)));
        let kept = NewSecret::of(&secret);
        let (store, workspace, expected) = (by.writes(&self.store, now), by.workspace, before.revision);
        let actor = by.actor();
        let rotate = async move {
            let once = once.as_deref();
            store
                .rotate_key(&RotateKey {
                    workspace,
                    id,
                    expected,
                    secret: kept,
                    retires_at,
                    actor,
                    now,
                    idempotency_key: once,
                })
                .await
        };
        let (key, propagation) = self.commit(rotate).await?;
        Ok(IssuedKey { key, secret, propagation })
    }

    /// Deletes a key permanently. When this function returns, this server and every confirmed node deny requests with the key.
    pub async fn delete(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        reason: &str,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let reason = invalid::note(reason, 200).map_err(|expected| Invalid::field("reason", expected))?;
        let now = (self.clock)();
        let (store, workspace, actor) = (by.writes(&self.store, now), by.workspace, by.actor());
        let delete = async move {
            let reason = reason.as_deref();
            store.delete_key(&DeleteKey { workspace, id, reason, actor, now }).await
        };
        self.commit(delete).await.map_err(|error| match error {
            OpError::NotFound(_) => OpError::NotFound("key"),
            other => other,
        })
    }

    async fn existing_key(&self, by: &AuthorizedCaller, id: KeyId) -> Result<KeyRow, OpError> {
        let key = self.read(by, id).await?;
        if key.deletion.is_some() { Err(OpError::KeyDeleted) } else { Ok(key) }
    }

    /// Commits a change, applies it to the rack, and waits for the nodes to confirm it. Runs in a separate task, so
    /// that a client that disconnects cannot leave a rack that still allows a deleted key.
    async fn commit(
        &self,
        change: impl Future<Output = Result<KeyRow, StoreError>> + Send + 'static,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let (follower, nodes, clock) = (Arc::clone(&self.follower), self.nodes.clone(), self.clock);
        let task = tokio::spawn(async move {
            let started = clock();
            let row = change.await?;
            // If this fails, the change is durable but the rack lacks it. The rack is then stale and denies requests
            // until the follower can read the change: no answers are better than wrong answers.
            follower.catch_up_to(row.revision, clock()).await.map_err(OpError::internal)?;
            let NodePropagation { nodes, unconfirmed } =
                nodes.wait_until_applied(row.workspace, row.revision).await;
            let (revision, took) = (row.revision, clock().since(started));
            Ok((row, Propagation { revision, nodes: nodes + 1, unconfirmed, took }))
        });
        task.await.map_err(OpError::internal)?
    }
}

/// Runs `attempt` again while concurrent changes overtake it, at most [`TRIES`] times in total.
async fn retry_conflicts<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, OpError>
where
    F: Future<Output = Result<T, OpError>>,
{
    for _ in 1..TRIES {
        match attempt().await {
            Err(OpError::Conflict) => {}
            other => return other,
        }
    }
    attempt().await
}
