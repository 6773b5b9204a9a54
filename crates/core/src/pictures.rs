//! Decoding what clients sent, away from the threads that answer requests and never too much of it at once.

use std::time::Duration;

use bytes::Bytes;
use keyrack_vision::{ImageLimits, Picture};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::OpError;
use crate::predict::{Room, queue};
use crate::shares::{self, Claimant, FairQueue};

/// Along the longer side.
const THUMBNAIL: u32 = 320;
const THUMBNAIL_QUALITY: u8 = 80;

/// How long somebody waits for a turn before they are told to come back. Clients hang up after 15 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// Decodes pictures that are to be kept. They have a room and a queue of their own: whoever uploads many keeps nobody
/// from asking models.
#[derive(Clone, Debug)]
pub struct Pictures {
    limits: ImageLimits,
    room: Room,
    queue: FairQueue,
}

/// The turn of a picture that may now be read.
#[derive(Debug)]
pub struct Turn {
    limits: ImageLimits,
    turn: shares::Turn,
}

/// What was found out about a picture that is fit to keep.
#[derive(Clone, Debug)]
pub struct Checked {
    /// As it is shown.
    pub width: u32,
    pub height: u32,
    /// By its bytes.
    pub content_type: &'static str,
    /// Bytes.
    pub size: u64,
    /// A JPEG of it, small.
    pub thumbnail: Bytes,
}

impl Pictures {
    /// Takes files of at most `bytes`.
    pub fn new(bytes: usize) -> Self {
        let limits = ImageLimits { bytes, ..ImageLimits::default() };
        Self { limits, room: Room::for_pictures_of(bytes), queue: queue::for_pictures_of(limits.pixels) }
    }

    /// The room for pictures that arrive.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// Waits for the claimant's turn. What lies in a file stays there until then, so the picture counts as one of the
    /// largest until its header was read.
    pub async fn turn(&self, claimant: Claimant) -> Result<Turn, OpError> {
        let until = Instant::now() + PATIENCE;
        let turn = self.queue.turn(claimant, self.limits.pixels, until).await?;
        Ok(Turn { limits: self.limits, turn })
    }
}

impl Turn {
    /// Decodes a picture to its last pixel.
    pub async fn check(self, bytes: Bytes) -> Result<Checked, OpError> {
        let Self { limits, mut turn } = self;
        let header = bytes.clone();
        let probe = spawn_blocking(move || Picture::probe(&header, &limits)).await;
        let probe = probe.map_err(OpError::internal)?.map_err(OpError::Image)?;
        turn.reduce(u64::from(probe.width) * u64::from(probe.height));
        let check = move || {
            // With the work and not with the request: a client that hangs up frees no core.
            let _turn = turn;
            let picture = Picture::decode(&bytes, &limits)?;
            let probe = picture.info();
            Ok(Checked {
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
