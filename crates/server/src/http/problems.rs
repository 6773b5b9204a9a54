//! Converts each error of an operation to the problem that the client receives: its status, code, message, and details. No
//! other code converts errors of the core to problems.

use http::{HeaderName, StatusCode, header};
use keyrack_core::datasets::{InvalidAnnotation, UPLOAD_LIFE, UploadError};
use keyrack_core::denials::{DenialDetail, DeniedKey};
use keyrack_core::error::INTERNAL;
use keyrack_core::models::TooFewImages;
use keyrack_core::predict::fetch::FetchError;
use keyrack_core::predictions::PredictionError;
use keyrack_core::times::rfc3339;
use keyrack_core::{Invalid, OpError};
use keyrack_guard::{Guard, Problem};
use keyrack_key::{DenialReason, QuotaState};
use keyrack_store::ProjectType;
use keyrack_vision::PictureError;
use serde_json::{Value, json};

const CHALLENGE: HeaderName = header::WWW_AUTHENTICATE;

/// Returns the problem of `error`. `guard` writes the message for a denied key.
pub fn of(error: &OpError, guard: &Guard) -> Problem {
    let problem = |status, code| Problem::new(status, code, error.to_string());
    match error {
        OpError::Invalid(error) => invalid(error),
        OpError::NotFound(_) => problem(StatusCode::NOT_FOUND, "not_found"),
        OpError::CallerChanged => problem(StatusCode::UNAUTHORIZED, "changed_key")
            .header(CHALLENGE, "Bearer realm=\"keyrack\", error=\"invalid_token\""),
        OpError::NotUnderstood => problem(StatusCode::CONFLICT, DenialReason::NotUnderstood.code()),
        OpError::KeyDeleted => problem(StatusCode::CONFLICT, DenialReason::Deleted.code()),
        OpError::OtherHistory => problem(StatusCode::CONFLICT, "other_history"),
        OpError::Conflict => problem(StatusCode::PRECONDITION_FAILED, "changed_meanwhile"),
        OpError::NameTaken(_) => problem(StatusCode::CONFLICT, "name_taken"),
        OpError::Repeated { key } => {
            problem(StatusCode::CONFLICT, "already_done").with("key", key.to_string())
        }
        OpError::RoleLost | OpError::Role { .. } => problem(StatusCode::FORBIDDEN, "insufficient_role"),
        OpError::OutsideKey { key, .. } => {
            problem(StatusCode::FORBIDDEN, DenialReason::OutsideProjects.code()).with("key", key.to_string())
        }
        OpError::OutsideModels { key, .. } => {
            problem(StatusCode::FORBIDDEN, DenialReason::OutsideModels.code()).with("key", key.to_string())
        }
        OpError::ExceedsOwnPermissions(_) => problem(StatusCode::FORBIDDEN, "beyond_key"),
        OpError::Exposed(_) => problem(StatusCode::CONFLICT, "seen_in_public"),
        OpError::KeyNotAccepted => problem(StatusCode::FORBIDDEN, "no_keys_here"),
        OpError::Anonymous => problem(StatusCode::UNAUTHORIZED, DenialReason::Missing.code())
            .header(CHALLENGE, "Bearer realm=\"keyrack\""),
        OpError::KeyAndCookie => problem(StatusCode::BAD_REQUEST, "key_and_cookie"),
        OpError::NoWorkspace => problem(StatusCode::BAD_REQUEST, "missing_workspace"),
        OpError::AlreadySetUp => problem(StatusCode::CONFLICT, "already_set_up"),
        OpError::NotSetUp => problem(StatusCode::SERVICE_UNAVAILABLE, "not_set_up"),
        OpError::WrongSetupLink => problem(StatusCode::FORBIDDEN, "wrong_setup_link"),
        OpError::TooManyAttempts(wait) => {
            retry_after(problem(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts"), wait.as_secs().max(1))
        }
        OpError::Busy => retry_after(problem(StatusCode::SERVICE_UNAVAILABLE, "busy"), 1),
        OpError::DiskFull => problem(StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
        OpError::ShareUsedUp(_) => retry_after(problem(StatusCode::TOO_MANY_REQUESTS, "share_used_up"), 1),
        OpError::Internal(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", INTERNAL),
        OpError::Denied(error) => denied(error, guard),
        OpError::Annotation(error) => annotation(error),
        OpError::Upload(error) => upload(*error),
        OpError::Image(error) => {
            let (status, code) = image(error);
            problem(status, code)
        }
        OpError::TooFewImages(error) => too_few_images(error),
        OpError::NoModelCard(_) => problem(StatusCode::CONFLICT, "model_not_ready"),
        OpError::Prediction(error) => prediction(error),
    }
}

fn retry_after(problem: Problem, seconds: u64) -> Problem {
    problem.header(header::RETRY_AFTER, &seconds.to_string())
}

fn invalid(error: &Invalid) -> Problem {
    let sentences: Vec<_> = error.fields().map(|(field, expected)| format!("{field}: {expected}")).collect();
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", sentences.join(" "));
    error.fields().fold(problem, |problem, (field, expected)| problem.field(field, expected))
}

fn annotation(error: &InvalidAnnotation) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.to_string())
        .field(&error.field, error.expected.as_str())
}

/// Returns the guard's problem, with the limit that the request exceeds.
fn denied(error: &DeniedKey, guard: &Guard) -> Problem {
    let problem = guard.problem(&error.check);
    match error.detail {
        DenialDetail::Quota(standing) => problem.with("quota", quota(standing)),
        DenialDetail::ImageBytes(most) => {
            let message = format!("Use an image of {most} bytes or fewer. This is the limit of the API key.");
            problem.with("max_image_bytes", most.get()).field("image", message)
        }
    }
}

fn quota(standing: QuotaState) -> Value {
    let quota = standing.quota;
    json!({
        "of": quota.of.name(),
        "limit": quota.limit,
        "per": quota.per.name(),
        "used": standing.used,
        "resetsAt": rfc3339(standing.window.end),
    })
}

fn upload(error: UploadError) -> Problem {
    let problem = |status, code| Problem::new(status, code, error.to_string());
    match error {
        UploadError::WrongSignature => problem(StatusCode::FORBIDDEN, "wrong_signature"),
        UploadError::Expired => problem(StatusCode::FORBIDDEN, "upload_over"),
        UploadError::AlreadyRecorded => problem(StatusCode::CONFLICT, "already_recorded"),
        UploadError::KeyEnded | UploadError::SessionEnded => problem(StatusCode::FORBIDDEN, "key_ended"),
        UploadError::TooManyOpen => retry_after(
            problem(StatusCode::TOO_MANY_REQUESTS, "too_many_open_uploads"),
            UPLOAD_LIFE.as_secs(),
        ),
        UploadError::NothingSent => problem(StatusCode::CONFLICT, "not_uploaded"),
    }
}

const fn image(error: &PictureError) -> (StatusCode, &'static str) {
    match error {
        PictureError::TooManyBytes { .. } | PictureError::TooManyPixels { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, "image_too_large")
        }
        PictureError::NotAPicture => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_an_image"),
        PictureError::Unsupported { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported_image"),
        PictureError::Animated(_) | PictureError::Truncated(_) | PictureError::Broken { .. } => {
            (StatusCode::UNPROCESSABLE_ENTITY, "broken_image")
        }
    }
}

fn too_few_images(error: &TooFewImages) -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "too_few_images", error.to_string());
    error.short.iter().fold(problem, |problem, label| {
        let name = &label.label;
        problem.field("labels", format!("{name}: {} images. Add {} more.", label.has, label.missing))
    })
}

fn prediction(error: &PredictionError) -> Problem {
    let message = error.to_string();
    match error {
        PredictionError::UrlNotAllowed => {
            Problem::new(StatusCode::FORBIDDEN, "image_urls_closed", message.as_str())
                .field("image", message.as_str())
        }
        PredictionError::OtherTask { model, task } => {
            let route = match task {
                ProjectType::Classification => "classify",
                ProjectType::ObjectDetection => "detect",
            };
            let path = format!("/api/v1/predict/{route}/{model}");
            Problem::new(StatusCode::CONFLICT, "other_task", format!("{message} Use {path}."))
                .with("path", path)
        }
        PredictionError::NotReady(status) => {
            Problem::new(StatusCode::CONFLICT, "model_not_ready", message).with("model_status", status.name())
        }
        PredictionError::Unreachable => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "image_unreachable", message)
                .field("image", FetchError::Unreachable.to_string())
        }
        PredictionError::Image(error) => {
            let (status, code) = image(error);
            Problem::new(status, code, message).field("image", error.to_string())
        }
        PredictionError::OtherBackbone(_) => Problem::new(StatusCode::CONFLICT, "other_backbone", message),
    }
}
