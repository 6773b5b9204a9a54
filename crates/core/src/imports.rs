//! Imports: archives of images that are added to projects in the background and across restarts of the server.
//!
//! An import has a row before the first byte of its archive arrives, and the archive is an object of the project. The
//! workers (`worker.rs`) read the archive entry by entry (`run.rs`) and record their progress. After any kind of
//! server exit, the next server continues at the same entry.

mod incoming;
mod run;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{ImportId, ProjectId};
use keyrack_rack::Clock;
use keyrack_store::{Import, ImportHolder, ImportSkip, ImportStep, NewImport, Store};
use keyrack_vision::import::ArchiveLimits;
use tokio::sync::Notify;

use super::datasets::Datasets;
use super::removals::Removals;
use super::{AuthorizedCaller, OpError, invalid};
use crate::disk::Disk;
use crate::objects::{ObjectPath, Objects, import_prefix};
use crate::shares::{Budget, Claimant, Exhausted};

pub use incoming::IncomingArchive;
pub use worker::ImportWorkers;

/// The maximum number of unfinished imports. Their archives occupy disk space. One person can have
/// ten, one workspace 15.
const MOST: usize = 30;
/// The last imports are reserved for workspaces that have no import.
const KEPT_FOR_NEWCOMERS: usize = 10;
/// How long an import stays visible after its end.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// How long the page of a project shows an import after its end, and how many imports the page shows.
const RECENT: Duration = Duration::from_hours(24);
const RECENT_MOST: u32 = 5;
/// The longest name of an archive or an image, in characters.
const LONGEST_NAME: usize = 255;

/// The imports of all workspaces.
#[derive(Clone, Debug)]
pub struct Imports {
    store: Store,
    objects: Objects,
    datasets: Datasets,
    removals: Removals,
    disk: Arc<Disk>,
    limits: ArchiveLimits,
    clock: Clock,
    /// Notified when an archive has arrived.
    queued: Arc<Notify>,
}

impl Imports {
    /// Imports into `datasets`. Images have at most `max_image` bytes.
    pub fn new(
        store: Store,
        objects: Objects,
        datasets: Datasets,
        removals: Removals,
        disk: Arc<Disk>,
        max_image: usize,
        clock: Clock,
    ) -> Self {
        let limits = ArchiveLimits { picture_bytes: max_image, ..ArchiveLimits::default() };
        Self { store, objects, datasets, removals, disk, limits, clock, queued: Arc::default() }
    }

    /// Starts an import before the first byte of its archive arrives.
    pub async fn begin(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        name: &str,
        batch: &str,
    ) -> Result<IncomingArchive, OpError> {
        // Report an invalid batch now, instead of once per image.
        self.datasets.batch(by, project, batch).await?;
        let name = invalid::visible(name);
        let now = (self.clock)();
        let new = NewImport {
            id: self.datasets.id(),
            project,
            name: if name.is_empty() { "archive.zip" } else { end_of(&name) },
            batch,
            actor: by.actor(),
            now,
        };
        by.writes(&self.store, now).begin_import(&new, admit).await??;
        let mut arriving = IncomingArchive::new(self.clone(), by.clone(), project, new.id);
        arriving.open().await?;
        Ok(arriving)
    }

    /// An import into a project that the caller may open, and the files that the import skipped.
    pub async fn read(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        id: &str,
    ) -> Result<(Import, Vec<ImportSkip>), OpError> {
        self.datasets.check_access(by, project).await?;
        let missing = || OpError::NotFound("import");
        let id: ImportId = id.parse().map_err(|_| missing())?;
        let import = self.store.import(project, id).await?.ok_or_else(missing)?;
        Ok((import, self.store.import_skips(id).await?))
    }

    /// Imports into a project that are unfinished or ended within the last day, newest first.
    pub async fn recent(&self, by: &AuthorizedCaller, project: ProjectId) -> Result<Vec<Import>, OpError> {
        self.datasets.check_access(by, project).await?;
        Ok(self.store.recent_imports(project, (self.clock)().minus(RECENT), RECENT_MOST).await?)
    }

    /// Returns whether imports wait because the disk is nearly full.
    pub fn are_waiting_for_disk(&self) -> bool {
        self.disk.is_low()
    }

    /// Deletes the rows of imports that ended more than 30 days ago. Their images stay.
    pub async fn sweep(&self) -> Result<(), OpError> {
        self.store.delete_imports_before((self.clock)().minus(KEPT)).await?;
        Ok(())
    }

    /// Ends an import and schedules the removal of its archive. `failed` is the reason if the import did not reach the
    /// end of the archive.
    async fn end(
        &self,
        (project, id): (ProjectId, ImportId),
        last: &ImportStep,
        failed: Option<&str>,
    ) -> Result<(), OpError> {
        let prefix = import_prefix(project, id);
        self.store.end_import(id, last, failed, &prefix, (self.clock)()).await?;
        self.removals.wake();
        Ok(())
    }
}

fn archive_of(project: ProjectId, id: ImportId) -> ObjectPath {
    ObjectPath::archive(project, id)
}

/// Checks whether another import may start. The check uses the rows instead of this process's memory, because imports
/// outlive the process.
fn admit(under_way: &[ImportHolder], new: ImportHolder) -> Result<(), Exhausted> {
    let claimant = |holder: &ImportHolder| Claimant::new(holder.workspace, holder.actor);
    let budget = Budget::with_minimum("imports", MOST, KEPT_FOR_NEWCOMERS);
    let _held: Vec<_> = under_way.iter().map(|holder| budget.record(claimant(holder), 1)).collect();
    budget.take(claimant(&new), 1).map(drop)
}

/// The last characters of a name that is too long: the end distinguishes files better than the start.
fn end_of(name: &str) -> &str {
    let from = name.chars().count().saturating_sub(LONGEST_NAME);
    name.char_indices().nth(from).map_or(name, |(at, _)| &name[at..])
}
