//! An archive that is being uploaded.

use keyrack_key::{ImportId, ProjectId};
use keyrack_store::{ImportStep, StoreError};

use super::{Imports, archive_of, run};
use crate::error::INTERNAL;
use crate::objects::Spool;
use crate::{AuthorizedCaller, OpError};

const CUT_OFF: &str = "The connection ended before the whole archive was received. Send it again.";
const SIGNED_OUT: &str =
    "The person who sent the archive signed out before all of it was received. Sign in and send it again.";

/// An archive that is arriving. If this is dropped before [`finish`](Self::finish), the import fails.
#[derive(Debug)]
pub struct IncomingArchive {
    imports: Imports,
    /// The sender, verified again when the archive is complete: the upload may have taken hours.
    by: AuthorizedCaller,
    project: ProjectId,
    id: ImportId,
    spool: Option<Spool>,
    /// The reason for the failure if this is dropped now. `None` once the archive is complete.
    failure_reason: Option<String>,
}

impl IncomingArchive {
    pub(super) fn new(imports: Imports, by: AuthorizedCaller, project: ProjectId, id: ImportId) -> Self {
        Self { imports, by, project, id, spool: None, failure_reason: Some(CUT_OFF.to_owned()) }
    }

    pub(super) async fn open(&mut self) -> Result<(), OpError> {
        let opened = self.imports.objects.spool(&archive_of(self.project, self.id)).await;
        self.spool = Some(opened.map_err(|error| self.record_failure(error.into()))?);
        Ok(())
    }

    /// Appends bytes to the archive.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), OpError> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let written = spool.write(bytes).await;
        written.map_err(|error| self.record_failure(error.into()))
    }

    /// Completes the archive, puts the import into the queue, and returns the import's ID. The import fails if the
    /// sender has signed out or lost the role meanwhile.
    pub async fn finish(mut self) -> Result<ImportId, OpError> {
        if let Some(spool) = self.spool.take() {
            let finished = spool.finish().await;
            finished.map_err(|error| self.record_failure(error.into()))?;
        }
        let writes = self.by.writes(&self.imports.store, (self.imports.clock)());
        writes.queue_import(self.id).await.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("project"),
            other => self.record_failure(other.into()),
        })?;
        self.failure_reason = None;
        self.imports.queued.notify_one();
        Ok(self.id)
    }

    fn record_failure(&mut self, error: OpError) -> OpError {
        self.failure_reason = Some(match &error {
            OpError::Anonymous => SIGNED_OUT.to_owned(),
            OpError::RoleLost => run::NOT_ALLOWED.to_owned(),
            OpError::Internal(_) => INTERNAL.to_owned(),
            other => other.to_string(),
        });
        error
    }
}

impl Drop for IncomingArchive {
    fn drop(&mut self) {
        let (Some(reason), Ok(runtime)) = (self.failure_reason.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        drop(self.spool.take());
        let (imports, import) = (self.imports.clone(), (self.project, self.id));
        // If the server exits before this write, the next server writes the failure.
        runtime.spawn(async move {
            if let Err(error) = imports.end(import, &ImportStep::default(), Some(&reason)).await {
                tracing::warn!(%error, import = %import.1, "the end of an import could not be written");
            }
        });
    }
}
