//! All error codes of the API, each with its status, its cause, and what to do.

mod codes;
mod denials;

use keyrack_key::DenialReason;

use super::view::{DocsError, ErrorGroup};
use codes::{ACCESS, IMAGES, REQUESTS, SERVER};
use denials::of_denial;

/// The error codes in groups: denied keys first, in the order of the checks.
pub(super) fn groups() -> Vec<ErrorGroup> {
    let group = |anchor, title, errors: &[Row]| ErrorGroup {
        anchor,
        title,
        errors: errors.iter().map(|row| error(*row)).collect(),
    };
    vec![
        ErrorGroup {
            anchor: "denied-keys",
            title: "Denied keys",
            errors: DenialReason::ALL.map(of_denial).into(),
        },
        group("access", "Access", &ACCESS),
        group("requests", "Requests", &REQUESTS),
        group("images", "Images and models", &IMAGES),
        group("limits", "Limits and server errors", &SERVER),
    ]
}

/// A code, its status, its cause, and what to do.
type Row = (&'static str, u16, &'static str, &'static str);

fn error((code, status, cause, remedy): Row) -> DocsError {
    DocsError { code, status, cause, remedy }
}
