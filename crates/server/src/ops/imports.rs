//! Archives of pictures that are being taken in, each in a task of its own. How far each is stands in memory: a server
//! that starts anew has forgotten that, and keeps the pictures that came in before.

mod parcel;
mod taking;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use keyrack_guard::Clock;
use keyrack_key::{ProjectId, Timestamp};
use keyrack_store::ProjectType;
use keyrack_vision::import::{ArchiveLimits, LISTED, Skip};
use parking_lot::Mutex;
use rand_core::TryRng;
use tokio::sync::Semaphore;

use super::datasets::Datasets;
use crate::disk::Disk;
use super::{Acting, OpError};

pub use parcel::Parcel;

/// Archives that are read at once; the others wait.
const AT_ONCE: usize = 2;
/// Archives that may arrive, wait or be read.
const MOST_LIVE: usize = 20;
/// Imports that are remembered, the newest.
const REMEMBERED: usize = 200;

/// The imports of all workspaces.
#[derive(Clone, Debug)]
pub struct Imports {
    datasets: Datasets,
    folder: PathBuf,
    disk: Arc<Disk>,
    limits: ArchiveLimits,
    clock: Clock,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    known: Arc<Mutex<VecDeque<Arc<Import>>>>,
}

/// An archive that is being taken in, or was.
#[derive(Debug)]
pub struct Import {
    pub id: String,
    pub project: ProjectId,
    /// What the archive was called.
    pub name: String,
    pub began: Timestamp,
    standing: Mutex<Standing>,
}

/// How far an import is.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Pictures that were looked at.
    pub done: u64,
    /// Those of them that are in the project now.
    pub added: u64,
    pub has_ended: bool,
    /// Why it ended before its end.
    pub failed: Option<String>,
    /// What was left out, the first of it.
    pub skipped: Vec<Skip>,
    /// All that was left out.
    pub skipped_count: u64,
}

impl Import {
    /// How far it is.
    pub fn standing(&self) -> Standing {
        self.standing.lock().clone()
    }
}

impl Standing {
    fn skip(&mut self, skip: Skip) {
        self.skipped_count += 1;
        if self.skipped.len() < LISTED {
            self.skipped.push(skip);
        }
    }
}

impl Imports {
    /// Imports into `datasets`; archives wait in `folder`. What an earlier process left there goes.
    pub fn new(
        datasets: Datasets,
        folder: PathBuf,
        disk: Arc<Disk>,
        max_image: usize,
        clock: Clock,
    ) -> std::io::Result<Self> {
        parcel::clear(&folder)?;
        let limits = ArchiveLimits { picture_bytes: max_image, ..ArchiveLimits::default() };
        let [places, turns] = [MOST_LIVE, AT_ONCE].map(|most| Arc::new(Semaphore::new(most)));
        Ok(Self { datasets, folder, disk, limits, clock, places, turns, known: Arc::default() })
    }

    /// A place for an archive that arrives.
    pub async fn parcel(&self) -> Result<Parcel, OpError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| OpError::Busy)?;
        Parcel::new(&self.folder, Arc::clone(&self.disk), place).await.map_err(OpError::internal)
    }

    /// Takes an archive in, beside requests, and says under which name to ask about it.
    pub async fn begin(
        &self,
        by: &Acting,
        project: (ProjectId, ProjectType),
        name: &str,
        batch: &str,
        parcel: Parcel,
    ) -> Result<String, OpError> {
        // A batch that cannot be is said at once, and not by every picture.
        self.datasets.batch(by, project.0, batch).await?;
        let import = Arc::new(Import {
            id: id()?,
            project: project.0,
            name: name.to_owned(),
            began: (self.clock)(),
            standing: Mutex::default(),
        });
        let id = import.id.clone();
        let mut known = self.known.lock();
        known.push_front(Arc::clone(&import));
        known.truncate(REMEMBERED);
        drop(known);
        let taking = taking::Taking {
            datasets: self.datasets.clone(),
            by: by.beyond_request(),
            project_type: project.1,
            batch: batch.to_owned(),
            limits: self.limits,
            import,
        };
        let turns = Arc::clone(&self.turns);
        tokio::spawn(async move {
            let _turn = turns.acquire_owned().await;
            taking.take(parcel).await;
        });
        Ok(id)
    }

    /// An import into a project that the caller may open.
    pub async fn read(&self, by: &Acting, project: ProjectId, id: &str) -> Result<Arc<Import>, OpError> {
        self.datasets.may_open(by, project).await?;
        let known = self.known.lock();
        let found = known.iter().find(|one| one.id == id && one.project == project);
        found.cloned().ok_or(OpError::NotFound("import"))
    }
}

fn id() -> Result<String, OpError> {
    let mut random = [0; 16];
    getrandom::SysRng.try_fill_bytes(&mut random).map_err(OpError::internal)?;
    Ok(random.iter().fold(String::from("imp_"), |text, byte| format!("{text}{byte:02x}")))
}
