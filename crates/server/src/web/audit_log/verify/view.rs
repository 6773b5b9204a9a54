//! The data of the page that verifies the audit log.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "audit_log/verify/verify.html")]
pub(crate) struct ActivityVerifyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// The number of entries, such as "1,204 entries".
    pub(crate) entries: String,
    /// The number of the first altered entry. `None` if the log is intact.
    pub(crate) broken: Option<String>,
    pub(crate) newest_hash: String,
}
