//! The API as a page to read, filled from the OpenAPI document.

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "docs.html")]
pub(crate) struct Docs {
    pub(crate) frame: Frame,
    pub(crate) version: String,
    /// `http://localhost:8080/api/v1`
    pub(crate) base_url: String,
    pub(crate) openapi_url: String,
    /// A call that works on this server.
    pub(crate) curl_example: String,
    pub(crate) groups: Vec<DocsGroup>,
}

pub(crate) struct DocsGroup {
    pub(crate) anchor: String,
    pub(crate) title: String,
    /// May be empty.
    pub(crate) text: String,
    pub(crate) operations: Vec<DocsOperation>,
}

pub(crate) struct DocsOperation {
    pub(crate) anchor: String,
    /// `GET`, `POST`, …
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) summary: String,
    /// May be empty.
    pub(crate) text: String,
    /// Who may call: "Keys with projects:manage", "Anybody".
    pub(crate) permission: String,
    pub(crate) parameters: Vec<DocsField>,
    pub(crate) body: Vec<DocsField>,
    pub(crate) answers: Vec<DocsAnswer>,
}

pub(crate) struct DocsField {
    pub(crate) name: String,
    /// "string", "integer, in the path"
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) text: String,
}

pub(crate) struct DocsAnswer {
    pub(crate) status: String,
    pub(crate) text: String,
}

impl DocsOperation {
    /// The name that the style sheet knows the method by.
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
