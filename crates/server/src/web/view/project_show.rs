//! A project: its images as a grid, and its models.

use askama::Template;

use super::{Badge, Frame, ModelRow, Moment, Overlay, Snippet};

/// What stands above both pages of a project.
pub(crate) struct ProjectHead {
    /// `/w/{slug}/projects`
    pub(crate) projects_url: String,
    /// `/w/{slug}/projects/{id}`
    pub(crate) url: String,
    pub(crate) name: String,
    /// "Classification", "Object detection"
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) can_manage: bool,
    pub(crate) images: u64,
    pub(crate) models: u64,
    pub(crate) at_models: bool,
}

#[derive(Template)]
#[template(path = "project_show.html")]
pub(crate) struct ProjectPage {
    pub(crate) frame: Frame,
    pub(crate) head: ProjectHead,
    /// Whether an image has a class as a whole, and no boxes.
    pub(crate) classifies: bool,
    /// All, each label, those without one.
    pub(crate) labels: Vec<LabelLink>,
    /// Labels that are too many for one glance.
    pub(crate) more_labels: Vec<LabelLink>,
    pub(crate) batches: Vec<BatchOption>,
    /// What the filter by batch keeps of the others.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// "128 images"
    pub(crate) count: String,
    pub(crate) tiles: Vec<Tile>,
    /// Imports that are under way or ended a short time ago.
    pub(crate) imports: Vec<ImportLine>,
    /// The names of all labels, for giving one.
    pub(crate) classes: Vec<(String, String)>,
    pub(crate) next_url: Option<String>,
    pub(crate) first_url: Option<String>,
    /// This page with its filter, to come back to.
    pub(crate) back: String,
    /// "10 MB"
    pub(crate) most: String,
    pub(crate) snippets: Vec<Snippet>,
}

/// An import, as the page of its project lists it.
pub(crate) struct ImportLine {
    pub(crate) name: String,
    pub(crate) url: String,
    /// "56 images added so far"
    pub(crate) says: String,
    pub(crate) failed: bool,
}

/// A filter by label, with how many images it leaves.
pub(crate) struct LabelLink {
    pub(crate) name: String,
    pub(crate) images: u64,
    pub(crate) url: String,
    pub(crate) current: bool,
    pub(crate) tone: Option<usize>,
}

pub(crate) struct BatchOption {
    pub(crate) id: String,
    /// "sdk-upload (120)"
    pub(crate) text: String,
    pub(crate) chosen: bool,
}

/// One image of the grid.
pub(crate) struct Tile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) thumbnail: String,
    /// Of the thumbnail.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) badges: Vec<Badge>,
    pub(crate) overlay: Overlay,
}

impl Tile {
    /// What somebody hears who does not see it.
    fn alt(&self) -> String {
        if self.badges.is_empty() {
            return format!("{}, without a label", self.name);
        }
        let labels: Vec<_> = self.badges.iter().map(|badge| badge.name.as_str()).collect();
        format!("{}: {}", self.name, labels.join(", "))
    }
}

impl ProjectPage {
    fn is_empty(&self) -> bool {
        self.head.images == 0
    }

    fn more_is_open(&self) -> bool {
        self.more_labels.iter().any(|label| label.current)
    }
}

#[derive(Template)]
#[template(path = "project_models.html")]
pub(crate) struct ProjectModels {
    pub(crate) frame: Frame,
    pub(crate) head: ProjectHead,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) next_url: Option<String>,
    /// What keeps a training from beginning, in sentences.
    pub(crate) missing: Vec<String>,
}

/// One image.
#[derive(Template)]
#[template(path = "image_show.html")]
pub(crate) struct ImagePage {
    pub(crate) frame: Frame,
    pub(crate) project_url: String,
    pub(crate) project_name: String,
    pub(crate) can_manage: bool,
    pub(crate) classifies: bool,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) overlay: Overlay,
    /// The class of the image as a whole.
    pub(crate) class: Option<Badge>,
    pub(crate) classes: Vec<(String, String)>,
    /// "1.2 MB", "JPEG"
    pub(crate) size: String,
    pub(crate) format: String,
    pub(crate) batch: Option<String>,
    pub(crate) added: Moment,
    pub(crate) newer_url: Option<String>,
    pub(crate) older_url: Option<String>,
    pub(crate) url: String,
}

impl ImagePage {
    fn alt(&self) -> String {
        let mut says = self.name.clone();
        if let Some(class) = &self.class {
            says = format!("{says}: {}", class.name);
        }
        match self.overlay.boxes.len() {
            0 => says,
            1 => format!("{says}, with a box"),
            many => format!("{says}, with {many} boxes"),
        }
    }
}
