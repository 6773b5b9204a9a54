//! The resources of a worker process: the store, the objects, the disk, and the number of threads.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyrack_core::disk::Disk;
use keyrack_core::objects::{ObjectError, Objects};
use keyrack_guard::Clock;
use keyrack_store::{Store, StoreError};
use keyrack_vision::{Backbone, BackboneError, ImageLimits};

use crate::config::Config;
use crate::folder::Folder;

/// The duration of a lease. The worker renews its lease at least once a second, so a worker whose lease has expired
/// counts as dead.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// Why a worker cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error("No Keyrack data found in {}. Run `keyrack setup` first.", .0.display())]
    NoKeyrack(PathBuf),
    #[error("the database can't be opened")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("a training run could not be stopped, so its process exits")]
    Stuck,
}

/// The resources that a training run needs.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(super) store: Store,
    pub(super) objects: Objects,
    pub(super) disk: Arc<Disk>,
    pub(super) clock: Clock,
    pub(super) threads: NonZeroUsize,
    pub(super) limits: ImageLimits,
    /// The folder for temporary data that does not fit into memory.
    pub(super) spill: PathBuf,
    backbone: Option<Arc<PathBuf>>,
}

impl Worker {
    /// A worker on the data folder of `config`. A server may run on the same folder.
    pub(crate) async fn open(
        config: &Config,
        threads: Option<NonZeroUsize>,
        clock: Clock,
    ) -> Result<Self, WorkerError> {
        if !Folder::is_used(&config.data) {
            return Err(WorkerError::NoKeyrack(config.data.clone()));
        }
        let rng = rand_core::UnwrapErr(getrandom::SysRng);
        let limits = ImageLimits::default();
        let disk = Arc::new(Disk::watch(&config.data, config.disk_reserve));
        Ok(Self {
            store: Store::open(&Folder::database_of(&config.data), rng).await?,
            objects: crate::objects::open(&Folder::objects(&config.data), Arc::clone(&disk))?,
            disk,
            clock,
            threads: threads.unwrap_or_else(all_but_one),
            limits: ImageLimits { bytes: limits.bytes.max(config.max_image), ..limits },
            spill: config.data.clone(),
            backbone: config.backbone.clone().map(Arc::new),
        })
    }

    /// Loads the backbone for each training run, so that an idle worker does not hold its memory.
    pub(super) fn backbone(&self) -> Result<Backbone, BackboneUnusable> {
        match &self.backbone {
            None => Ok(Backbone::embedded()?),
            Some(path) => Ok(Backbone::load(std::fs::read(&**path)?)?),
        }
    }
}

/// Why the backbone cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackboneUnusable {
    #[error("its file can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    Wrong(#[from] BackboneError),
}

/// Leaves one core to the server.
fn all_but_one() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores - 1).unwrap_or(NonZeroUsize::MIN)
}
