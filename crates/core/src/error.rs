//! The errors of all operations. The server decides what clients see of an error.

use keyrack_key::{KeyId, WorkspaceId};
use keyrack_store::{ModelStatus, Role, StoreError};
use keyrack_vision::PictureError;

use super::Invalid;
use super::datasets::{InvalidAnnotation, UploadError};
use super::denials::DeniedKey;
use super::keys::exposures::ExposedAccess;
use super::models::TooFewImages;
use super::predictions::PredictionError;
use crate::disk::DiskLow;
use crate::shares::{Exhausted, Holder, QueueFull};

/// The message of an internal error. The log has the cause.
pub const INTERNAL: &str = "Something went wrong on our side. Try again, or contact support with the \
     request ID.";

/// Why an operation failed. A failed operation changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    #[error("The request has invalid fields.")]
    Invalid(Invalid),
    #[error("{} not found.", capitalized(.0))]
    NotFound(&'static str),
    #[error(
        "This API key was deleted, paused, or changed during this request, so nothing was done. If the key \
         is still valid, send the request again."
    )]
    CallerChanged,
    #[error("This API key was last changed by a newer Keyrack version. Upgrade this server to edit it.")]
    NotUnderstood,
    #[error("This API key was deleted.")]
    KeyDeleted,
    #[error("This position belongs to another history. Fetch a new snapshot.")]
    OtherHistory,
    #[error("This was changed by someone else. Reload and try again.")]
    Conflict,
    #[error("A {0} with this name already exists. Choose another name.")]
    NameTaken(&'static str),
    #[error(
        "This request was already processed (same Idempotency-Key). The secret key was returned then \
         and can't be shown again. Rotate the key to get a new one."
    )]
    Repeated { key: KeyId },
    #[error(
        "Your role in this workspace was changed during this request, so nothing was done. Ask an owner or \
         admin of the workspace."
    )]
    RoleLost,
    #[error(
        "This action requires the {needs} role. Your role is {has}. Ask an owner or admin of the \
         workspace."
    )]
    Role { has: Role, needs: Role },
    #[error("This API key doesn't have access to this project. Edit its restrictions or use another key.")]
    OutsideKey { key: KeyId, workspace: WorkspaceId },
    #[error("This API key doesn't have access to this model. Edit its restrictions or use another key.")]
    OutsideModels { key: KeyId, workspace: WorkspaceId },
    #[error("An API key can't grant more access than it has. {0}")]
    ExceedsOwnPermissions(String),
    #[error("{0}")]
    Exposed(Box<ExposedAccess>),
    #[error("API keys can't be used for this endpoint. Sign in instead.")]
    KeyNotAccepted,
    #[error(
        "Authentication required. Sign in, or send an API key as Authorization: Bearer <key> or \
         X-Api-Key: <key>."
    )]
    Anonymous,
    #[error("Send either an API key or a session cookie, not both.")]
    KeyAndCookie,
    #[error("The header X-Keyrack-Workspace is missing. Set it to the slug or ID of the workspace.")]
    NoWorkspace,
    #[error("This server is already set up. Sign in instead.")]
    AlreadySetUp,
    #[error("This server isn't set up yet. Open the setup link that it printed when it started.")]
    NotSetUp,
    #[error("This setup link is no longer valid. Use the link from the latest start of the server.")]
    WrongSetupLink,
    #[error("Too many attempts. Try again in {} seconds.", .0.as_secs())]
    TooManyAttempts(std::time::Duration),
    #[error("The server is busy. Try again in a moment.")]
    Busy,
    #[error(
        "The server's disk is nearly full, so it can't store this. You can still delete keys, and pause them until you \
         resume them. Delete images or models, or ask the server's operator to free disk space."
    )]
    DiskFull,
    #[error("{0}")]
    ShareUsedUp(Exhausted),
    #[error("Something went wrong on our side.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The guard allowed the key, and the operation denies it.
    #[error("{}", .0.check.denial)]
    Denied(Box<DeniedKey>),
    #[error("{0}")]
    Annotation(Box<InvalidAnnotation>),
    #[error("{0}")]
    Upload(UploadError),
    /// An image of a dataset cannot be decoded, or exceeds a limit of the server.
    #[error("{0}")]
    Image(PictureError),
    #[error("{0}")]
    TooFewImages(Box<TooFewImages>),
    #[error("This model isn't ready (status: {0}). Its card is available when the status is ready.")]
    NoModelCard(ModelStatus),
    #[error("{0}")]
    Prediction(Box<PredictionError>),
}

