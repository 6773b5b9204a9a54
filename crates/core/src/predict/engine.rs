//! The prediction engine: the backbone, the heads, and the queue.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keyrack_key::{ModelId, WorkspaceId};
use keyrack_vision::{
    Backbone, BackboneError, ImageLimits, Model, ModelError, Picture, PictureError, Threads,
};
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::Instant;

use super::heads::Heads;
use super::memory::MemoryPermit;
use super::queue;
use crate::objects::ObjectError;
use crate::shares::{Claimant, FairQueue, QueueFull};

/// The maximum time that an image waits for its turn. Existing clients wait 15 s for a response.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// Why a prediction failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("too many images are waiting")]
    Busy,
    /// The header is invalid; the image did not wait for a turn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Decoding failed after the image got its turn.
    #[error(transparent)]
    Decode(PictureError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the model file can't be read: {0}")]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    #[error("the backbone can't be read: {0}")]
    File(#[from] std::io::Error),
    #[error("a prediction ended without an answer: {0}")]
    Crashed(#[from] JoinError),
}

impl From<QueueFull> for EngineError {
    fn from(QueueFull: QueueFull) -> Self {
        Self::Busy
    }
}

/// Makes predictions, one per core at once.
#[derive(Debug)]
pub struct Engine {
    file: Option<PathBuf>,
    limits: ImageLimits,
    backbone: OnceCell<LoadedBackbone>,
    heads: Heads,
    queue: FairQueue,
    /// One pool per concurrent prediction: predictions that share a pool would wait for each other.
    threads: Arc<Mutex<Vec<Threads>>>,
}

#[derive(Clone)]
struct LoadedBackbone(Arc<Backbone>);

impl std::fmt::Debug for LoadedBackbone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Frozen").field(&self.0.digest()).finish()
    }
}

/// An image with a valid header.
#[derive(Debug)]
pub struct ProbedImage {
    bytes: Bytes,
    pixels: u64,
    /// Dropped after decoding.
    permit: MemoryPermit,
}

impl Engine {
    /// An engine with the backbone in `file`, or with the embedded backbone. The backbone is loaded on first use.
    pub fn new(file: Option<PathBuf>, limits: ImageLimits) -> Self {
        let (backbone, threads) = (OnceCell::new(), Arc::default());
        Self {
            file,
            limits,
            backbone,
            heads: Heads::new(),
            queue: queue::for_pictures_of(limits.pixels),
            threads,
        }
    }

    /// Loads the backbone, unless it is already loaded.
    pub async fn backbone(&self) -> Result<Arc<Backbone>, EngineError> {
        let load = async || {
            let file = self.file.clone();
            let load = move || match file {
                Some(file) => Ok(Backbone::load(std::fs::read(file)?)?),
                None => Ok::<_, EngineError>(Backbone::embedded()?),
            };
            Ok::<_, EngineError>(LoadedBackbone(Arc::new(spawn_blocking(load).await??)))
        };
        self.backbone.get_or_try_init(load).await.map(|frozen| Arc::clone(&frozen.0))
    }

    /// Returns the head of a workspace's model. `read` loads its file if the head is not cached.
    pub async fn head(
        &self,
        workspace: WorkspaceId,
        model: ModelId,
        read: impl Future<Output = Result<Bytes, ObjectError>>,
    ) -> Result<Arc<Model>, EngineError> {
        if let Some(head) = self.heads.find(model) {
            return Ok(head);
        }
        let (backbone, file) = (self.backbone().await?, read.await?);
        let head = spawn_blocking(move || Model::from_bytes(&file, &backbone)).await??;
        let head = Arc::new(head);
        self.heads.keep(workspace, model, Arc::clone(&head));
        Ok(head)
    }

    /// Reads the header of an image, so that files that are invalid or too large fail without waiting.
    pub async fn probe(&self, bytes: Bytes, permit: MemoryPermit) -> Result<ProbedImage, EngineError> {
        let limits = self.limits;
        let open = move || {
            let probe = Picture::probe(&bytes, &limits)?;
            let pixels = u64::from(probe.width) * u64::from(probe.height);
            Ok::<_, PictureError>(ProbedImage { bytes, pixels, permit })
        };
        Ok(spawn_blocking(open).await??)
    }

    /// Waits for the claimant's turn until `until`, decodes the image, and runs `look` on a blocking thread.
    pub async fn predict<T: Send + 'static>(
        &self,
        claimant: Claimant,
        picture: ProbedImage,
        until: Instant,
        look: impl FnOnce(&Backbone, &Picture, &Threads) -> Result<T, BackboneError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let backbone = self.backbone().await?;
        let queue_permit = self.queue.acquire(claimant, picture.pixels, until).await?;
        let (limits, idle) = (self.limits, Arc::clone(&self.threads));
        let work = move || {
            let _queue_permit = queue_permit;
            let ProbedImage { bytes, permit, .. } = picture;
            let decoded = Picture::decode(&bytes, &limits).map_err(EngineError::Decode)?;
            drop((bytes, permit));
            let threads = idle.lock().pop().unwrap_or_else(Threads::single);
            let result = look(&backbone, &decoded, &threads);
            idle.lock().push(threads);
            Ok::<_, EngineError>(result?)
        };
        spawn_blocking(work).await?
    }

    /// The number of images that wait for a turn.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }
}
