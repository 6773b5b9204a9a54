//! The audit log of a workspace: list, export, and verify.

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use keyrack_key::WorkspaceId;
use keyrack_store::{
    ActivityEntry, ActivityFilter, Actor, ChainStatus, Page, Store, StoreError, with_tenant,
};
use tokio::task::spawn_blocking;

use super::{AuthorizedCaller, OpError};
use crate::history::{ExportFormat, ExportWriter};
use crate::shares::{Budget, Claimant, Share};

/// The number of entries to read and write at a time.
const PIECE: u32 = 500;

/// The maximum number of concurrent verifications, one for each workspace. Each uses a reader of the database until it ends.
const VERIFYING: usize = 2;
/// The maximum number of concurrent exports. A key gets at most half and a workspace at most three quarters.
const EXPORTS: usize = 32;

/// The maximum number of actors in the filter of a list.
const ACTORS: u32 = 200;

/// The audit logs of all workspaces.
#[derive(Clone, Debug)]
pub struct Activity {
    store: Store,
    verifying: Budget,
    exports: Budget,
}

/// The result of verifying a whole chain.
#[derive(Clone, Debug)]
pub struct ChainVerification {
    pub chain: ChainStatus,
    /// The newest entry, with its hash.
    pub newest: Option<ActivityEntry>,
}

impl Activity {
    /// Reads the audit logs in `store`.
    pub fn new(store: Store) -> Self {
        let verifying = Budget::new("audit log verifications", VERIFYING);
        Self { store, verifying, exports: Budget::new("audit log exports", EXPORTS) }
    }

    /// Returns a page of entries, newest first.
    pub async fn list(
        &self,
        by: &AuthorizedCaller,
        filter: &ActivityFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<ActivityEntry, u64>, OpError> {
        Ok(self.store.activity(by.workspace, filter, before, limit).await?)
    }

    /// Returns the actors of the audit log.
    pub async fn actors(&self, by: &AuthorizedCaller) -> Result<Vec<(Actor, Option<String>)>, OpError> {
        Ok(self.store.activity_actors(by.workspace, ACTORS).await?)
    }

    /// Verifies the whole chain by recomputing each hash. The cost grows with the length of the audit log.
    pub async fn verify(&self, by: &AuthorizedCaller) -> Result<ChainVerification, OpError> {
        let _share = self.verifying.take(Claimant::workspace(by.workspace), 1)?;
        let chain = self.store.verify_chain(by.workspace).await?;
        let newest = self.store.activity(by.workspace, &ActivityFilter::default(), None, 1).await?;
        Ok(ChainVerification { chain, newest: newest.items.into_iter().next() })
    }

    /// Streams the entries as a file, oldest first. Only one piece is in memory at a time.
    pub async fn export(
        &self,
        by: &AuthorizedCaller,
        filter: ActivityFilter,
        format: ExportFormat,
    ) -> Result<impl Stream<Item = Result<Bytes, StoreError>> + Send + use<>, OpError> {
        let (workspace, store) = (by.workspace, self.store.clone());
        let share = self.exports.take(by.claimant(), 1)?;
        let length = store.activity_length(workspace).await?;
        let (writer, head) = ExportWriter::begin(format);
        let export = ExportStream { store, workspace, filter, length, after: 0, writer, _share: share };
        let head = stream::once(async move { Ok(Bytes::from_static(head.as_bytes())) });
        Ok(head.chain(stream::try_unfold(Some(export), ExportStream::next)))
    }
}

/// An export in progress.
struct ExportStream {
    store: Store,
    workspace: WorkspaceId,
    filter: ActivityFilter,
    /// The newest entry at the start of the export. Later entries are not part of the file.
    length: u64,
    after: u64,
    writer: ExportWriter,
    _share: Share,
}

impl ExportStream {
    /// Returns the next piece and the remaining export. The last piece is the end of the file.
    async fn next(left: Option<Self>) -> Result<Option<(Bytes, Option<Self>)>, StoreError> {
        let Some(mut own) = left else { return Ok(None) };
        let found = own.store.activity_after(own.workspace, &own.filter, own.after, own.length, PIECE);
        // Pieces are read after the request's handler has returned.
        let found = with_tenant(Some(own.workspace), found).await;
        // The response has started, so the only option is to abort it. A file without its last line fails verification.
        let found = found.inspect_err(|error| tracing::error!(%error, "an export was broken off"))?;
        let Some(last) = found.last() else {
            return Ok(Some((own.end(), None)));
        };
        own.after = last.link.seq.unsigned_abs();
        // A piece takes milliseconds, for which a request thread would do nothing else.
        let rendered = spawn_blocking(move || {
            let lines: String =
                found.into_iter().map(|entry| own.writer.entry(entry.link, entry.hash)).collect();
            (own, lines)
        });
        let (own, lines) = rendered.await.map_err(std::io::Error::from)?;
        Ok(Some((lines.into(), Some(own))))
    }

    fn end(self) -> Bytes {
        let workspace = self.workspace.to_string();
        let whole = self.filter.is_empty();
        let end = if whole { self.writer.whole(workspace, self.length) } else { self.writer.part(workspace) };
        end.into()
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::{Timestamp, UserId};
    use keyrack_store::{NewUser, NewWorkspace};
    use rand_core::UnwrapErr;

    use super::*;
    use crate::shares::Holder;

    #[tokio::test]
    async fn busy_workspace_leaves_verification_and_export_to_others() {
        let (folder, mut rng) = (tempfile::tempdir().unwrap(), UnwrapErr(getrandom::SysRng));
        let now = Timestamp::from_micros(1);
        let store =
            Store::open(&folder.path().join("keyrack.db"), UnwrapErr(getrandom::SysRng)).await.unwrap();
        let owner = UserId::new(now, &mut rng);
        let user = NewUser { id: owner, email: "a@example.org", name: "A", password_hash: "$argon2id$none" };
        let mut callers = Vec::new();
        for slug in ["flood", "other"] {
            let id = WorkspaceId::new(now, &mut rng);
            let new = NewWorkspace { id, slug, name: slug };
            if callers.is_empty() {
                store.set_up(&user, &new, now).await.unwrap();
            } else {
                let by = Actor::User(owner);
                store.as_operator().create_workspace(&new, owner, by, now).await.unwrap();
            }
            callers.push(AuthorizedCaller::operator(id));
        }
        let activity = Activity::new(store);
        let export = async |by: &AuthorizedCaller| {
            activity.export(by, ActivityFilter::default(), ExportFormat::Csv).await
        };
        let is_used_up =
            |error: &OpError, by: Holder| matches!(error, OpError::ShareUsedUp(one) if one.holder == by);

        let _verifying = activity.verifying.take(Claimant::workspace(callers[0].workspace), 1).unwrap();
        assert!(is_used_up(&activity.verify(&callers[0]).await.unwrap_err(), Holder::Workspace));
        assert!(activity.verify(&callers[1]).await.is_ok());

        let mut files = Vec::new();
        let denied = loop {
            match export(&callers[0]).await {
                Ok(file) => files.push(file),
                Err(error) => break error,
            }
        };
        assert!(files.len() == EXPORTS / 2 && is_used_up(&denied, Holder::Person), "{}", files.len());
        assert!(export(&callers[1]).await.is_ok());
        drop(files);
        assert!(export(&callers[0]).await.is_ok());
    }
}
