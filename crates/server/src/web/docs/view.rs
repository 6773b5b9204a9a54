//! The pages of the docs.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::text::Snippet;

/// The contents beside each page, with a search form.
pub(crate) struct Contents {
    pub(crate) groups: Vec<ContentsGroup>,
    /// The sections of the current page.
    pub(crate) within: Vec<SectionLink>,
    /// The text in the search form.
    pub(crate) query: String,
    /// Whether the current page shows search results.
    pub(crate) is_search: bool,
}

pub(crate) struct ContentsGroup {
    pub(crate) title: &'static str,
    pub(crate) links: Vec<ContentsLink>,
}

pub(crate) struct ContentsLink {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) is_here: bool,
}

/// A link to a section of the current page.
pub(crate) struct SectionLink {
    pub(crate) anchor: String,
    pub(crate) title: String,
}

#[derive(Template)]
#[template(path = "docs/quickstart.html")]
pub(crate) struct QuickstartPage {
    pub(crate) frame: Frame,
    pub(crate) contents: Contents,
    /// The page where keys are created. `None` without a session.
    pub(crate) keys_url: Option<String>,
    /// A line that sets the environment variable of the examples.
    pub(crate) key_line: String,
    /// A first request in each language.
    pub(crate) snippets: Vec<Snippet>,
    /// The base URL of the API, such as `http://localhost:8080/api/v1`.
    pub(crate) base_url: String,
    pub(crate) version: &'static str,
}

#[derive(Template)]
#[template(path = "docs/authentication.html")]
pub(crate) struct AuthenticationPage {
    pub(crate) frame: Frame,
    pub(crate) contents: Contents,
    pub(crate) scopes: Vec<DocsScope>,
}

pub(crate) struct DocsScope {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// The names of the permissions, separated by commas.
    pub(crate) permissions: String,
    pub(crate) is_publishable: bool,
}

#[derive(Template)]
#[template(path = "docs/errors.html")]
pub(crate) struct ErrorsPage {
    pub(crate) frame: Frame,
    pub(crate) contents: Contents,
    /// The body of an example.
    pub(crate) example: String,
    pub(crate) groups: Vec<ErrorGroup>,
}

pub(crate) struct ErrorGroup {
    pub(crate) anchor: &'static str,
    pub(crate) title: &'static str,
    pub(crate) errors: Vec<DocsError>,
}

/// An error code of the API.
#[derive(Clone)]
pub(crate) struct DocsError {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) cause: &'static str,
    pub(crate) remedy: &'static str,
}

#[derive(Template)]
#[template(path = "docs/group.html")]
pub(crate) struct GroupPage {
    pub(crate) frame: Frame,
    pub(crate) contents: Contents,
    /// The URL of the server, without a path.
    pub(crate) address: String,
    pub(crate) group: &'static DocsGroup,
}

#[derive(Template)]
#[template(path = "docs/guide.html")]
pub(crate) struct GuidePage {
    pub(crate) frame: Frame,
    pub(crate) contents: Contents,
    pub(crate) address: String,
    pub(crate) title: &'static str,
    pub(crate) parts: &'static [GuidePart],
}

/// A part of a guide.
pub(crate) enum GuidePart {
    /// HTML that the server wrote from a file of its own.
    Html(String),
    Code {
        label: String,
        code: String,
    },
}

#[derive(Template)]
#[template(path = "docs/search.html")]
pub(crate) struct SearchPage {
    pub(crate) frame: Frame,
    pub(crate) contents: Contents,
    /// Empty without a search.
    pub(crate) query: String,
    /// How many pages and sections match, such as "3 results".
    pub(crate) count: String,
    pub(crate) results: Vec<SearchResult>,
}

pub(crate) struct SearchResult {
    pub(crate) url: String,
    pub(crate) title: String,
    /// What the result is, such as "Error" or "Guide".
    pub(crate) kind: &'static str,
    /// The start of the text.
    pub(crate) excerpt: String,
}

/// The operations of a tag.
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
    pub(crate) example: ExampleRequest,
    /// The body of a successful response, or a sentence about it.
    pub(crate) response: ExampleResponse,
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

/// A request that shows how an operation is used.
pub(crate) struct ExampleRequest {
    pub(crate) method: String,
    /// The path with the prefix of the API, example IDs, and required parameters.
    pub(crate) path: String,
    pub(crate) takes_key: bool,
    /// Required headers with example values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: ExampleBody,
    pub(crate) returns_json: bool,
}

pub(crate) enum ExampleBody {
    None,
    Json(serde_json::Value),
    /// The bytes of an image, with their media type.
    Image(String),
}

pub(crate) struct ExampleResponse {
    pub(crate) status: String,
    /// JSON in several lines. `None` if the body isn't JSON.
    pub(crate) json: Option<String>,
    /// The description of the response.
    pub(crate) text: String,
}

impl DocsOperation {
    /// The CSS class of the method.
    fn method_slug(&self) -> String {
        self.method.to_lowercase()
    }

    /// The ID of a heading within the operation.
    fn id(&self, part: &str) -> String {
        format!("{}-{part}", self.anchor)
    }
}
