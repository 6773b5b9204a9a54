//! The nodes that check keys of a workspace in their own memory, the revision that each node has applied, and how long
//! a change waits for them.
//!
//! The database stores registered nodes, so that a restarted server still waits for them. The state of each node (last
//! contact, applied revision) is in memory only, because this process alone writes keys. A node without an entry in
//! memory is gone: its next request fails, and the node registers again and reads all keys.

mod entry;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{NodeId, Timestamp, WorkspaceId};
use keyrack_rack::{
    CallGroup, Clock, Feed, FeedUpdate, Frame, LEASE, Position, Revision, SecretUsage, Snapshot,
    TOMBSTONE_LIFE, WAIT,
};
use keyrack_store::{Node, Store, StoreError};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::entry::{NodeEntry, with_slack};
use super::{AuthorizedCaller, Invalid, OpError, Random, invalid};
use crate::shares::{Budget, Claimant, Share};

/// The longest time that a node may serve after it loses contact.
const LONGEST_SERVICE: Duration = Duration::from_hours(1);
/// The maximum number of nodes, above any realistic deployment.
const MOST: usize = 1_000;
/// The places reserved for workspaces without nodes. Of the others, a key gets at most half and a workspace at most
/// three quarters.
const KEPT_FOR_NEWCOMERS: usize = 200;
/// The maximum number of concurrent snapshots. Each holds all keys of its workspace in memory.
const SNAPSHOTS: usize = 16;
/// The maximum number of concurrent writes of usage reports. Each blocks a thread while it waits for the writer, and
/// the writer's commits need a blocking thread too.
const USAGE_REPORTS: usize = 16;

/// The nodes of all workspaces.
#[derive(Clone, Debug)]
pub struct Nodes {
    store: Store,
    entries: Arc<Mutex<HashMap<NodeId, NodeEntry>>>,
    slots: Budget,
    snapshots: Budget,
    usage_reports: Budget,
    /// Notifies waiting changes that a node has applied a revision or left.
    progress: Arc<watch::Sender<()>>,
    clock: Clock,
    random: Random,
}

/// The current state of a node.
#[derive(Clone, Debug)]
pub struct LiveNode {
    pub node: Node,
    /// The last revision that the node has applied. `None` while the node reads all keys.
    pub applied: Option<Revision>,
    pub last_contact_at: Timestamp,
}

/// A node that may not have applied a change yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingNode {
    pub id: NodeId,
    pub name: String,
    /// The time from which the node allows nothing that depends on an older revision.
    pub until: Timestamp,
}

/// The propagation of a change.
#[derive(Clone, Debug)]
pub struct NodePropagation {
    /// The number of nodes that may check keys of the workspace, without this server.
    pub nodes: u32,
    pub unconfirmed: Vec<PendingNode>,
}

impl Nodes {
    /// Loads the registered nodes. Each may still serve keys, so its last contact counts as now.
    pub async fn open(store: Store, clock: Clock, random: Random) -> Result<Self, OpError> {
        let now = clock();
        let slots = Budget::with_minimum("nodes", MOST, KEPT_FOR_NEWCOMERS);
        let snapshots = Budget::new("snapshots of keys", SNAPSHOTS);
        let usage_reports = Budget::new("usage reports", USAGE_REPORTS);
        let entries = store.nodes().await?.into_iter().map(|node| {
            let slot = slots.record(Claimant::new(node.workspace, node.registered_by), 1);
            (node.id, NodeEntry::new(node, Some(Revision::default()), now, slot))
        });
        let (entries, progress) = (Arc::new(Mutex::new(entries.collect())), Arc::new(watch::Sender::new(())));
        Ok(Self { store, entries, slots, snapshots, usage_reports, progress, clock, random })
    }

