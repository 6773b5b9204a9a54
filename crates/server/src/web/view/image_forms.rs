//! What is asked before images go, and what is said after they came.

use askama::Template;

use super::{Frame, Moment};

/// Deleting one image or several.
#[derive(Template)]
#[template(path = "image_delete.html")]
pub(crate) struct DeleteImages {
    pub(crate) frame: Frame,
    /// Where the form goes.
    pub(crate) action: String,
    /// "cap-001.jpg", "12 images"
    pub(crate) what: String,
    pub(crate) back: String,
    /// The ids of several; none where the action names the one.
    pub(crate) records: Vec<String>,
}

/// What became of a form full of pictures.
#[derive(Template)]
#[template(path = "image_outcomes.html")]
pub(crate) struct Outcomes {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    /// "2 of 3 images were added"
    pub(crate) title: String,
    pub(crate) files: Vec<Outcome>,
    /// Why the rest of the form was not read, if it was not.
    pub(crate) broken: Option<String>,
}

pub(crate) struct Outcome {
    pub(crate) name: String,
    /// Why it was refused; nothing where it was added.
    pub(crate) refused: Option<String>,
}

/// An archive that is being taken in.
#[derive(Template)]
#[template(path = "import_show.html")]
pub(crate) struct ImportPage {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) began: Moment,
    pub(crate) done: u64,
    pub(crate) added: u64,
    pub(crate) has_ended: bool,
    /// Its archive has arrived, and no image of it is being looked at.
    pub(crate) waits: bool,
    /// It waits until the disk has space.
    pub(crate) waits_for_disk: bool,
    /// Why all of it failed.
    pub(crate) failed: Option<String>,
    pub(crate) skipped: Vec<Outcome>,
    /// Skipped files beyond those that are named.
    pub(crate) skipped_more: u64,
}
