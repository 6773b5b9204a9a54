//! Fetching images by URL. The server implements the trait, since this crate has no HTTP client.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::memory::{MemoryBudget, MemoryPermit};
use crate::shares::{Claimant, Exhausted};

/// Failures are reported on multiples of this time after the start.
pub const BEAT: Duration = Duration::from_secs(1);

/// Why an image was not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Too many images are being fetched, or there is no memory for this one.
    #[error("{0}")]
    Exhausted(Exhausted),
    /// Any other cause. Callers must not find out which cause.
    #[error(
        "The server can't fetch an image from this URL. Use an http or https URL of an image at a public \
         address that responds within 5 seconds and is within the size limits."
    )]
    Unreachable,
}

/// A fetch in progress.
pub type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<FetchedImage, FetchError>> + Send + 'a>>;

/// Fetches images by URL.
pub trait FetchImage: Debug + Send + Sync {
    /// Fetches `url` into memory of `budget` that counts against the claimant's share. Fails if the response is longer
    /// than `bytes_max` or than the server accepts.
    fn fetch<'a>(
        &'a self,
        claimant: Claimant,
        url: &'a str,
        budget: &'a MemoryBudget,
        bytes_max: Option<usize>,
    ) -> FetchFuture<'a>;
}

/// The bytes of a URL. They may not be an image.
#[derive(Debug)]
pub struct FetchedImage {
    pub bytes: Bytes,
    pub permit: MemoryPermit,
    pub start: FetchStart,
}

/// When a fetch started.
#[derive(Clone, Copy, Debug)]
pub struct FetchStart(Instant);

impl FetchStart {
    /// Starts the clock of a fetch.
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// Returns `error` on the next beat. The time of the response then doesn't show whether a private address, a missing
    /// name, or a file that is no image caused the error.
    pub async fn fail(self, error: FetchError) -> FetchError {
        let Self(start) = self;
        let beats = start.elapsed().as_millis().div_ceil(BEAT.as_millis()).max(1);
        sleep_until(start + BEAT * u32::try_from(beats).unwrap_or(1)).await;
        error
    }
}
