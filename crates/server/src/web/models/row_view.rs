//! A row of a list of models.

use crate::web::text::Attribution;

pub(crate) struct ModelRow {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) project_name: String,
    pub(crate) project_url: String,
    pub(crate) status: ModelStatusBadge,
    /// The result or the progress, such as "96.4 % right on 60 images" or "42 %". May be empty.
    pub(crate) result: String,
    pub(crate) created: Attribution,
}

/// The status of a model, as a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelStatusBadge {
    Queued,
    Running,
    Stopping,
    Ready,
    Failed,
    Cancelled,
}

impl ModelStatusBadge {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Queued => "waiting",
            Self::Running => "training",
            Self::Stopping => "stopping",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Self::Queued | Self::Stopping | Self::Cancelled => "waiting",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Stopping)
    }
}
