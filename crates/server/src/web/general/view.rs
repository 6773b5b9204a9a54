//! The data of the General page.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "general/general.html")]
pub(crate) struct GeneralPage {
    pub(crate) frame: Frame,
    /// `/w/{slug}/settings/general`.
    pub(crate) base: String,
    pub(crate) slug: String,
    pub(crate) created: DisplayTime,
    pub(crate) settings: Settings,
    /// The keys that do not meet the policy.
    pub(crate) violations: Vec<PolicyViolations>,
}

/// The settings: a form for members who may change them, otherwise text.
pub(crate) enum Settings {
    Form(SettingsFields),
    Text(SettingsTexts),
}

pub(crate) struct SettingsFields {
    /// The form field `name`.
    pub(crate) name: Field,
    /// The form fields `longest_life` and `rotation_age`, in days. Empty without a limit.
    pub(crate) longest_life: Field,
    pub(crate) rotation_age: Field,
}

pub(crate) struct SettingsTexts {
    pub(crate) name: String,
    /// The longest lifetime of a key, such as "90 days". `None` without a limit.
    pub(crate) longest_life: Option<String>,
    pub(crate) rotation_age: Option<String>,
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
