//! The data of the page of an image.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::images::{Badge, Overlay};
use crate::web::text::DisplayTime;

/// The page of one image.
#[derive(Template)]
#[template(path = "images/show/show.html")]
pub(crate) struct ImageDetailPage {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    pub(crate) can_manage: bool,
    pub(crate) classifies: bool,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) overlay: Overlay,
    /// The class of the image. `None` if it has none, or if the project uses boxes.
    pub(crate) class: Option<Badge>,
    pub(crate) classes: Vec<(String, String)>,
    /// The size and the format, such as "1.2 MB" and "JPEG".
    pub(crate) size: String,
    pub(crate) format: String,
    pub(crate) batch: Option<String>,
    pub(crate) added: DisplayTime,
    pub(crate) newer_url: Option<String>,
    pub(crate) older_url: Option<String>,
    pub(crate) url: String,
}

impl ImageDetailPage {
    fn alt(&self) -> String {
        let mut text = self.name.clone();
        if let Some(class) = &self.class {
            text = format!("{text}: {}", class.name);
        }
        match self.overlay.boxes.len() {
            0 => text,
            1 => format!("{text}, with a box"),
            many => format!("{text}, with {many} boxes"),
        }
    }
}
