//! The status of a model.

use crate::text_enum::text_enum;

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
#[error("Use queued, running, ready, failed, or cancelled.")]
pub struct UnknownModelStatus;

text_enum! { ModelStatus, UnknownModelStatus,
    Queued => "queued",
    Running => "running",
    Ready => "ready",
    Failed => "failed",
    Cancelled => "cancelled",
}

impl ModelStatus {
    /// Returns whether the status is final.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Cancelled)
    }
}
