//! The General page and its form.

use askama::Template;

use super::{DisplayTime, Field, Frame};

#[derive(Template)]
#[template(path = "general.html")]
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

#[derive(Template)]
#[template(path = "general_edit.html")]
pub(crate) struct EditGeneralPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// The form field `name`.
    pub(crate) name: Field,
    /// The form fields `longest_life` and `rotation_age`, in days. Empty without a limit.
    pub(crate) longest_life: Field,
    pub(crate) rotation_age: Field,
}
