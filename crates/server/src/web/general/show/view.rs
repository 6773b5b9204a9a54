//! The data of the General page.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "general/show/show.html")]
pub(crate) struct GeneralPage {
    pub(crate) frame: Frame,
    /// `/w/{slug}/settings/general`.
    pub(crate) base: String,
    pub(crate) can_manage: bool,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) created: DisplayTime,
    /// The longest lifetime of a key, such as "90 days". `None` without a limit.
    pub(crate) longest_life: Option<String>,
    pub(crate) rotation_age: Option<String>,
    /// The keys that do not meet the policy.
    pub(crate) violations: Vec<PolicyViolations>,
}

pub(crate) struct PolicyViolations {
    pub(crate) text: String,
    pub(crate) keys: Vec<PolicyViolation>,
    pub(crate) has_more: bool,
}

pub(crate) struct PolicyViolation {
    pub(crate) name: String,
    pub(crate) url: String,
}
