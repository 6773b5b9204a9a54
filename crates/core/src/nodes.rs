//! The services elsewhere that check keys of ours: who they are, how far they are, and what a change has to wait for.
//!
//! Rows say who registered, so that a server that was started anew still waits for them. How far each is and when it
//! was heard of is known in memory: this process alone writes keys. Whoever is not in the memory is gone: its next
//! question is answered so, and it registers anew and reads everything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{NodeId, Timestamp, WorkspaceId};
use keyrack_rack::{
    Calls, Clock, Feed, Frame, LEASE, Next, Position, Revision, Snapshot, TOMBSTONE_LIFE, Used, WAIT,
};
use keyrack_store::{Node, Store, StoreError};
use parking_lot::Mutex;
use rand_core::UnwrapErr;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Acting, Invalid, OpError, invalid};
use crate::shares::{Budget, Claimant, Share};

/// The longest that a node may go on when it is cut off.
const LONGEST_SERVICE: Duration = Duration::from_hours(1);
/// How long a node may take to read everything before its first question for changes. It decides nothing until then.
const FILLING: Duration = Duration::from_mins(10);
/// More services than anybody runs.
const MOST: usize = 1_000;
/// The last of them are for workspaces that have none. Of the others, one key gets half and one workspace three quarters.
const KEPT_FOR_NEWCOMERS: usize = 200;
/// Snapshots that are sent at once: each holds all keys of its workspace in memory.
const SNAPSHOTS: usize = 16;
/// Usage reports that are written at once. Each keeps a blocking thread while it waits for the writer, and the writer's commits
/// need such a thread too.
const USAGE_REPORTS: usize = 16;

/// Nodes of all workspaces.
#[derive(Clone, Debug)]
pub struct Nodes {
    store: Store,
    seats: Arc<Mutex<HashMap<NodeId, Seat>>>,
    places: Budget,
    snapshots: Budget,
    usage_reports: Budget,
    /// Tells whoever waits that a node has applied something or left.
    moved: Arc<watch::Sender<()>>,
    clock: Clock,
}

#[derive(Debug)]
struct Seat {
    node: Node,
    /// What it had applied when it was last heard of. Nothing before its first question: it decides nothing then.
    applied: Option<Revision>,
    heard: Instant,
    heard_at: Timestamp,
    /// Wakes its question when a key of its workspace has changed.
    changed: watch::Sender<()>,
    _place: Share,
}

/// A node as it stands.
#[derive(Clone, Debug)]
pub struct Stand {
    pub node: Node,
    /// The last change that it has applied; nothing while it reads everything.
    pub applied: Option<Revision>,
    pub heard_at: Timestamp,
}

/// A node that may not have a change yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    pub id: NodeId,
    pub name: String,
    /// From then on it accepts nothing that it was not told.
    pub until: Timestamp,
}

/// Where a change has arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Nodes of the workspace that may decide about its keys, this server left out.
    pub nodes: u32,
    pub unconfirmed: Vec<Unconfirmed>,
}

/// So much for clocks that run at different rates: 1 %.
fn with_slack(span: Duration) -> Duration {
    span + span / 100
}

impl Seat {
    fn new(node: Node, applied: Option<Revision>, now: Timestamp, place: Share) -> Self {
        let (heard, changed) = (Instant::now(), watch::Sender::new(()));
        Self { node, applied, heard, heard_at: now, changed, _place: place }
    }

    /// How long it can still accept keys after it was last heard of.
    fn span(&self) -> Duration {
        match self.applied {
            None => FILLING,
            Some(_) => with_slack(LEASE + self.node.serves_for),
        }
    }

    fn end(&self) -> Instant {
        self.heard + self.span()
    }

    /// Whether it decides by something older than `revision`.
    fn lacks(&self, revision: Revision) -> bool {
        self.applied.is_some_and(|applied| applied < revision)
    }
}

impl Nodes {
    /// Those that registered with earlier processes may still decide: each counts as heard of just now.
    pub async fn open(store: Store, clock: Clock) -> Result<Self, OpError> {
        let now = clock();
        let places = Budget::with_minimum("nodes", MOST, KEPT_FOR_NEWCOMERS);
        let snapshots = Budget::new("snapshots of keys", SNAPSHOTS);
        let usage_reports = Budget::new("usage reports", USAGE_REPORTS);
        let seats = store.nodes().await?.into_iter().map(|node| {
            let place = places.keep(Claimant::new(node.workspace, node.registered_by), 1);
            (node.id, Seat::new(node, Some(Revision::default()), now, place))
        });
        let (seats, moved) = (Arc::new(Mutex::new(seats.collect())), Arc::new(watch::Sender::new(())));
        Ok(Self { store, seats, places, snapshots, usage_reports, moved, clock })
    }

