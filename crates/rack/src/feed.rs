//! The feed: the stream of changes that keeps a rack equal to the store.

use std::error::Error;
use std::fmt;
use std::future::Future;

use keyrack_key::{Class, Digest, KeyId, KeyState, Scopes, SecretState, Timestamp, WorkspaceId};
use smol_str::SmolStr;

use crate::Freshness;

/// The number of a change to the keys. Numbers have no gaps and follow the order of the commits. 0
/// means before the first change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A random name of one change. Two histories may use the same numbers, after the restore of a backup or a
/// failover that lost a commit, but not the same names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeId(pub [u8; 16]);

/// A position in one history of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// The last change that is included.
    pub revision: Revision,
    /// The name of that change.
    pub change: ChangeId,
}

/// The whole state of a key after a change, so that a record can be applied twice without harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The id of the key.
    pub key: KeyId,
    /// The change that led to this state.
    pub revision: Revision,
    /// The workspace that the key belongs to.
    pub workspace: WorkspaceId,
    /// The name that people gave the key.
    pub name: SmolStr,
    /// Whether the key is secret or publishable.
    pub class: Class,
    /// The chosen scopes. The permissions that they granted are in `terms`.
    pub scopes: Scopes,
    /// The permissions, restrictions, expiry, pause, and deletion of the key.
    pub terms: KeyState,
    /// The current secret, and the secrets that retire or retired within
    /// [`TOMBSTONE_LIFE`](crate::TOMBSTONE_LIFE).
    pub secrets: Vec<(Digest, SecretState)>,
}

/// All keys at one position.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The position at which the snapshot was taken.
    pub position: Position,
    /// All keys, except those that were deleted more than [`TOMBSTONE_LIFE`](crate::TOMBSTONE_LIFE) ago.
    pub records: Vec<KeyRecord>,
}

/// Batches of records in the order of reading. `next` may block until the following batch is read.
pub type RecordBatches<E> = Box<dyn Iterator<Item = Result<Vec<KeyRecord>, E>> + Send>;

/// A snapshot that is still being read. The rack can apply the first batches while the rest is being read.
pub struct SnapshotReader<E> {
    /// The position at which the snapshot was taken.
    pub position: Position,
    /// The approximate number of keys.
    pub keys: usize,
    /// All keys, as in a [`Snapshot`].
    pub batches: RecordBatches<E>,
}

impl<E: Send + 'static> From<Snapshot> for SnapshotReader<E> {
    fn from(Snapshot { position, records }: Snapshot) -> Self {
        Self { position, keys: records.len(), batches: Box::new(std::iter::once(Ok(records))) }
    }
}

impl<E> SnapshotReader<E> {
    /// Collects the whole snapshot. Blocks until the last batch is read.
    pub fn whole(self) -> Result<Snapshot, E> {
        let mut records = Vec::with_capacity(self.keys);
        for batch in self.batches {
            records.extend(batch?);
        }
        Ok(Snapshot { position: self.position, records })
    }
}

impl<E> fmt::Debug for SnapshotReader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotReader")
            .field("position", &self.position)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// The changes between two positions. A key that changed several times occurs once, in its last state.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The position that the rack must have before it applies the frame.
    pub from: Position,
    /// The position of the rack after it applied the frame.
    pub to: Position,
    /// The changed keys, oldest change first.
    pub changes: Vec<KeyRecord>,
}

/// The response of a feed to a request for changes.
#[derive(Clone, Debug)]
pub enum FeedUpdate {
    /// The changes after the given position, possibly none.
    Frame(Frame),
    /// The given position is not part of this history: load a snapshot.
    Reload,
}

/// A source that fills a rack: the store, or a server across the network.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
///
/// use keyrack_key::Timestamp;
/// use keyrack_rack::{Feed, FeedUpdate, Follower, Frame, Position, Rack, Revision, Snapshot, SnapshotReader};
///
/// /// A feed without keys.
/// struct Empty;
///
/// impl Feed for Empty {
///     type Error = Infallible;
///
///     async fn snapshot(&self, _: Timestamp) -> Result<SnapshotReader<Infallible>, Infallible> {
///         Ok(Snapshot::default().into())
///     }
///
///     async fn after(&self, position: Position) -> Result<FeedUpdate, Infallible> {
///         Ok(FeedUpdate::Frame(Frame { from: position, to: position, changes: Vec::new() }))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let rack = Arc::new(Rack::new());
/// let follower = Follower::new(Empty, Arc::clone(&rack));
/// follower.catch_up_to(Revision(0), Timestamp::from_micros(0)).await.unwrap();
/// assert!(rack.is_fresh());
/// # });
/// ```
pub trait Feed: Send + Sync {
    /// The error of a failed read.
    type Error: Error + Send + Sync + 'static;

    /// Reads all keys at one position. Leaves out keys that were deleted before `tombstones_since`.
    fn snapshot(
        &self,
        tombstones_since: Timestamp,
    ) -> impl Future<Output = Result<SnapshotReader<Self::Error>, Self::Error>> + Send;

    /// Returns how long the last read data counts as equal to its source. A feed that reads across a network
    /// must return a deadline, because the connection may be cut without notice.
    fn freshness(&self) -> Freshness {
        Freshness::Fresh
    }

    /// Reads the changes after `position`.
    fn after(&self, position: Position) -> impl Future<Output = Result<FeedUpdate, Self::Error>> + Send;
}
