//! The outcomes of an upload.

use askama::Template;

use crate::web::frame::Frame;

/// The outcomes of an upload.
#[derive(Template)]
#[template(path = "images/upload/outcomes.html")]
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
