//! What can be done with keys.

pub mod advice;
pub mod seen;
pub mod sightings;
pub mod what_if;

mod draft;
mod life;
mod named;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{Brands, KeyId, Restrictions, Secret, Timestamp};
use keyrack_rack::{Clock, Follower, Revision};
use keyrack_store::{DeleteKey, KeyFilter, KeyRow, Page, RotateKey, Store, StoreError, Usage};
use rand_core::UnwrapErr;

use super::nodes::{Arrival, Nodes, Unconfirmed};
use super::who::Reach;
use super::{Acting, Invalid, OpError, invalid};
use draft::Ends;
pub use draft::{Draft, Patch};
pub use named::Names;

/// The longest that an old secret may live beside the new one.
pub const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// How often a change that somebody else overtook is tried anew.
const TRIES: usize = 5;

/// Where a change has arrived when it is answered.
#[derive(Clone, Debug)]
pub struct Propagation {
    pub revision: Revision,
    /// Nodes that check keys of the workspace, this server among them.
    pub nodes: u32,
    /// Those that are not known to have the change.
    pub unconfirmed: Vec<Unconfirmed>,
    pub took: Duration,
}

/// A key, and the one sight of its secret.
pub struct Handed {
    pub key: KeyRow,
    pub secret: Secret,
    pub propagation: Propagation,
}

/// The keys of all workspaces: in the store, and in the rack before anybody is told.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    follower: Arc<Follower<Store>>,
    nodes: Nodes,
    brands: Brands,
    /// The largest image that the server takes, in bytes.
    max_image: usize,
    clock: Clock,
}

impl Propagation {
    /// How many nodes have the change.
    pub fn confirmed(&self) -> u32 {
        self.nodes - u32::try_from(self.unconfirmed.len()).unwrap_or(self.nodes).min(self.nodes)
    }
}

impl Keys {
    /// Keys of `store`, whose changes `follower` brings to the rack, and which `nodes` elsewhere follow.
    pub const fn new(
        store: Store,
        follower: Arc<Follower<Store>>,
        nodes: Nodes,
        brands: Brands,
        max_image: usize,
        clock: Clock,
    ) -> Self {
        Self { store, follower, nodes, brands, max_image, clock }
    }

    /// Makes a key. `once` is the client's name for the request: with the same one, no second key is made.
    pub async fn create(&self, by: &Acting, draft: Draft, once: Option<String>) -> Result<Handed, OpError> {
        let now = (self.clock)();
        let policy = self.store.policy(by.workspace).await?;
        let draft = draft.ending_by(policy, now).check(Ends::set(policy, now))?;
        by.may_give(&draft.reach())?;
        self.check_named(by, &Restrictions::NONE, &draft.restrictions).await?;
        let mut rng = UnwrapErr(getrandom::SysRng);
        let secret = Secret::generate(self.brands.current(), draft.grant.class(), &mut rng);
        let (id, kept) = (KeyId::new(now, &mut rng), (secret.digest(), secret.hint()));
        let (store, workspace, actor) = (by.writes(&self.store, now), by.workspace, by.actor());
        let create = async move {
            store.create_key(&draft.as_new(id, workspace, kept, actor, now, once.as_deref())).await
        };
        let (key, propagation) = self.commit(create).await?;
        Ok(Handed { key, secret, propagation })
    }

    /// A page of keys, newest first.
    pub async fn list(&self, by: &Acting, filter: &KeyFilter<'_>) -> Result<Page<KeyRow, KeyId>, OpError> {
        Ok(self.store.keys(by.workspace, filter).await?)
    }

    /// How many keys there are.
    pub async fn count(&self, by: &Acting, filter: &KeyFilter<'_>) -> Result<u64, OpError> {
        Ok(self.store.count_keys(by.workspace, filter).await?)
    }

    /// One key, deleted or not.
    pub async fn read(&self, by: &Acting, id: KeyId) -> Result<KeyRow, OpError> {
        self.store.key(by.workspace, id).await?.ok_or(OpError::NotFound("key"))
    }

    /// What a key was used for in the last time, hour by hour.
    pub async fn usage(&self, by: &Acting, id: KeyId, last: Duration) -> Result<Vec<Usage>, OpError> {
        let key = self.read(by, id).await?;
        let hour = Duration::from_hours(1);
        Ok(self.store.usage(by.workspace, key.id, (self.clock)().minus(last).minus(hour)).await?)
    }

    /// Changes a key; the next request with it is decided anew. With `expected`, only one of the revisions that the editor
    /// saw.
    pub async fn edit(
        &self,
        by: &Acting,
        id: KeyId,
        patch: Patch,
        expected: Option<&[Revision]>,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let mut tries = 1;
        loop {
            match self.edit_once(by, id, patch.clone(), expected).await {
                Err(OpError::Conflict) if expected.is_none() && tries < TRIES => tries += 1,
                other => return other,
            }
        }
    }

