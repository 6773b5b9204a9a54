//! The API reference, generated from the OpenAPI document.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "docs/docs.html")]
pub(crate) struct DocsPage {
    pub(crate) frame: Frame,
    pub(crate) version: String,
    /// The base URL of the API, such as `http://localhost:8080/api/v1`.
    pub(crate) base_url: String,
    pub(crate) openapi_url: String,
    /// A request that works on this server.
    pub(crate) curl_example: String,
    pub(crate) groups: Vec<DocsGroup>,
}

pub(crate) struct DocsGroup {
    pub(crate) anchor: String,
    pub(crate) title: String,
    /// The description of the group. May be empty.
    pub(crate) text: String,
    pub(crate) operations: Vec<DocsOperation>,
}

pub(crate) struct DocsOperation {
    pub(crate) anchor: String,
    /// The HTTP method in capitals, such as `GET`.
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) summary: String,
    /// The description. May be empty.
    pub(crate) text: String,
    /// Who may send the request, such as "Keys with projects:manage" or "Anybody".
    pub(crate) permission: String,
    pub(crate) parameters: Vec<DocsField>,
    pub(crate) body: Vec<DocsField>,
    pub(crate) answers: Vec<DocsAnswer>,
}

pub(crate) struct DocsField {
    pub(crate) name: String,
    /// The type and the place, such as "string" or "integer, in the path".
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) text: String,
}

pub(crate) struct DocsAnswer {
    pub(crate) status: String,
    pub(crate) text: String,
}

impl DocsOperation {
    /// The CSS class of the method.
    fn method_slug(&self) -> String {
        self.method.to_lowercase()
    }

    fn parameters_id(&self) -> String {
        format!("{}-parameters", self.anchor)
    }

    fn body_id(&self) -> String {
        format!("{}-body", self.anchor)
    }

    fn answers_id(&self) -> String {
        format!("{}-answers", self.anchor)
    }
}
