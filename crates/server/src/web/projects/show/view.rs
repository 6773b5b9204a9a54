//! The data of the page of a project: its images as a grid.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::images::ImageTile;
use crate::web::projects::head::ProjectHead;
use crate::web::text::Snippet;

#[derive(Template)]
#[template(path = "projects/show/show.html")]
pub(crate) struct ProjectDetailPage {
    pub(crate) frame: Frame,
    pub(crate) head: ProjectHead,
    /// Whether each image has one class instead of boxes.
    pub(crate) classifies: bool,
    /// The filter links: all images, each label, and images without a label.
    pub(crate) labels: Vec<LabelLink>,
    /// Further labels, which are collapsed.
    pub(crate) more_labels: Vec<LabelLink>,
    pub(crate) batches: Vec<BatchOption>,
    /// The other filter parameters, which the filter by batch keeps.
    pub(crate) other_filters: Vec<(&'static str, String)>,
    /// The number of images, such as "128 images".
    pub(crate) count: String,
    pub(crate) tiles: Vec<ImageTile>,
    /// Imports that are in progress, or that ended recently.
    pub(crate) imports: Vec<ImportRow>,
    /// The IDs and names of all labels.
    pub(crate) classes: Vec<(String, String)>,
    pub(crate) next_url: Option<String>,
    pub(crate) first_url: Option<String>,
    /// The URL of this page with its filter, to return to after an action.
    pub(crate) back: String,
    /// The largest image, such as "10 MB".
    pub(crate) max_image_size: String,
    pub(crate) snippets: Vec<Snippet>,
}

/// An import in the list on the page of its project.
pub(crate) struct ImportRow {
    pub(crate) name: String,
    pub(crate) url: String,
    /// The progress, such as "56 images added so far."
    pub(crate) status: String,
    pub(crate) failed: bool,
}

/// A filter link, with the number of images that it leaves.
pub(crate) struct LabelLink {
    pub(crate) name: String,
    pub(crate) images: u64,
    pub(crate) url: String,
    pub(crate) current: bool,
    pub(crate) tone: Option<usize>,
}

pub(crate) struct BatchOption {
    pub(crate) id: String,
    /// The name and the size, such as "sdk-upload (120)".
    pub(crate) text: String,
    pub(crate) chosen: bool,
}

impl ProjectDetailPage {
    fn is_empty(&self) -> bool {
        self.head.images == 0
    }

    fn more_is_open(&self) -> bool {
        self.more_labels.iter().any(|label| label.current)
    }
}
