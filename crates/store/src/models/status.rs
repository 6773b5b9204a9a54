//! Where a model stands, as a word.

use std::fmt;
use std::str::FromStr;

/// Where a model stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelStatus {
    /// It waits for a worker.
    Queued,
    /// A worker trains it.
    Running,
    /// It can be asked.
    Ready,
    /// There is no model, and a reason.
    Failed,
    /// Somebody did not want it any more.
    Cancelled,
}

/// A text that names no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected queued, running, ready, failed or cancelled")]
pub struct UnknownModelStatus;

impl ModelStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Ready, Self::Failed, Self::Cancelled];

    /// The word in the API and the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for ModelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ModelStatus {
    type Err = UnknownModelStatus;

    fn from_str(text: &str) -> Result<Self, UnknownModelStatus> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or(UnknownModelStatus)
    }
}
