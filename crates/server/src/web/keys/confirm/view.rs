//! The data of the page that confirms an action on a key.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;
use crate::web::text::{DisplayTime, LastUsed};

/// An action on a key that a user confirms first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAction {
    Delete,
    Pause,
    Rotate,
}

/// A caller whose requests the action makes fail.
pub(crate) struct DependentCaller {
    /// The caller, such as "203.0.113.9, camera/3".
    pub(crate) name: String,
    /// The usual number of requests, such as "4 requests per day".
    pub(crate) requests: String,
}

/// The field of the form.
pub(crate) enum ConfirmQuestion {
    /// The form field `reason`, optional.
    Reason(Field),
    Choice(ConfirmChoice),
}

/// A choice between a few values.
pub(crate) struct ConfirmChoice {
    /// The name of the form field.
    pub(crate) name: &'static str,
    pub(crate) legend: &'static str,
    pub(crate) field: Field,
    pub(crate) options: &'static [ConfirmOption],
    /// The value that is selected at first.
    pub(crate) usual: &'static str,
}

#[derive(Debug)]
pub(crate) struct ConfirmOption {
    pub(crate) value: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

#[derive(Template)]
#[template(path = "keys/confirm/confirm.html")]
pub(crate) struct ConfirmKeyActionPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) action: KeyAction,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) last_used: Option<LastUsed>,
    /// The expiry of the key, if it has passed.
    pub(crate) expired: Option<DisplayTime>,
    pub(crate) callers: Vec<DependentCaller>,
    pub(crate) has_more_callers: bool,
    /// A further effect of the action.
    pub(crate) warning: Option<String>,
    /// The names and values of hidden fields.
    pub(crate) hidden: Vec<(&'static str, String)>,
    pub(crate) question: ConfirmQuestion,
}

impl ConfirmChoice {
    pub(crate) fn is_chosen(&self, value: &str) -> bool {
        self.field.is(value) || (self.field.value.is_empty() && value == self.usual)
    }
}

impl ConfirmKeyActionPage {
    fn title(&self) -> String {
        match self.action {
            KeyAction::Delete => format!("Delete {}?", self.key_name),
            KeyAction::Pause => format!("Pause {}", self.key_name),
            KeyAction::Rotate => format!("Rotate {}", self.key_name),
        }
    }

    const fn lead(&self) -> &'static str {
        match self.action {
            KeyAction::Delete => {
                "Requests with this key will fail immediately. This can't be undone. Its past activity stays in the audit log."
            }
            KeyAction::Pause => {
                "Requests with this key are denied until you resume it. Pause a key to see what depends on it before you delete it."
            }
            KeyAction::Rotate => {
                "Creates a new secret key. The old one keeps working for the grace period, so you can update your apps without downtime."
            }
        }
    }

    /// The last part of the URL of the form.
    const fn path(&self) -> &'static str {
        match self.action {
            KeyAction::Delete => "delete",
            KeyAction::Pause => "pause",
            KeyAction::Rotate => "rotate",
        }
    }

    /// An expired key can only be deleted.
    fn is_possible(&self) -> bool {
        self.action == KeyAction::Delete || self.expired.is_none()
    }
}
