//! The data of the page with the progress of an import.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::images::upload::UploadOutcome;
use crate::web::text::DisplayTime;

/// An archive import.
#[derive(Template)]
#[template(path = "images/import/import.html")]
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
