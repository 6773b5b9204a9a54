//! The data of the confirmation before images are deleted.

use askama::Template;

use crate::web::frame::Frame;

/// The confirmation before one or more images are deleted.
#[derive(Template)]
#[template(path = "images/delete/delete.html")]
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
