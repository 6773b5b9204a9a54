//! Every way in which something cannot be done, and the one problem that each becomes.

use http::{StatusCode, header};
use keyrack_guard::Problem;
use keyrack_key::{KeyId, WorkspaceId};
use keyrack_store::{Role, StoreError};

use super::Invalid;
use super::keys::sightings::PublicUse;
use super::refusals::Refused;
use crate::disk::DiskLow;
use crate::shares::{Exhausted, Holder, QueueFull};

/// Why something was not done. Nothing of it was done then.
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
    Gone,
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
    Beyond(String),
    #[error("{0}")]
    SeenInPublic(Box<PublicUse>),
    #[error("an API key cannot be used here")]
    NoKeysHere,
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
    TooMany(std::time::Duration),
    #[error("too busy right now; try again in a moment")]
    Busy,
    #[error(
        "The server's disk is nearly full, so it accepts no new data. Delete images or models, or ask the server's operator \
         to free disk space."
    )]
    DiskFull,
    #[error("{0}")]
    ShareUsedUp(Exhausted),
    #[error("something went wrong on our side")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("{}", .0.problem.message())]
    Refused(Box<Refused>),
    #[error("{}", .0.message())]
    Problem(Box<Problem>),
}

impl OpError {
    /// A failure that nobody outside can do anything about.
    pub fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }

    /// Whether the same request may be carried out in a moment: the server, or the caller's share of it, was in use.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy | Self::ShareUsedUp(_))
    }

    /// What the client gets. The cause of an internal failure goes to the log, not into the answer.
    pub fn problem(&self) -> Problem {
        let says = |status, code| Problem::new(status, code, self.to_string());
        match self {
            Self::Invalid(invalid) => invalid_problem(invalid),
            Self::NotFound(_) => says(StatusCode::NOT_FOUND, "not_found"),
            Self::CallerChanged => says(StatusCode::UNAUTHORIZED, "changed_key")
                .header(header::WWW_AUTHENTICATE, "Bearer realm=\"keyrack\", error=\"invalid_token\""),
            Self::NotUnderstood => says(StatusCode::CONFLICT, "newer_key"),
            Self::Gone => says(StatusCode::CONFLICT, "deleted_key"),
            Self::OtherHistory => says(StatusCode::CONFLICT, "other_history"),
            Self::Conflict => says(StatusCode::PRECONDITION_FAILED, "changed_meanwhile"),
            Self::NameTaken(_) => says(StatusCode::CONFLICT, "name_taken"),
            Self::Repeated { key } => says(StatusCode::CONFLICT, "already_done").with("key", key.to_string()),
            Self::RoleLost | Self::Role { .. } => says(StatusCode::FORBIDDEN, "insufficient_role"),
            Self::OutsideKey { key, .. } => {
                says(StatusCode::FORBIDDEN, "outside_key").with("key", key.to_string())
            }
            Self::OutsideModels { key, .. } => {
                says(StatusCode::FORBIDDEN, "model_outside_key").with("key", key.to_string())
            }
            Self::Beyond(_) => says(StatusCode::FORBIDDEN, "beyond_key"),
            Self::SeenInPublic(_) => says(StatusCode::CONFLICT, "seen_in_public"),
            Self::NoKeysHere => says(StatusCode::FORBIDDEN, "no_keys_here"),
            Self::Anonymous => says(StatusCode::UNAUTHORIZED, "missing_key")
                .header(header::WWW_AUTHENTICATE, "Bearer realm=\"keyrack\""),
            Self::KeyAndCookie => says(StatusCode::BAD_REQUEST, "key_and_cookie"),
            Self::NoWorkspace => says(StatusCode::BAD_REQUEST, "missing_workspace"),
            Self::AlreadySetUp => says(StatusCode::CONFLICT, "already_set_up"),
            Self::NotSetUp => says(StatusCode::SERVICE_UNAVAILABLE, "not_set_up"),
            Self::WrongSetupLink => says(StatusCode::FORBIDDEN, "wrong_setup_link"),
            Self::TooMany(wait) => says(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts")
                .header(header::RETRY_AFTER, &wait.as_secs().max(1).to_string()),
            Self::Busy => says(StatusCode::SERVICE_UNAVAILABLE, "busy").header(header::RETRY_AFTER, "1"),
            Self::DiskFull => says(StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
            Self::ShareUsedUp(_) => {
                says(StatusCode::TOO_MANY_REQUESTS, "share_used_up").header(header::RETRY_AFTER, "1")
            }
            Self::Internal(cause) => {
                tracing::error!(error = %cause, cause = ?cause.source(), "request failed");
                let says = "something went wrong on our side; the log has it under the request id";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", says)
            }
            Self::Refused(refused) => refused.problem.clone(),
            Self::Problem(problem) => (**problem).clone(),
        }
    }
}

fn invalid_problem(invalid: &Invalid) -> Problem {
    let sentences: Vec<_> =
        invalid.fields().map(|(field, expected)| format!("{field}: {expected}")).collect();
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", sentences.join("; "));
    invalid.fields().fold(problem, |problem, (field, expected)| problem.field(field, expected))
}

impl From<Exhausted> for OpError {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted.holder {
            Holder::Everybody => Self::Busy,
            _ => Self::ShareUsedUp(exhausted),
        }
    }
}

impl From<QueueFull> for OpError {
    fn from(QueueFull: QueueFull) -> Self {
        Self::Busy
    }
}

impl From<Problem> for OpError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
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
            StoreError::Gone => Self::Gone,
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
