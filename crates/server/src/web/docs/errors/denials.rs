//! The reasons for which a key is denied.

use keyrack_key::DenialReason;

use super::error;
use crate::web::docs::view::DocsError;

/// A new reason doesn't compile until it has a line here.
pub(super) fn of_denial(reason: DenialReason) -> DocsError {
    let (status, cause, remedy) = match reason {
        DenialReason::Missing => (
            401,
            "The request has no API key.",
            "Send the key as Authorization: Bearer <key> or X-Api-Key: <key>.",
        ),
        DenialReason::Ambiguous => (400, "The request has two different keys.", "Send one key."),
        DenialReason::Malformed => (
            401,
            "The string isn't a secret key. It may be cut off or mistyped.",
            "Copy the whole key again.",
        ),
        DenialReason::Stale => (503, "The server can't verify keys right now.", "Try again in a second."),
        DenialReason::Unknown => {
            (401, "No key has this secret.", "Check that the key belongs to this server, or create a key.")
        }
        DenialReason::Retired => (
            401,
            "The key was rotated, and the grace period of this secret has ended.",
            "Use the new secret key.",
        ),
        DenialReason::Deleted => (401, "The key was deleted.", "Use another key."),
        DenialReason::Paused => (401, "The key is paused.", "Resume the key, or wait until paused_until."),
        DenialReason::Expired => (401, "The key has expired.", "Set a later expiration, or use another key."),
        DenialReason::NotUnderstood => (
            403,
            "A newer version of Keyrack changed the key. To edit such a key, the API responds with 409.",
            "Upgrade this server.",
        ),
        DenialReason::Network => (
            403,
            "The IP address of the client isn't among the allowed IP addresses of the key.",
            "Add the address to the key, or send the request from an allowed address.",
        ),
        DenialReason::Origin => (
            403,
            "The page's origin isn't among the allowed origins of the key.",
            "Add the origin to the key.",
        ),
        DenialReason::Permission => (
            403,
            "The key doesn't have the permission that the operation requires.",
            "Add a scope that has the permission, or use another key. The response names both.",
        ),
        DenialReason::InQuery => (
            400,
            "A key with more access than Inference is in a URL, and URLs are logged.",
            "Send the key in a header, and rotate it.",
        ),
        DenialReason::InBrowser => (
            403,
            "A page in a browser sent a key with more access than Inference.",
            "Use a publishable key in the page, and rotate this key.",
        ),
        DenialReason::VisitorRate => (
            429,
            "The visitor exceeded the limit per visitor of the key.",
            "Try again after the seconds in Retry-After.",
        ),
        DenialReason::Rate => {
            (429, "The key exceeded its rate limit.", "Try again after the seconds in Retry-After.")
        }
        DenialReason::UntrustedFacts => (
            403,
            "The caller states an IP address or an origin, but its key isn't a service key.",
            "Send the key of the service in X-Keyrack-Service-Key.",
        ),
        DenialReason::OutsideProjects => (
            403,
            "The key doesn't have access to this project.",
            "Edit the restrictions of the key, or use another key.",
        ),
        DenialReason::OutsideModels => (
            403,
            "The key doesn't have access to this model.",
            "Edit the restrictions of the key, or use another key.",
        ),
        DenialReason::Image => (
            413,
            "The image is larger than the key allows.",
            "Send a smaller image. max_image_bytes is the limit.",
        ),
        DenialReason::Quota => {
            (429, "The key exceeded its quota.", "Wait until the quota resets, or raise the quota.")
        }
    };
    error((reason.code(), status, cause, remedy))
}