    async fn edit_once(
        &self,
        by: &Acting,
        id: KeyId,
        patch: Patch,
        expected: Option<&[Revision]>,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let now = (self.clock)();
        let before = self.living(by, id).await?;
        let had = Reach::of(&before)?;
        by.may_give(&had)?;
        let (revision, scopes) = (before.revision, before.scopes);
        let ends = self.ends(by, &before, &patch, now).await?;
        let acknowledges = patch.acknowledges_public_use;
        let after = patch.apply(before)?.check(ends)?;
        by.may_give(&after.reach())?;
        self.check_named(by, &had.restrictions, &after.restrictions).await?;
        if !acknowledges {
            let has = after.reach_after(&had, scopes);
            self.hands_nothing_out(by, id, (&had, &has), now).await?;
        }
        let (store, workspace, actor) = (by.writes(&self.store, now), by.workspace, by.actor());
        if expected.is_some_and(|seen| !seen.contains(&revision)) {
            return Err(OpError::Conflict);
        }
        self.commit(async move { store.edit_key(&after.as_edit(id, workspace, revision, actor, now)).await })
            .await
    }

    /// An expired key may be renamed, and one that lives longer than the workspace would have it today; an expiry that is
    /// set anew has to lie ahead, and within what the workspace allows.
    async fn ends(&self, by: &Acting, key: &KeyRow, patch: &Patch, now: Timestamp) -> Result<Ends, OpError> {
        Ok(match patch.expires_at {
            None => Ends::kept(key.created_at),
            Some(same) if same == key.terms.expires_at => Ends::kept(now),
            Some(_) => Ends::set(self.store.policy(by.workspace).await?, now),
        })
    }

    /// Gives a key a new secret. The old one works for `overlap` longer, and never beyond the key's own end.
    pub async fn rotate(
        &self,
        by: &Acting,
        id: KeyId,
        overlap: Duration,
        once: Option<String>,
    ) -> Result<Handed, OpError> {
        if overlap > LONGEST_OVERLAP {
            return Err(Invalid::field("gracePeriod", "at most 30d").into());
        }
        let mut tries = 1;
        loop {
            match self.rotate_once(by, id, overlap, once.clone()).await {
                Err(OpError::Conflict) if tries < TRIES => tries += 1,
                other => return other,
            }
        }
    }

    async fn rotate_once(
        &self,
        by: &Acting,
        id: KeyId,
        overlap: Duration,
        once: Option<String>,
    ) -> Result<Handed, OpError> {
        let now = (self.clock)();
        let before = self.living(by, id).await?;
        by.may_give(&Reach::of(&before)?)?;
        if before.terms.expires_at.is_some_and(|at| at <= now) {
            return Err(
                Invalid::field("gracePeriod", "this key has expired; give it a later expiry first").into()
            );
        }
        let secret = Secret::generate(self.brands.current(), before.class, &mut UnwrapErr(getrandom::SysRng));
        let retires_at = before.terms.expires_at.map_or(now.plus(overlap), |end| end.min(now.plus(overlap)));
        let kept = (secret.digest(), secret.hint());
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
                    once,
                })
                .await
        };
        let (key, propagation) = self.commit(rotate).await?;
        Ok(Handed { key, secret, propagation })
    }

    /// Ends a key for good. When this returns, no request with it is accepted any more.
    pub async fn delete(
        &self,
        by: &Acting,
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

    async fn living(&self, by: &Acting, id: KeyId) -> Result<KeyRow, OpError> {
        let key = self.read(by, id).await?;
        if key.deletion.is_some() { Err(OpError::Gone) } else { Ok(key) }
    }

    /// Commits a change, brings it to the rack, and waits until it has arrived elsewhere. In a task of its own: a client that hangs up in between
    /// leaves no rack behind that still lets a deleted key through.
    async fn commit(
        &self,
        change: impl Future<Output = Result<KeyRow, StoreError>> + Send + 'static,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let (follower, nodes, clock) = (Arc::clone(&self.follower), self.nodes.clone(), self.clock);
        let task = tokio::spawn(async move {
            let started = clock();
            let row = change.await?;
            // Where that fails, the change is durable and the rack lacks it. It is not trusted then: better no answers
            // than wrong ones, until it can be read.
            follower.reach(row.revision, clock()).await.map_err(OpError::internal)?;
            let Arrival { nodes, unconfirmed } = nodes.reached(row.workspace, row.revision).await;
            let (revision, took) = (row.revision, clock().since(started));
            Ok((row, Propagation { revision, nodes: nodes + 1, unconfirmed, took }))
        });
        task.await.map_err(OpError::internal)?
    }
}