    /// Registers a node in the workspace of the caller.
    pub async fn register(
        &self,
        by: &AuthorizedCaller,
        name: &str,
        offline_grace: Duration,
    ) -> Result<Node, OpError> {
        let mut wrong = Invalid::default();
        let name = wrong.take("name", invalid::name(name));
        let offline_grace =
            (offline_grace <= LONGEST_SERVICE).then_some(offline_grace).ok_or("Use 0 to 3,600 seconds.");
        let offline_grace = wrong.take("offlineGraceSeconds", offline_grace);
        let Some((name, offline_grace)) = name.zip(offline_grace) else { return Err(wrong.into()) };
        self.sweep().await;
        let slot = self.slots.take(by.claimant(), 1)?;
        let now = (self.clock)();
        let id = self.random.id(now);
        let (workspace, registered_by) = (by.workspace, by.actor());
        let node = Node { id, workspace, name, registered_by, registered_at: now, offline_grace };
        by.writes(&self.store, now).add_node(&node).await?;
        self.entries.lock().insert(id, NodeEntry::new(node.clone(), None, now, slot));
        Ok(node)
    }

    /// Returns the nodes of a workspace with their current state, by id.
    pub fn list(&self, workspace: WorkspaceId) -> Vec<LiveNode> {
        let entries = self.entries.lock();
        let mut live: Vec<_> = entries
            .values()
            .filter(|entry| entry.node.workspace == workspace && entry.expires() > Instant::now())
            .map(|entry| LiveNode {
                node: entry.node.clone(),
                applied: entry.applied,
                last_contact_at: entry.last_contact_at,
            })
            .collect();
        live.sort_by_key(|node| node.node.id);
        live
    }

    /// Verifies that the node exists and that the caller registered the node.
    pub fn check_owner(&self, by: &AuthorizedCaller, id: NodeId) -> Result<(), OpError> {
        self.with_node(by, id, |_| ())
    }

    /// Returns all keys of the node's workspace, and a permit to hold them in memory.
    pub async fn snapshot(&self, by: &AuthorizedCaller, id: NodeId) -> Result<(Snapshot, Share), OpError> {
        self.check_owner(by, id)?;
        let share = self.snapshots.take(by.claimant(), 1)?;
        let since = (self.clock)().minus(TOMBSTONE_LIFE);
        let reading = self.store.workspace_feed(by.workspace).snapshot(since).await?;
        // Read everything immediately, so that a slow client does not hold a read transaction open.
        let snapshot = spawn_blocking(move || reading.whole()).await.map_err(OpError::internal)??;
        Ok((snapshot, share))
    }

    /// Records the revision that a node has applied, and returns the changes after it. Waits up to `wait` for a change.
    /// Returns `None` if the position belongs to another history, so that the node must read all keys.
    pub async fn changes(
        &self,
        by: &AuthorizedCaller,
        id: NodeId,
        applied: Position,
        wait: Duration,
    ) -> Result<Option<Frame>, OpError> {
        let until = Instant::now() + wait.min(WAIT);
        // The body of the request may have arrived slowly: a deleted key must not acknowledge changes.
        by.verify(&self.store, (self.clock)()).await?;
        // Subscribe before the first read, so that a change after the read wakes this request.
        let mut changed = self.with_node(by, id, |entry| {
            entry.applied.get_or_insert_default();
            entry.changed.subscribe()
        })?;
        let feed = self.store.workspace_feed(by.workspace);
        let mut next = feed.after(applied).await?;
        if matches!(next, FeedUpdate::Frame(_)) {
            let now = (self.clock)();
            self.with_node(by, id, |entry| {
                (entry.applied, entry.last_contact, entry.last_contact_at) =
                    (Some(applied.revision), Instant::now(), now);
            })?;
            self.progress.send_replace(());
        }
        while matches!(&next, FeedUpdate::Frame(frame) if frame.changes.is_empty()) {
            let is_over = timeout_at(until, changed.changed()).await.is_err();
            next = feed.after(applied).await?;
            if is_over {
                break;
            }
        }
        // The key may have been deleted while the request waited.
        by.verify(&self.store, (self.clock)()).await?;
        Ok(match next {
            FeedUpdate::Frame(frame) => Some(frame),
            FeedUpdate::Reload => None,
        })
    }

