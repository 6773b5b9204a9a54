//! Decoding what clients sent, away from the threads that answer requests and never too much of it at once.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use keyrack_guard::Problem;
use keyrack_vision::{Limits, Picture, PictureError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::OpError;

/// Along the longer side.
const THUMBNAIL: u32 = 320;
const THUMBNAIL_QUALITY: u8 = 80;

/// How long somebody waits for a turn before they are told to come back. Clients hang up after 15 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// Decodes pictures, one a core at a time.
#[derive(Clone, Debug)]
pub struct Pictures {
    limits: Limits,
    turns: Arc<Semaphore>,
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
        let cores = available_parallelism().map_or(1, usize::from);
        Self { limits: Limits { bytes, ..Limits::default() }, turns: Arc::new(Semaphore::new(cores)) }
    }

    /// Decodes a picture to its last pixel.
    pub async fn check(&self, bytes: Bytes) -> Result<Checked, OpError> {
        let limits = self.limits;
        let turn = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| OpError::Busy)?.map_err(OpError::internal)?;
        let check = move || {
            // With the work and not with the request: a client that hangs up frees no core.
            let _turn = turn;
            let picture = Picture::decode(&bytes, &limits)?;
            let probe = picture.probed();
            Ok(Checked {
                width: probe.width,
                height: probe.height,
                content_type: probe.format.content_type(),
                size: bytes.len() as u64,
                thumbnail: picture.thumbnail(THUMBNAIL).to_jpeg(THUMBNAIL_QUALITY).into(),
            })
        };
        let checked = tokio::task::spawn_blocking(check).await.map_err(OpError::internal)?;
        checked.map_err(|error| refused(&error))
    }
}

/// What whoever sent it is told.
pub fn refused(error: &PictureError) -> OpError {
    let (status, code) = names(error);
    Problem::new(status, code, error.to_string()).into()
}

/// The status and the code that stand for what is wrong with a picture, wherever it was sent.
pub const fn names(error: &PictureError) -> (StatusCode, &'static str) {
    match error {
        PictureError::TooManyBytes { .. } | PictureError::TooManyPixels { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, "image_too_large")
        }
        PictureError::NotAPicture => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_an_image"),
        PictureError::Animated(_) | PictureError::Truncated(_) | PictureError::Broken { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "broken_image")
        }
    }
}
