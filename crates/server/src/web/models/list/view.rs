//! The data of the Models page.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::models::ModelRow;

#[derive(Template)]
#[template(path = "models/list/list.html")]
pub(crate) struct ModelListPage {
    pub(crate) frame: Frame,
    /// `/w/{slug}/projects`.
    pub(crate) projects_url: String,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) next_url: Option<String>,
}
