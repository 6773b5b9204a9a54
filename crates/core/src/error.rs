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
pub const INTERNAL: &str = "something went wrong on our side; the log has it under the request id";

/// Why an operation failed. A failed operation changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    #[error("what was sent is not what was expected")]
    Invalid(Invalid),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(
        "This API key was deleted, paused or changed while the request was being sent, so nothing was done. \
         If the key is still valid, send the request again."
    )]
    CallerChanged,
    #[error("this key was written by a newer version of the server, and this one cannot change it")]
    NotUnderstood,
    #[error("this key was deleted")]
    KeyDeleted,
    #[error("this position is none of this history; read everything anew")]
    OtherHistory,
    #[error("somebody else changed it meanwhile")]
    Conflict,
    #[error("a {0} of this name exists already")]
    NameTaken(&'static str),
    #[error("this request was carried out before; its secret was shown then and cannot be shown again")]
    Repeated { key: KeyId },
    #[error(
        "Your role in this workspace was changed while the request was being sent, so nothing was done. \
         Ask an owner or admin of the workspace."
    )]
    RoleLost,
    #[error("your role in this workspace is {has}; this needs {needs}")]
    Role { has: Role, needs: Role },
    #[error("this project lies outside what the key may open")]
    OutsideKey { key: KeyId, workspace: WorkspaceId },
    #[error("this lies outside the models that the key may open")]
    OutsideModels { key: KeyId, workspace: WorkspaceId },
    #[error("a key never gives more than it holds itself: {0}")]
    ExceedsOwnPermissions(String),
    #[error("{0}")]
    Exposed(Box<ExposedAccess>),
    #[error("an API key cannot be used here")]
    KeyNotAccepted,
    #[error("sign in first, or send an API key as Authorization: Bearer <key> or X-Api-Key: <key>")]
    Anonymous,
    #[error("the request carries an API key and a session cookie; send one")]
    KeyAndCookie,
    #[error("name the workspace in the header X-Keyrack-Workspace")]
    NoWorkspace,
    #[error("this server is set up already; sign in instead")]
    AlreadySetUp,
    #[error("this server is not set up yet; open the setup link that it printed when it started")]
    NotSetUp,
    #[error("this setup link is not the one that the server printed when it last started")]
    WrongSetupLink,
    #[error("too many attempts; try again in {} s", .0.as_secs())]
    TooManyAttempts(std::time::Duration),
    #[error("too busy right now; try again in a moment")]
    Busy,
    #[error(
        "The server's disk is nearly full, so it can't store this. You can still delete keys, and pause them until you \
         resume them. Delete images or models, or ask the server's operator to free disk space."
    )]
    DiskFull,
    #[error("{0}")]
    ShareUsedUp(Exhausted),
    #[error("something went wrong on our side")]
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
    #[error("the model is {0}: it has a card when it is ready")]
    NoModelCard(ModelStatus),
    #[error("{0}")]
    Prediction(Box<PredictionError>),
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
            StoreError::NotFound => Self::NotFound("thing"),
            StoreError::AlreadySetUp => Self::AlreadySetUp,
            StoreError::NameTaken => Self::NameTaken("project"),
            StoreError::EmailTaken => Invalid::field("email", "somebody has this address already").into(),
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