    /// Takes in a node of the caller's workspace.
    pub async fn register(&self, by: &Acting, name: &str, serves_for: Duration) -> Result<Node, OpError> {
        let mut wrong = Invalid::default();
        let name = wrong.take("name", invalid::name(name));
        let serves_for =
            (serves_for <= LONGEST_SERVICE).then_some(serves_for).ok_or("expected 0 to 3600 seconds");
        let serves_for = wrong.take("servesFor", serves_for);
        let Some((name, serves_for)) = name.zip(serves_for) else { return Err(wrong.into()) };
        self.sweep().await;
        let place = self.places.take(by.claimant(), 1)?;
        let now = (self.clock)();
        let id = NodeId::new(now, &mut UnwrapErr(getrandom::SysRng));
        let (workspace, registered_by) = (by.workspace, by.actor());
        let node = Node { id, workspace, name, registered_by, registered_at: now, serves_for };
        by.writes(&self.store, now).add_node(&node).await?;
        self.seats.lock().insert(id, Seat::new(node.clone(), None, now, place));
        Ok(node)
    }

    /// The nodes of a workspace, as they stand.
    pub fn list(&self, workspace: WorkspaceId) -> Vec<Stand> {
        let seats = self.seats.lock();
        let mut stands: Vec<_> = seats
            .values()
            .filter(|seat| seat.node.workspace == workspace && seat.end() > Instant::now())
            .map(|seat| Stand { node: seat.node.clone(), applied: seat.applied, heard_at: seat.heard_at })
            .collect();
        stands.sort_by_key(|stand| stand.node.id);
        stands
    }

    /// Whether a node is there, and was registered by the caller.
    pub fn is_of(&self, by: &Acting, id: NodeId) -> Result<(), OpError> {
        self.with(by, id, |_| ())
    }

    /// All keys of the node's workspace, and the right to hold them in memory.
    pub async fn snapshot(&self, by: &Acting, id: NodeId) -> Result<(Snapshot, Share), OpError> {
        self.is_of(by, id)?;
        let share = self.snapshots.take(by.claimant(), 1)?;
        let since = (self.clock)().minus(TOMBSTONE_LIFE);
        let reading = self.store.workspace_feed(by.workspace).snapshot(since).await?;
        // At once: who reads slowly must not keep the database at that change.
        let snapshot = spawn_blocking(move || reading.whole()).await.map_err(OpError::internal)??;
        Ok((snapshot, share))
    }

    /// Notes how far a node is, and tells it what came after that: at once if there is something, else within `wait`.
    /// Nothing where its position is none of this history.
    pub async fn changes(
        &self,
        by: &Acting,
        id: NodeId,
        applied: Position,
        wait: Duration,
    ) -> Result<Option<Frame>, OpError> {
        let until = Instant::now() + wait.min(WAIT);
        // The request may have been held back: a deleted key acknowledges nothing.
        by.verify(&self.store, (self.clock)()).await?;
        // Before anything is read: what changes afterwards wakes this question, and waits for the next.
        let mut changed = self.with(by, id, |seat| {
            seat.applied.get_or_insert_default();
            seat.changed.subscribe()
        })?;
        let feed = self.store.workspace_feed(by.workspace);
        let mut next = feed.after(applied).await?;
        if matches!(next, Next::Frame(_)) {
            let now = (self.clock)();
            self.with(by, id, |seat| {
                (seat.applied, seat.heard, seat.heard_at) = (Some(applied.revision), Instant::now(), now);
            })?;
            self.moved.send_replace(());
        }
        while matches!(&next, Next::Frame(frame) if frame.changes.is_empty()) {
            let is_over = timeout_at(until, changed.changed()).await.is_err();
            next = feed.after(applied).await?;
            if is_over {
                break;
            }
        }
        // The key may have been deleted while the question waited.
        by.verify(&self.store, (self.clock)()).await?;
        Ok(match next {
            Next::Frame(frame) => Some(frame),
            Next::Reload => None,
        })
    }

