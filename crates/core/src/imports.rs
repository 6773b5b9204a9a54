//! Imports: archives of images that are taken into projects, beside requests and across restarts of the server.
//!
//! An import has a row before the first byte of its archive arrives, and the archive is an object of the project. The
//! workers (`worker.rs`) read it entry by entry (`taking.rs`) and write down how far they are. However a server ends,
//! the next one goes on at the same entry.

mod arriving;
mod taking;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{ImportId, ProjectId};
use keyrack_rack::Clock;
use keyrack_store::{Import, ImportHolder, ImportSkip, ImportStep, NewImport, Store};
use keyrack_vision::import::ArchiveLimits;
use rand_core::UnwrapErr;
use tokio::sync::Notify;

use super::datasets::Datasets;
use super::removals::Removals;
use super::{Acting, OpError, invalid};
use crate::disk::Disk;
use crate::objects::{Objects, Place, import_prefix};
use crate::shares::{Budget, Claimant, Exhausted};

pub use arriving::Arriving;
pub use worker::ImportWorkers;

/// Imports that may be under way at once: their archives wait on the disk. One person gets ten of them, one workspace 15.
const MOST: usize = 30;
/// The last of them are for workspaces that have none.
const KEPT_FOR_NEWCOMERS: usize = 10;
/// What an import did is shown for so long after its end.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// The page of a project shows imports for so long after their end, and so many.
const RECENT: Duration = Duration::from_hours(24);
const RECENT_MOST: u32 = 5;
/// The longest name of an archive or a picture, in characters.
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
    /// Imports into `datasets`, of images of at most `max_image` bytes.
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

    /// Begins an import, before the first byte of its archive.
    pub async fn begin(
        &self,
        by: &Acting,
        project: ProjectId,
        name: &str,
        batch: &str,
    ) -> Result<Arriving, OpError> {
        // What is wrong with the batch is said now, and not by every image.
        self.datasets.batch(by, project, batch).await?;
        let name = invalid::visible(name);
        let now = (self.clock)();
        let new = NewImport {
            id: ImportId::new(now, &mut UnwrapErr(getrandom::SysRng)),
            project,
            name: if name.is_empty() { "archive.zip" } else { end_of(&name) },
            batch,
            actor: by.actor(),
            now,
        };
        by.writes(&self.store, now).begin_import(&new, admit).await??;
        let mut arriving = Arriving::new(self.clone(), by.clone(), project, new.id);
        arriving.open().await?;
        Ok(arriving)
    }

    /// An import into a project that the caller may open, and what it left out.
    pub async fn read(
        &self,
        by: &Acting,
        project: ProjectId,
        id: &str,
    ) -> Result<(Import, Vec<ImportSkip>), OpError> {
        self.datasets.may_open(by, project).await?;
        let missing = || OpError::NotFound("import");
        let id: ImportId = id.parse().map_err(|_| missing())?;
        let import = self.store.import(project, id).await?.ok_or_else(missing)?;
        Ok((import, self.store.import_skips(id).await?))
    }

    /// Imports into a project that are under way or ended within a day, the newest first.
    pub async fn recent(&self, by: &Acting, project: ProjectId) -> Result<Vec<Import>, OpError> {
        self.datasets.may_open(by, project).await?;
        Ok(self.store.recent_imports(project, (self.clock)().minus(RECENT), RECENT_MOST).await?)
    }

    /// Whether imports wait because the disk is nearly full.
    pub fn wait_for_disk(&self) -> bool {
        self.disk.is_low()
    }

    /// Forgets imports that ended long ago. Their images stay.
    pub async fn sweep(&self) -> Result<(), OpError> {
        self.store.forget_imports((self.clock)().minus(KEPT)).await?;
        Ok(())
    }

    /// Ends an import and has its archive removed. `failed` says why it did not come to the archive's end.
    async fn end(
        &self,
        (project, id): (ProjectId, ImportId),
        last: &ImportStep,
        failed: Option<&str>,
    ) -> Result<(), OpError> {
        let prefix = import_prefix(project, id);
        self.store.end_import(id, last, failed, &prefix, (self.clock)()).await?;
        self.removals.begin();
        Ok(())
    }
}

fn archive_of(project: ProjectId, id: ImportId) -> Place {
    Place::archive(project, id)
}

/// Whether one more import may begin. The rows decide, and not this process's memory: imports outlive the process.
fn admit(under_way: &[ImportHolder], new: ImportHolder) -> Result<(), Exhausted> {
    let claimant = |holder: &ImportHolder| Claimant::new(holder.workspace, holder.actor);
    let budget = Budget::with_minimum("imports", MOST, KEPT_FOR_NEWCOMERS);
    let _held: Vec<_> = under_way.iter().map(|holder| budget.keep(claimant(holder), 1)).collect();
    budget.take(claimant(&new), 1).map(drop)
}

/// The last characters of a name that is too long: they tell files apart.
fn end_of(name: &str) -> &str {
    let from = name.chars().count().saturating_sub(LONGEST_NAME);
    name.char_indices().nth(from).map_or(name, |(at, _)| &name[at..])
}
