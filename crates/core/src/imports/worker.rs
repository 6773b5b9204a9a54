//! The tasks that read archives. They take imports from the queue in the store, and return unfinished imports to the
//! queue when the server stops.

use std::time::Duration;

use keyrack_store::{ImportJob, ImportStep, with_tenant};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::run::{self, ImportOutcome};
use super::{Imports, archive_of};
use crate::OpError;
use crate::objects::import_prefix;

/// Archives that are read at once; other archives wait. No workspace occupies both workers while another workspace
/// waits: see [`run`].
const AT_ONCE: usize = 2;
/// How often a worker polls the queue. Polling finds imports without a notification: after a failure, or when the disk
/// has space again.
const LOOK: Duration = Duration::from_secs(1);
/// How many times an import is tried that fails because of the server. Each attempt continues at the entry that the
/// import has reached.
const ATTEMPTS: u64 = 3;
const OUR_FAULT: &str = "The import failed three times because of a server error. See the server log.";

/// The running workers. Stop them with [`stop`](Self::stop).
#[derive(Debug)]
pub struct ImportWorkers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl ImportWorkers {
    /// Returns the running imports of an earlier process to the queue, and starts the workers.
    pub async fn start(imports: &Imports) -> Result<Self, OpError> {
        imports.store.recover_imports((imports.clock)(), import_prefix).await?;
        imports.removals.wake();
        let (stop, mut tasks) = (watch::Sender::new(false), JoinSet::new());
        for _ in 0..AT_ONCE {
            tasks.spawn(work(imports.clone(), stop.subscribe()));
        }
        Ok(Self { tasks, stop })
    }

    /// Lets each worker finish its current image. The rest of the archive continues after the next start.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

async fn work(imports: Imports, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match next(&imports).await {
            Ok(Some(job)) => {
                let workspace = Some(job.workspace);
                if let Err(error) = with_tenant(workspace, import(&imports, job, &mut stop)).await {
                    tracing::warn!(%error, "the progress of an import could not be written");
                    wait(&imports, &mut stop).await;
                }
            }
            Ok(None) => wait(&imports, &mut stop).await,
            Err(error) => {
                tracing::warn!(%error, "the queue of imports can't be read");
                wait(&imports, &mut stop).await;
            }
        }
    }
}

/// Checks before taking, because taking writes. Imports wait while the disk is low.
async fn next(imports: &Imports) -> Result<Option<ImportJob>, OpError> {
    if imports.disk.is_low() || !imports.store.has_import().await? {
        return Ok(None);
    }
    Ok(imports.store.take_import().await?)
}

async fn wait(imports: &Imports, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = imports.queued.notified() => {}
        () = tokio::time::sleep(LOOK) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Imports one archive and records how the attempt ended.
async fn import(imports: &Imports, job: ImportJob, stop: &mut watch::Receiver<bool>) -> Result<(), OpError> {
    let import = (job.project, job.id);
    tracing::info!(import = %job.id, entry = job.next_entry, attempt = job.attempt, "import resumed");
    if job.attempt > ATTEMPTS {
        return imports.end(import, &ImportStep::default(), Some(OUR_FAULT)).await;
    }
    match run::take(imports, &job, archive_of(job.project, job.id), stop).await {
        Ok(ImportOutcome::Completed(last)) => imports.end(import, &last, None).await,
        Ok(ImportOutcome::Failed(reason)) => imports.end(import, &ImportStep::default(), Some(&reason)).await,
        Ok(ImportOutcome::Yielded) => Ok(imports.store.requeue_import(job.id, false).await?),
        Ok(ImportOutcome::Interrupted) => {
            let others_wait = imports.store.should_yield(&job).await?;
            imports.store.requeue_import(job.id, false).await?;
            // A busy server needs a pause, and this worker would take the same import again immediately.
            if !others_wait {
                wait(imports, stop).await;
            }
            Ok(())
        }
        Err(OpError::RoleLost) => imports.end(import, &ImportStep::default(), Some(run::NOT_ALLOWED)).await,
        Err(OpError::NotFound(what)) => {
            // If the project was deleted, the import has no row, and this writes nothing.
            imports.end(import, &ImportStep::default(), Some(&format!("The {what} was deleted."))).await
        }
        Err(error) => {
            let is_ours = !matches!(error, OpError::DiskFull);
            if is_ours {
                tracing::error!(%error, import = %job.id, "an import failed on our side");
            }
            imports.store.requeue_import(job.id, is_ours).await?;
            wait(imports, stop).await;
            Ok(())
        }
    }
}