/// Returns `noun` with a capital letter.
fn capitalized(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl OpError {
    /// Wraps a failure that the caller cannot fix.
    pub fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }

    /// Whether the server, or the caller's share of it, is in use, so that the same request may succeed in a moment.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy | Self::ShareUsedUp(_))
    }

    /// What causes the error, and so what may help: waiting, another image, or another request.
    pub const fn cause(&self) -> ErrorCause {
        match self {
            Self::Busy
            | Self::ShareUsedUp(_)
            | Self::TooManyAttempts(_)
            | Self::Upload(UploadError::TooManyOpen) => ErrorCause::Load,
            Self::Annotation(_)
            | Self::Upload(_)
            | Self::Image(_)
            | Self::TooFewImages(_)
            | Self::NoModelCard(_)
            | Self::Prediction(_) => ErrorCause::Image,
            Self::Invalid(_)
            | Self::NotFound(_)
            | Self::CallerChanged
            | Self::NotUnderstood
            | Self::KeyDeleted
            | Self::OtherHistory
            | Self::Conflict
            | Self::NameTaken(_)
            | Self::Repeated { .. }
            | Self::RoleLost
            | Self::Role { .. }
            | Self::OutsideKey { .. }
            | Self::OutsideModels { .. }
            | Self::ExceedsOwnPermissions(_)
            | Self::Exposed(_)
            | Self::KeyNotAccepted
            | Self::Anonymous
            | Self::KeyAndCookie
            | Self::NoWorkspace
            | Self::AlreadySetUp
            | Self::NotSetUp
            | Self::WrongSetupLink
            | Self::DiskFull
            | Self::Internal(_)
            | Self::Denied(_) => ErrorCause::Request,
        }
    }
}

/// What causes an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCause {
    /// The load of the server or of the caller: the same request may succeed later.
    Load,
    /// The image, its upload, or the model that received the image: the server may accept another image of the caller.
    Image,
    /// The request itself, the caller, or the state of the server.
    Request,
}

impl From<Exhausted> for OpError {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted.holder {
            Holder::AllClaimants => Self::Busy,
            _ => Self::ShareUsedUp(exhausted),
        }
    }
}

impl From<QueueFull> for OpError {
    fn from(QueueFull: QueueFull) -> Self {
        Self::Busy
    }
}

impl From<Invalid> for OpError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<StoreError> for OpError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Gone => Self::KeyDeleted,
            StoreError::ActorChanged => Self::CallerChanged,
            StoreError::SignedOut => Self::Anonymous,
            StoreError::RoleLost => Self::RoleLost,
            StoreError::NotUnderstood => Self::NotUnderstood,
            StoreError::Conflict => Self::Conflict,
            StoreError::Repeated { key } => Self::Repeated { key },
            StoreError::NotFound => Self::NotFound("resource"),
            StoreError::AlreadySetUp => Self::AlreadySetUp,
            StoreError::NameTaken => Self::NameTaken("project"),
            StoreError::EmailTaken => Invalid::field(
                "email",
                "An account with this email address already \
                 exists.",
            )
            .into(),
            full if full.is_disk_full() => Self::DiskFull,
            other => Self::internal(other),
        }
    }
}

impl From<DiskLow> for OpError {
    fn from(DiskLow: DiskLow) -> Self {
        Self::DiskFull
    }
}
