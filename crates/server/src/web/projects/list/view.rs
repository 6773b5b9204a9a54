//! The data of the Projects page.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "projects/list/list.html")]
pub(crate) struct ProjectListPage {
    pub(crate) frame: Frame,
    /// `/w/{slug}/projects`.
    pub(crate) base: String,
    pub(crate) can_manage: bool,
    pub(crate) projects: Vec<ProjectCard>,
    pub(crate) next_url: Option<String>,
    /// A request that creates a project on this server.
    pub(crate) curl_example: String,
}

pub(crate) struct ProjectCard {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The type, such as "Classification" or "Object detection".
    pub(crate) kind: String,
    /// The content, such as "128 images · 3 labels · 2 models".
    pub(crate) holds: String,
    /// The description. May be empty.
    pub(crate) description: String,
    pub(crate) created: DisplayTime,
    /// The URLs of up to four images, newest first.
    pub(crate) thumbnails: Vec<String>,
}
