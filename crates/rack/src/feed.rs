//! The stream of changes that keeps a rack equal to the store.

use std::error::Error;
use std::fmt;
use std::future::Future;

use keyrack_key::{Class, Digest, KeyId, Scopes, SecretState, Terms, Timestamp, WorkspaceId};
use smol_str::SmolStr;

use crate::Trust;

/// The number of a change to keys: gapless, and in the order of the commits. 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A random name of one change. Two histories that number their changes alike
/// (a restored backup, a failover that lost a commit) differ in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeId(pub [u8; 16]);

/// A point in one history of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// The last change that is included.
    pub revision: Revision,
    /// Which change that was.
    pub change: ChangeId,
}

/// A key as it stands after a change: the whole of it, so that applying one twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub key: KeyId,
    /// The change that left it so.
    pub revision: Revision,
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: SmolStr,
    /// Its class.
    pub class: Class,
    /// The scopes that were picked; what they granted is in the terms.
    pub scopes: Scopes,
    /// What it may do, from where, until when.
    pub terms: Terms,
    /// Its current secret and those that retire or retired lately.
    pub secrets: Vec<(Digest, SecretState)>,
}

/// All keys at one position.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where the snapshot was taken.
    pub position: Position,
    /// Every key that lives or was deleted within [`TOMBSTONE_LIFE`](crate::TOMBSTONE_LIFE).
    pub records: Vec<Record>,
}

/// Records as they are read, many at a time. Waiting for the next ones may block.
pub type Batches<E> = Box<dyn Iterator<Item = Result<Vec<Record>, E>> + Send>;

/// A snapshot that is still being read: a rack takes in what has come while the rest is on its way.
pub struct Reading<E> {
    /// Where the snapshot was taken.
    pub position: Position,
    /// About how many keys there will be.
    pub keys: usize,
    /// Every key, as in a [`Snapshot`].
    pub batches: Batches<E>,
}

impl<E: Send + 'static> From<Snapshot> for Reading<E> {
    fn from(Snapshot { position, records }: Snapshot) -> Self {
        Self { position, keys: records.len(), batches: Box::new(std::iter::once(Ok(records))) }
    }
}

impl<E> Reading<E> {
    /// All of it. Blocks until it has come.
    pub fn whole(self) -> Result<Snapshot, E> {
        let mut records = Vec::with_capacity(self.keys);
        for batch in self.batches {
            records.extend(batch?);
        }
        Ok(Snapshot { position: self.position, records })
    }
}

impl<E> fmt::Debug for Reading<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("position", &self.position)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// What changed between two positions. A key that changed more than once stands in it once, as it is at the end.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Where the reader has to be.
    pub from: Position,
    /// Where it is afterwards.
    pub to: Position,
    /// What changed in between, oldest first.
    pub changes: Vec<Record>,
}

/// The next thing that a reader learns.
#[derive(Clone, Debug)]
pub enum Next {
    /// What changed after the position asked about; possibly nothing.
    Frame(Frame),
    /// The position is not part of this history: load a snapshot.
    Reload,
}

/// Where a rack is filled from.
pub trait Feed: Send + Sync {
    /// Why reading failed.
    type Error: Error + Send + Sync + 'static;

    /// Everything, as of one position. Keys deleted before `tombstones_since` are left out.
    fn snapshot(
        &self,
        tombstones_since: Timestamp,
    ) -> impl Future<Output = Result<Reading<Self::Error>, Self::Error>> + Send;

    /// How long what was read last is as good as what it was read from. Whoever reads across a network and may be cut
    /// off has to say until when.
    fn trust(&self) -> Trust {
        Trust::Always
    }

    /// What happened after `position`.
    fn after(&self, position: Position) -> impl Future<Output = Result<Next, Self::Error>> + Send;
}
