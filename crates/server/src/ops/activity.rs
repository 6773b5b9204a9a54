//! What happened in a workspace: looked through, taken along, verified.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use keyrack_key::WorkspaceId;
use keyrack_store::{ActivityEntry, ActivityFilter, Actor, Chain, Page, Store, StoreError};
use tokio::sync::Semaphore;

use super::{Acting, OpError};
use crate::history::{Format, Writer};

/// How many entries are read and written at a time.
const PIECE: u32 = 500;

/// How many of those who did something a list offers.
const ACTORS: u32 = 200;

/// The history of all workspaces.
#[derive(Clone, Debug)]
pub struct Activity {
    store: Store,
    /// A chain is read from end to end: one at a time leaves the readers to everybody else.
    verifying: Arc<Semaphore>,
}

/// What a look at a whole chain found.
#[derive(Clone, Debug)]
pub struct Verified {
    pub chain: Chain,
    /// The entry at its end, with its hash.
    pub newest: Option<ActivityEntry>,
}

impl Activity {
    /// What happened in the workspaces of `store`.
    pub fn new(store: Store) -> Self {
        Self { store, verifying: Arc::new(Semaphore::new(1)) }
    }

    /// A page of entries, newest first.
    pub async fn list(
        &self,
        by: &Acting,
        filter: &ActivityFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<ActivityEntry, u64>, OpError> {
        Ok(self.store.activity(by.workspace, filter, before, limit).await?)
    }

    /// Those who did something.
    pub async fn actors(&self, by: &Acting) -> Result<Vec<(Actor, Option<String>)>, OpError> {
        Ok(self.store.activity_actors(by.workspace, ACTORS).await?)
    }

    /// Computes the whole chain anew.
    pub async fn verify(&self, by: &Acting) -> Result<Verified, OpError> {
        let _one = self.verifying.try_acquire().map_err(|_| OpError::Busy)?;
        let chain = self.store.verify_chain(by.workspace).await?;
        let newest = self.store.activity(by.workspace, &ActivityFilter::default(), None, 1).await?;
        Ok(Verified { chain, newest: newest.items.into_iter().next() })
    }

    /// The entries as a file, oldest first, piece by piece: what has been sent is not held any more.
    pub async fn export(
        &self,
        by: &Acting,
        filter: ActivityFilter,
        format: Format,
    ) -> Result<impl Stream<Item = Result<Bytes, StoreError>> + Send + use<>, OpError> {
        let (workspace, store) = (by.workspace, self.store.clone());
        let length = store.activity_length(workspace).await?;
        let (writer, head) = Writer::begin(format);
        let export = Export { store, workspace, filter, length, after: 0, writer };
        let head = stream::once(async move { Ok(Bytes::from_static(head.as_bytes())) });
        Ok(head.chain(stream::try_unfold(Some(export), Export::next)))
    }
}

/// A file on its way.
struct Export {
    store: Store,
    workspace: WorkspaceId,
    filter: ActivityFilter,
    /// The last entry that was there when it began: the file ends there, whatever is written meanwhile.
    length: u64,
    after: u64,
    writer: Writer,
}

impl Export {
    /// The next piece, and what is left; the last piece is the end of the file.
    async fn next(left: Option<Self>) -> Result<Option<(Bytes, Option<Self>)>, StoreError> {
        let Some(mut own) = left else { return Ok(None) };
        let found = own.store.activity_after(own.workspace, &own.filter, own.after, own.length, PIECE).await;
        // The answer has begun: all that is left is to break it off, and a file without its last line says so.
        let found = found.inspect_err(|error| tracing::error!(%error, "an export was broken off"))?;
        let Some(last) = found.last() else {
            return Ok(Some((own.end(), None)));
        };
        own.after = last.link.seq.unsigned_abs();
        let lines: String = found.into_iter().map(|entry| own.writer.entry(entry.link, entry.hash)).collect();
        Ok(Some((lines.into(), Some(own))))
    }

    fn end(self) -> Bytes {
        let workspace = self.workspace.to_string();
        let whole = self.filter.is_none();
        let end = if whole { self.writer.whole(workspace, self.length) } else { self.writer.part(workspace) };
        end.into()
    }
}
