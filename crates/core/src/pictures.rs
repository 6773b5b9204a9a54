//! Decodes the images that clients send, on blocking threads and with limited concurrency.

use std::time::Duration;

use bytes::Bytes;
use keyrack_vision::{ImageLimits, Picture};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::OpError;
use crate::predict::{MemoryBudget, queue};
use crate::shares::{self, Claimant, FairQueue};

/// The longer side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 320;
const THUMBNAIL_QUALITY: u8 = 80;

/// How long a request waits for a turn before it fails. Clients hang up after 15 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// Decodes images for datasets. They have a separate memory budget and queue, so that uploads do not block predictions.
#[derive(Clone, Debug)]
pub struct Pictures {
    limits: ImageLimits,
    memory: MemoryBudget,
    queue: FairQueue,
}

/// A turn to read and decode one image.
#[derive(Debug)]
pub struct DecodePermit {
    limits: ImageLimits,
    permit: shares::QueuePermit,
}

/// Properties of a valid image.
#[derive(Clone, Debug)]
pub struct ValidImage {
    /// In pixels of the upright image.
    pub width: u32,
    pub height: u32,
    /// Detected from the bytes.
    pub content_type: &'static str,
    /// In bytes.
    pub size: u64,
    /// A JPEG of at most 320 pixels along a side.
    pub thumbnail: Bytes,
}

impl Pictures {
    /// Accepts files of at most `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        let limits = ImageLimits { bytes, ..ImageLimits::default() };
        Self {
            limits,
            memory: MemoryBudget::for_pictures_of(bytes),
            queue: queue::for_pictures_of(limits.pixels),
        }
    }

    /// The memory budget for incoming images.
    pub const fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// Waits for the claimant's turn. The file is read after the wait, so the image counts as one of the largest size
    /// until its header is read.
    pub async fn permit(&self, claimant: Claimant) -> Result<DecodePermit, OpError> {
        let until = Instant::now() + PATIENCE;
        let permit = self.queue.acquire(claimant, self.limits.pixels, until).await?;
        Ok(DecodePermit { limits: self.limits, permit })
    }
}

impl DecodePermit {
    /// Decodes an image completely.
    pub async fn check(self, bytes: Bytes) -> Result<ValidImage, OpError> {
        let Self { limits, mut permit } = self;
        let header = bytes.clone();
        let probe = spawn_blocking(move || Picture::probe(&header, &limits)).await;
        let probe = probe.map_err(OpError::internal)?.map_err(OpError::Image)?;
        permit.reduce(u64::from(probe.width) * u64::from(probe.height));
        let check = move || {
            // The work holds the turn instead of the request: a client that hangs up frees no core.
            let _permit = permit;
            let picture = Picture::decode(&bytes, &limits)?;
            let probe = picture.info();
            Ok(ValidImage {
                width: probe.width,
                height: probe.height,
                content_type: probe.format.content_type(),
                size: bytes.len() as u64,
                thumbnail: picture.thumbnail(THUMBNAIL).to_jpeg(THUMBNAIL_QUALITY).into(),
            })
        };
        let checked = spawn_blocking(check).await.map_err(OpError::internal)?;
        checked.map_err(OpError::Image)
    }
}
