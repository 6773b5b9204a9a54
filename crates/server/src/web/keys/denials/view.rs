//! The pages that explain why a request was denied.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "keys/denials/find.html")]
pub(crate) struct FindDenialPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// The form field `request`.
    pub(crate) request: Field,
    /// Which denied requests are kept, and for how long.
    pub(crate) hint: String,
}

#[derive(Template)]
#[template(path = "keys/denials/show.html")]
pub(crate) struct DenialPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) request: String,
    pub(crate) key_id: String,
    pub(crate) key_name: String,
    /// The failed check, such as "The network is allowed".
    pub(crate) check: String,
    /// The reason, such as "IP address not allowed".
    pub(crate) why: String,
    pub(crate) actual: String,
    pub(crate) expected: String,
    pub(crate) advice: String,
    /// The URL and the label of the button that fixes the cause. `None` if the user may not change the key.
    pub(crate) change: Option<(String, &'static str)>,
    pub(crate) passes_now: Option<bool>,
    pub(crate) when: DisplayTime,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) steps: Vec<CheckRow>,
}

pub(crate) struct CheckRow {
    pub(crate) name: &'static str,
    pub(crate) state: CheckState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckState {
    Passed,
    Failed,
    NotReached,
}

impl CheckRow {
    pub(crate) fn slug(&self) -> &'static str {
        match self.state {
            CheckState::Passed => "passed",
            CheckState::Failed => "failed",
            CheckState::NotReached => "unreached",
        }
    }

    pub(crate) fn text(&self) -> &'static str {
        match self.state {
            CheckState::Passed => "passed",
            CheckState::Failed => "failed",
            CheckState::NotReached => "not reached",
        }
    }
}
