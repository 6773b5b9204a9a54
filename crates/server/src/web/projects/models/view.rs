//! The data of the page with the models of a project.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::models::ModelRow;
use crate::web::projects::head::ProjectHead;

#[derive(Template)]
#[template(path = "projects/models/models.html")]
pub(crate) struct ProjectModelsPage {
    pub(crate) frame: Frame,
    pub(crate) head: ProjectHead,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) next_url: Option<String>,
    /// What the project lacks for training, as sentences.
    pub(crate) missing: Vec<String>,
}
