//! The pages of a project: its images as a grid, one image, and its models.

use askama::Template;

use super::{Badge, DisplayTime, Frame, ModelRow, Overlay, Snippet};

/// The header of the pages of a project.
pub(crate) struct ProjectHead {
    /// `/w/{slug}/projects`.
    pub(crate) projects_url: String,
    /// `/w/{slug}/projects/{id}`.
    pub(crate) url: String,
    pub(crate) name: String,
    /// The type, such as "Classification" or "Object detection".
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) can_manage: bool,
    pub(crate) images: u64,
    pub(crate) models: u64,
    pub(crate) at_models: bool,
}

#[derive(Template)]
#[template(path = "project_show.html")]
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

/// One image of the grid.
pub(crate) struct ImageTile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) thumbnail: String,
    /// The size of the thumbnail, in pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) badges: Vec<Badge>,
    pub(crate) overlay: Overlay,
}

impl ImageTile {
    /// The text for screen readers.
    fn alt(&self) -> String {
        if self.badges.is_empty() {
            return format!("{}, without a label", self.name);
        }
        let labels: Vec<_> = self.badges.iter().map(|badge| badge.name.as_str()).collect();
        format!("{}: {}", self.name, labels.join(", "))
    }
}

impl ProjectDetailPage {
    fn is_empty(&self) -> bool {
        self.head.images == 0
    }

    fn more_is_open(&self) -> bool {
        self.more_labels.iter().any(|label| label.current)
    }
}

#[derive(Template)]
#[template(path = "project_models.html")]
pub(crate) struct ProjectModelsPage {
    pub(crate) frame: Frame,
    pub(crate) head: ProjectHead,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) next_url: Option<String>,
    /// What the project lacks for training, as sentences.
    pub(crate) missing: Vec<String>,
}

/// The page of one image.
#[derive(Template)]
#[template(path = "image_show.html")]
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
