//! The Projects page.

use askama::Template;

use super::{Frame, Moment};

#[derive(Template)]
#[template(path = "project_list.html")]
pub(crate) struct ProjectList {
    pub(crate) frame: Frame,
    /// `/w/{slug}/projects`
    pub(crate) base: String,
    pub(crate) can_manage: bool,
    pub(crate) projects: Vec<ProjectCard>,
    pub(crate) next_url: Option<String>,
    /// A call that makes a project on this server.
    pub(crate) curl_example: String,
}

pub(crate) struct ProjectCard {
    pub(crate) id: String,
    pub(crate) name: String,
    /// "Classification", "Object detection"
    pub(crate) kind: String,
    /// "128 images · 3 labels · 2 models"
    pub(crate) holds: String,
    /// May be empty.
    pub(crate) description: String,
    pub(crate) created: Moment,
}
