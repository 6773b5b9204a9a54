//! The docs: quickstart, authentication, errors, the operations of the API, and guides. Everyone may read them. Signed-in users
//! see them beside the navigation of their workspace.

mod code;
mod contents;
mod errors;
mod examples;
mod guides;
mod reference;
mod search;
mod view;

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use keyrack_core::OpError;
use keyrack_guard::Problem;
use keyrack_key::{Class, Permission, Scope};
use serde::Deserialize;

use super::error::PageError;
use super::frame::{self, Frame, show};
use super::keys::address;
use super::text;
use crate::api::Params;
use crate::app::Shared;
use crate::http::api_path::PREFIX;
use crate::web::frame::NavItem;
use contents::{AUTHENTICATION, ERRORS, QUICKSTART, SEARCH, contents, group_url, guide_url};
use reference::reference;
use view::{
    AuthenticationPage, Contents, DocsScope, ErrorsPage, ExampleBody, ExampleRequest, GroupPage, GuidePage,
    QuickstartPage, SearchPage, SectionLink,
};

/// `GET /docs`: shows how to send the first request.
pub(super) async fn quickstart(State(app): State<Shared>, parts: Parts) -> Result<Response, PageError> {
    let address = address(&app, &parts);
    let (frame, contents) = around(&app, &parts, QUICKSTART, Vec::new()).await;
    let workspace = frame.shell.as_ref().and_then(|shell| shell.workspace.as_ref());
    let first = ExampleRequest {
        method: "GET".to_owned(),
        path: format!("{PREFIX}/projects"),
        takes_key: true,
        headers: Vec::new(),
        body: ExampleBody::None,
        returns_json: true,
    };
    let view = QuickstartPage {
        keys_url: workspace.map(|open| format!("/w/{}/settings/api-keys", open.slug)),
        key_line: format!("export {}={}_sk_…", code::KEY_VARIABLE, app.config.brands.current()),
        snippets: first.snippets(&address),
        base_url: format!("{address}{PREFIX}"),
        version: env!("CARGO_PKG_VERSION"),
        frame,
        contents,
    };
    Ok(show!(&app, view)?)
}

/// `GET /docs/authentication`: shows how to send a key, and what each scope allows.
pub(super) async fn authentication(State(app): State<Shared>, parts: Parts) -> Result<Response, PageError> {
    let within = links(&[("send", "Send a key"), ("scopes", "Scopes"), ("browsers", "Browsers and apps")]);
    let (frame, contents) = around(&app, &parts, AUTHENTICATION, within).await;
    let scope = |scope: Scope| DocsScope {
        title: scope.title(),
        description: scope.description(),
        permissions: scope.permissions().iter().map(Permission::name).collect::<Vec<_>>().join(", "),
        is_publishable: scope.permissions().is_within(Class::Publishable.ceiling()),
    };
    Ok(show!(&app, AuthenticationPage { frame, contents, scopes: Scope::ALL.map(scope).into() })?)
}

/// `GET /docs/errors`: lists all error codes.
pub(super) async fn errors(State(app): State<Shared>, parts: Parts) -> Result<Response, PageError> {
    let groups = errors::groups();
    let within = links(&groups.iter().map(|group| (group.anchor, group.title)).collect::<Vec<_>>());
    let (frame, contents) = around(&app, &parts, ERRORS, within).await;
    Ok(show!(&app, ErrorsPage { frame, contents, example: example_problem(), groups })?)
}

fn example_problem() -> String {
    let problem =
        Problem::new(http::StatusCode::NOT_FOUND, "not_found", OpError::NotFound("project").to_string());
    let body = problem.into_response::<String>(Some("req_0198c2f4a1b27c3d8e4f5a6b")).into_body();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    // Serialization of a JSON value can't fail.
    serde_json::to_string_pretty(&body).unwrap_or_default()
}

/// `GET /docs/api/{group}`: shows the operations of a group.
pub(super) async fn group(
    State(app): State<Shared>,
    Path(anchor): Path<String>,
    parts: Parts,
) -> Result<Response, PageError> {
    let group = reference(&app).iter().find(|group| group.anchor == anchor);
    let group = group.ok_or(OpError::NotFound("page"))?;
    let link =
        |(anchor, title): (&String, &String)| SectionLink { anchor: anchor.clone(), title: title.clone() };
    let within = group.operations.iter().map(|one| link((&one.anchor, &one.summary))).collect();
    let (frame, contents) = around(&app, &parts, &group_url(&anchor), within).await;
    Ok(show!(&app, GroupPage { frame, contents, address: address(&app, &parts), group })?)
}

/// `GET /docs/guides/{guide}`: shows a guide.
pub(super) async fn guide(
    State(app): State<Shared>,
    Path(slug): Path<String>,
    parts: Parts,
) -> Result<Response, PageError> {
    let guide = guides::GUIDES.iter().find(|guide| guide.slug == slug).ok_or(OpError::NotFound("page"))?;
    let (frame, contents) = around(&app, &parts, &guide_url(&slug), guide.links()).await;
    let address = address(&app, &parts);
    Ok(show!(&app, GuidePage { frame, contents, address, title: &guide.title, parts: &guide.parts })?)
}

/// The query of the search page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DocsQuery {
    q: String,
}

/// `GET /docs/search`: shows the pages and sections that contain all words of the query.
pub(super) async fn search(
    State(app): State<Shared>,
    Params(DocsQuery { q }): Params<DocsQuery>,
    parts: Parts,
) -> Result<Response, PageError> {
    let query: String = q.trim().chars().take(search::LONGEST).collect();
    let (frame, contents) = around(&app, &parts, SEARCH, Vec::new()).await;
    let results = search::find(&app, &query);
    let count = text::count(results.len() as u64, "result");
    let contents = Contents { query: query.clone(), ..contents };
    Ok(show!(&app, SearchPage { frame, contents, query, count, results })?)
}

/// The frame and the contents of the page `here`.
async fn around(app: &Shared, parts: &Parts, here: &str, within: Vec<SectionLink>) -> (Frame, Contents) {
    let frame = frame::of_visitor(app, parts, NavItem::Docs).await;
    (frame, contents(reference(app), here, within))
}

fn links(sections: &[(&str, &str)]) -> Vec<SectionLink> {
    let link =
        |(anchor, title): &(&str, &str)| SectionLink { anchor: (*anchor).into(), title: (*title).into() };
    sections.iter().map(link).collect()
}
