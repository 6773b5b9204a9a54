//! The dialogs that pause a key and that revoke its old secret.

use askama::Template;

use super::{Attribution, Field, Frame, LastUsed};

#[derive(Template)]
#[template(path = "key_pause.html")]
pub(crate) struct PauseKeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) last_used: Option<LastUsed>,
    /// The current pause. The new pause replaces it.
    pub(crate) paused: Option<PauseSummary>,
    /// The form field `for`: a span such as `10m` (the default), or `resumed`.
    pub(crate) span: Field,
}

impl PauseKeyPage {
    fn is_chosen(&self, span: &str) -> bool {
        self.span.is(span) || (self.span.value.is_empty() && span == "10m")
    }
}

/// A pause that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct PauseSummary {
    pub(crate) since: Attribution,
    /// The end, such as "until 22 November 2026, 21:18 UTC" or "until somebody resumes it".
    pub(crate) until: String,
}

#[derive(Template)]
#[template(path = "key_retire.html")]
pub(crate) struct RetireSecretPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    /// The old secret, such as "…Z7pe works until 22 November 2026, 21:18 UTC". `None` if no old secret works.
    pub(crate) retiring: Option<String>,
    /// A sentence about callers that still use the old secret.
    pub(crate) still_using: String,
}

/// Requests that were denied because the key is paused.
#[derive(Clone, Debug)]
pub(crate) struct DeniedRequestCount {
    /// The use, such as "manage projects". Empty if the requests only verified the key.
    pub(crate) does: String,
    /// The permission, such as `projects:manage`. Empty if the requests only verified the key.
    pub(crate) permission: &'static str,
    /// The number of requests, such as "12 calls".
    pub(crate) calls: String,
}
