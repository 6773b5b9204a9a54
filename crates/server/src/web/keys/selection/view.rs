//! The pages about several selected keys.

use askama::Template;

use super::form::SelectionAction;
use crate::web::form::Field;
use crate::web::frame::Frame;
use crate::web::keys::confirm::ConfirmChoice;
use crate::web::text::PauseSummary;

/// The confirmation before the selected keys are changed.
#[derive(Template)]
#[template(path = "keys/selection/confirm.html")]
pub(crate) struct ConfirmSelectionPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) action: SelectionAction,
    /// The number of keys, such as "3 keys".
    pub(crate) what: String,
    pub(crate) keys: Vec<SelectedKeyRow>,
    /// The list that the user came from.
    pub(crate) back: String,
    /// The form field `reason`, optional.
    pub(crate) reason: Field,
    /// The form field `for`: the duration of a pause.
    pub(crate) span: ConfirmChoice,
}

pub(crate) struct SelectedKeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) masked: String,
    /// The current pause. A new pause replaces it.
    pub(crate) paused: Option<PauseSummary>,
    /// Whether the key had allowed requests.
    pub(crate) breaks: bool,
    /// What the change breaks, such as "No requests in 7 days."
    pub(crate) effect: String,
}

/// The result of a change that some of the keys didn't accept.
#[derive(Template)]
#[template(path = "keys/selection/result.html")]
pub(crate) struct SelectionResultPage {
    pub(crate) frame: Frame,
    /// The result, such as "2 of 3 keys deleted".
    pub(crate) title: String,
    /// The nodes that have confirmed the change. Empty if no key was changed.
    pub(crate) detail: String,
    pub(crate) unchanged: Vec<UnchangedKey>,
    pub(crate) back: String,
}

pub(crate) struct UnchangedKey {
    pub(crate) name: String,
    /// The reason, such as "This key was deleted already."
    pub(crate) why: String,
}

impl ConfirmSelectionPage {
    fn deletes(&self) -> bool {
        self.action == SelectionAction::Delete
    }
}