    /// Records what keys were used for on a node, and its callers. The statements run on a blocking thread, since they take
    /// longer than other requests should wait. [`OpError::ShareUsedUp`] if too many reports of the same key or workspace are
    /// being written; a node sends its report again.
    pub async fn note_uses(
        &self,
        by: &Acting,
        id: NodeId,
        batch: u64,
        used: Arc<Vec<Used>>,
        calls: Vec<Calls>,
    ) -> Result<(), OpError> {
        self.is_of(by, id)?;
        let share = self.usage_reports.take(by.claimant(), 1)?;
        let (now, runtime) = ((self.clock)(), Handle::current());
        let writes = by.writes(&self.store, now);
        let write = move || {
            // Held by the thread, which goes on if the client hangs up.
            let _share = share;
            runtime.block_on(writes.store_node_usage(id, batch, &used, &calls, now))
        };
        spawn_blocking(write).await.map_err(OpError::internal)?.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("node"),
            other => other.into(),
        })
    }

    /// A node leaves by itself: it decides nothing any more.
    pub async fn leave(&self, by: &Acting, id: NodeId) -> Result<(), OpError> {
        self.is_of(by, id)?;
        by.writes(&self.store, (self.clock)()).deregister_node(id).await?;
        self.seats.lock().remove(&id);
        self.moved.send_replace(());
        Ok(())
    }

    /// Waits until no node of `workspace` can decide by what was before `revision`. One that was not heard of in the time
    /// in which it would have been, were it not cut off, is waited for no longer, and named.
    pub async fn reached(&self, workspace: WorkspaceId, revision: Revision) -> Arrival {
        let mut moved = self.moved.subscribe();
        let patience = Instant::now() + with_slack(LEASE);
        let nodes = self.wake(workspace);
        loop {
            let late = self.late(workspace, revision);
            let last = late.iter().map(|(hope, _)| *hope).max().map_or(patience, |hope| hope.min(patience));
            if late.is_empty() || Instant::now() >= last {
                let unconfirmed = late.into_iter().map(|(_, one)| one).collect();
                return Arrival { nodes, unconfirmed };
            }
            tokio::select! {
                // The sender lives as long as this.
                _ = moved.changed() => {}
                () = sleep_until(last) => {}
            }
        }
    }

    /// Wakes the questions of a workspace's nodes; how many of them may decide.
    fn wake(&self, workspace: WorkspaceId) -> u32 {
        let seats = self.seats.lock();
        let mut nodes = 0;
        for seat in seats.values().filter(|seat| seat.node.workspace == workspace) {
            seat.changed.send_replace(());
            nodes += u32::from(seat.applied.is_some() && seat.end() > Instant::now());
        }
        nodes
    }

    /// Those that may decide by something older than `revision`, and until when there is hope to hear of each. One whose
    /// time is over is none of them, and is not heard any more, either: [`with`](Self::with) asks the same clock.
    fn late(&self, workspace: WorkspaceId, revision: Revision) -> Vec<(Instant, Unconfirmed)> {
        let seats = self.seats.lock();
        let (now, time) = (Instant::now(), (self.clock)());
        seats
            .values()
            .filter(|seat| seat.node.workspace == workspace && seat.lacks(revision) && seat.end() > now)
            .map(|seat| {
                let Node { id, name, .. } = seat.node.clone();
                let hope = seat.end().min(seat.heard + with_slack(LEASE));
                (hope, Unconfirmed { id, name, until: time.plus(seat.end() - now) })
            })
            .collect()
    }

    /// Forgets nodes whose time is over.
    pub async fn sweep(&self) {
        let gone: Vec<_> = {
            let mut seats = self.seats.lock();
            let now = Instant::now();
            seats.extract_if(|_, seat| seat.end() <= now).map(|(id, _)| id).collect()
        };
        for id in gone {
            if let Err(error) = self.store.remove_node(id).await {
                tracing::warn!(%error, node = %id, "a node that is gone could not be forgotten");
            }
        }
    }

    /// The seat of a node that whoever asks has registered, unless its time is over.
    fn with<T>(&self, by: &Acting, id: NodeId, work: impl FnOnce(&mut Seat) -> T) -> Result<T, OpError> {
        let mut seats = self.seats.lock();
        let seat = seats.get_mut(&id).filter(|seat| {
            (seat.node.workspace, seat.node.registered_by) == (by.workspace, by.actor())
                && seat.end() > Instant::now()
        });
        seat.map(work).ok_or(OpError::NotFound("node"))
    }
}
