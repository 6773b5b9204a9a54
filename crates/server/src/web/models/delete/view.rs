//! The data of the confirmation before a model is deleted.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "models/delete/delete.html")]
pub(crate) struct DeleteModelPage {
    pub(crate) frame: Frame,
    pub(crate) url: String,
    pub(crate) model_name: String,
    pub(crate) is_live: bool,
}
