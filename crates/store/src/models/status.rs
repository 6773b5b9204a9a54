//! The status of a model.

use std::fmt;
use std::str::FromStr;

/// The status of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelStatus {
    /// The training run waits for a worker.
    Queued,
    /// A worker trains the model.
    Running,
    /// The model can predict.
    Ready,
    /// The training run failed. There is no model.
    Failed,
    /// The training run was cancelled. There is no model.
    Cancelled,
}

/// The text isn't a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected queued, running, ready, failed or cancelled")]
pub struct UnknownModelStatus;

impl ModelStatus {
    /// All statuses.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Ready, Self::Failed, Self::Cancelled];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the status is final.
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