    /// Records the usage of keys on a node, and its callers. The statements run on a blocking thread, because they take
    /// longer than other requests should wait. Fails with [`OpError::ShareUsedUp`] if too many reports of the same key
    /// or workspace are being written. The node then sends its report again.
    pub async fn store_usage(
        &self,
        by: &AuthorizedCaller,
        id: NodeId,
        batch: u64,
        used: Arc<Vec<SecretUsage>>,
        calls: Vec<CallGroup>,
    ) -> Result<(), OpError> {
        self.check_owner(by, id)?;
        let share = self.usage_reports.take(by.claimant(), 1)?;
        let (now, runtime) = ((self.clock)(), Handle::current());
        let writes = by.writes(&self.store, now);
        let write = move || {
            // The thread holds the permit, because the write continues if the client disconnects.
            let _share = share;
            runtime.block_on(writes.store_node_usage(id, batch, &used, &calls, now))
        };
        spawn_blocking(write).await.map_err(OpError::internal)?.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("node"),
            other => other.into(),
        })
    }

    /// Deregisters a node, which serves no keys from now on.
    pub async fn deregister(&self, by: &AuthorizedCaller, id: NodeId) -> Result<(), OpError> {
        self.check_owner(by, id)?;
        by.writes(&self.store, (self.clock)()).deregister_node(id).await?;
        self.entries.lock().remove(&id);
        self.progress.send_replace(());
        Ok(())
    }

    /// Waits until every node of `workspace` has applied `revision` or can no longer serve an older one. A node that
    /// misses its lease is considered disconnected: the wait ends, and the node is listed as unconfirmed.
    pub async fn wait_until_applied(&self, workspace: WorkspaceId, revision: Revision) -> NodePropagation {
        let mut progress = self.progress.subscribe();
        let latest = Instant::now() + with_slack(LEASE);
        let nodes = self.wake(workspace);
        loop {
            let pending = self.pending(workspace, revision);
            let last = pending
                .iter()
                .map(|(deadline, _)| *deadline)
                .max()
                .map_or(latest, |deadline| deadline.min(latest));
            if pending.is_empty() || Instant::now() >= last {
                let unconfirmed = pending.into_iter().map(|(_, one)| one).collect();
                return NodePropagation { nodes, unconfirmed };
            }
            tokio::select! {
                // The sender lives as long as `self`.
                _ = progress.changed() => {}
                () = sleep_until(last) => {}
            }
        }
    }

    /// Wakes the pending requests of a workspace's nodes. Returns the number of nodes that may serve keys.
    fn wake(&self, workspace: WorkspaceId) -> u32 {
        let entries = self.entries.lock();
        let mut nodes = 0;
        for entry in entries.values().filter(|entry| entry.node.workspace == workspace) {
            entry.changed.send_replace(());
            nodes += u32::from(entry.applied.is_some() && entry.expires() > Instant::now());
        }
        nodes
    }

    /// Returns the nodes that may serve a revision older than `revision`, each with the deadline for its next contact.
    /// Excludes expired nodes, whose requests [`with_node`](Self::with_node) rejects by the same clock.
    fn pending(&self, workspace: WorkspaceId, revision: Revision) -> Vec<(Instant, PendingNode)> {
        let entries = self.entries.lock();
        let (now, time) = (Instant::now(), (self.clock)());
        entries
            .values()
            .filter(|entry| {
                entry.node.workspace == workspace && entry.is_behind(revision) && entry.expires() > now
            })
            .map(|entry| {
                let Node { id, name, .. } = entry.node.clone();
                let deadline = entry.expires().min(entry.last_contact + with_slack(LEASE));
                (deadline, PendingNode { id, name, until: time.plus(entry.expires() - now) })
            })
            .collect()
    }

    /// Removes expired nodes.
    pub async fn sweep(&self) {
        let gone: Vec<_> = {
            let mut entries = self.entries.lock();
            let now = Instant::now();
            entries.extract_if(|_, entry| entry.expires() <= now).map(|(id, _)| id).collect()
        };
        for id in gone {
            if let Err(error) = self.store.remove_node(id).await {
                tracing::warn!(%error, node = %id, "an unregistered node could not be removed");
            }
        }
    }

    /// Runs `work` on a node that the caller has registered. Fails if the node is unknown or expired.
    fn with_node<T>(
        &self,
        by: &AuthorizedCaller,
        id: NodeId,
        work: impl FnOnce(&mut NodeEntry) -> T,
    ) -> Result<T, OpError> {
        let mut entries = self.entries.lock();
        let entry = entries.get_mut(&id).filter(|entry| {
            (entry.node.workspace, entry.node.registered_by) == (by.workspace, by.actor())
                && entry.expires() > Instant::now()
        });
        entry.map(work).ok_or(OpError::NotFound("node"))
    }
}
