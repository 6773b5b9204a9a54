//! One node: what the server knows of it, and how long it may still serve.

use std::time::Duration;

use keyrack_key::Timestamp;
use keyrack_rack::{LEASE, Revision};
use keyrack_store::Node;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::shares::Share;

/// How long a node may read all keys before its first request for changes. The node serves no requests during this time.
const FILLING: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(super) struct NodeEntry {
    pub(super) node: Node,
    /// The revision that the node had applied at its last contact. `None` before its first request for changes, when
    /// the node serves no requests.
    pub(super) applied: Option<Revision>,
    pub(super) last_contact: Instant,
    pub(super) last_contact_at: Timestamp,
    /// Wakes the node's pending request when a key of its workspace changes.
    pub(super) changed: watch::Sender<()>,
    _slot: Share,
}

/// Adds 1 % for clocks that run at different rates.
pub(super) fn with_slack(span: Duration) -> Duration {
    span + span / 100
}

impl NodeEntry {
    pub(super) fn new(node: Node, applied: Option<Revision>, now: Timestamp, slot: Share) -> Self {
        let (last_contact, changed) = (Instant::now(), watch::Sender::new(()));
        Self { node, applied, last_contact, last_contact_at: now, changed, _slot: slot }
    }

    /// How long after its last contact the node can still allow keys.
    fn contact_timeout(&self) -> Duration {
        match self.applied {
            None => FILLING,
            Some(_) => with_slack(LEASE + self.node.offline_grace),
        }
    }

    pub(super) fn expires(&self) -> Instant {
        self.last_contact + self.contact_timeout()
    }

    /// Whether the node may serve a revision older than `revision`.
    pub(super) fn is_behind(&self, revision: Revision) -> bool {
        self.applied.is_some_and(|applied| applied < revision)
    }
}
