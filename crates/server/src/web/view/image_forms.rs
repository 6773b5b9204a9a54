//! The pages for deleting images, for the outcomes of an upload, and for an import.

use askama::Template;

use super::{DisplayTime, Frame};

/// The confirmation before one or more images are deleted.
#[derive(Template)]
#[template(path = "image_delete.html")]
pub(crate) struct DeleteImagesPage {
    pub(crate) frame: Frame,
    /// The target of the form.
    pub(crate) action: String,
    /// The images, such as "cap-001.jpg" or "12 images".
    pub(crate) what: String,
    pub(crate) back: String,
    /// The IDs of several images. Empty if `action` names the image.
    pub(crate) records: Vec<String>,
}

/// The outcomes of an upload.
#[derive(Template)]
#[template(path = "image_outcomes.html")]
pub(crate) struct UploadOutcomesPage {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    /// The title, such as "2 of 3 images were added".
    pub(crate) title: String,
    pub(crate) files: Vec<UploadOutcome>,
    /// The reason why the rest of the form was not read. `None` if all of it was read.
    pub(crate) broken: Option<String>,
}

pub(crate) struct UploadOutcome {
    pub(crate) name: String,
    /// The reason why the file was denied. `None` if it was added.
    pub(crate) denial: Option<String>,
}

/// An archive import.
#[derive(Template)]
#[template(path = "import_show.html")]
pub(crate) struct ImportPage {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) began: DisplayTime,
    pub(crate) done: u64,
    pub(crate) added: u64,
    pub(crate) has_ended: bool,
    /// Whether the import is queued.
    pub(crate) waits: bool,
    /// Whether the import waits until the disk has enough space.
    pub(crate) waits_for_disk: bool,
    /// The reason why the import failed. `None` if it did not fail.
    pub(crate) failed: Option<String>,
    pub(crate) skipped: Vec<UploadOutcome>,
    /// The number of skipped files that are not in `skipped`.
    pub(crate) skipped_more: u64,
}
