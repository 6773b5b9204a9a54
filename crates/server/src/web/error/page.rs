//! Error pages.

use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use keyrack_core::OpError;
use keyrack_guard::Problem;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::view::ErrorPage;
use crate::api;
use crate::app::{App, Shared};
use crate::http::api_path::{accepts_html, carries_key, first_segment};
use crate::http::problem::carrying;
use crate::http::{origin, problem, problems, request_id};
use crate::web::frame::{Frame, NavItem};
use crate::web::{form, frame};

/// Middleware that writes an error page for each response with a problem attached.
pub async fn render(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let kept = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let problem = problem::take(&mut response, &app.guard).or_else(|| match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Some(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This page doesn't accept this kind of request. Go back and reload it.",
        )),
        StatusCode::BAD_REQUEST => Some(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "We can't read this URL. Check it and try again.",
        )),
        _ => None,
    });
    match problem {
        Some(problem) => {
            let allow = response.headers().get(header::ALLOW).cloned();
            let mut written = page(&app, &kept, &problem).await;
            written.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
            written
        }
        None => response,
    }
}

/// The error page for `problem`, with the navigation if the request has a valid session.
async fn page(app: &Shared, request: &Parts, problem: &Problem) -> Response {
    // A server with an error of its own does no further work.
    if problem.status().is_server_error() {
        return page_without_shell(app, request, problem);
    }
    let frame = frame::of_visitor(app, request, NavItem::Elsewhere).await;
    written(frame, request, problem)
}

/// The error page for `problem`, for requests that may come from another site.
pub fn page_without_shell(app: &App, request: &Parts, problem: &Problem) -> Response {
    written(frame::without_shell(app, &request.headers), request, problem)
}

fn written(frame: Frame, request: &Parts, problem: &Problem) -> Response {
    let id = request.headers.get(request_id::HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let view = ErrorPage {
        frame,
        status: problem.status().as_u16(),
        title: title(problem).to_owned(),
        text: form::sentence(problem.message()),
        request_id: id.to_owned(),
        // Before setup, the home page shows this same error.
        button: (problem.code() != "not_set_up").then_some(("/", "Go to the home page")),
    };
    match view.render() {
        Ok(html) => (problem.status(), [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(_) => carrying(problem.clone()),
    }
}

fn title(problem: &Problem) -> &'static str {
    match problem.code() {
        "not_set_up" => return "Setup isn't finished",
        "already_set_up" => return "Setup is already finished",
        "wrong_setup_link" => return "Invalid setup link",
        _ => {}
    }
    match problem.status() {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "You don't have access",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "This was changed by someone else",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        StatusCode::MISDIRECTED_REQUEST => "Unknown host name",
        status if status.is_server_error() => "Something went wrong",
        _ => "We couldn't process this request",
    }
}

/// The response for an unknown path: an error page for browsers, and a problem document for other clients.
pub async fn unknown_path(State(app): State<Shared>, request: Parts) -> Response {
    let is_beside_pages = PAGES.contains(first_segment(request.uri.path()));
    let is_person = accepts_html(&request.headers) && !carries_key(&request.headers, &request.uri);
    if !is_beside_pages && !is_person {
        return api::no_such_path().await.into_response();
    }
    match origin::check(&request.method, &request.headers, app.guard.own_origins()) {
        Ok(()) => page(&app, &request, &problems::of(&OpError::NotFound("page"), &app.guard)).await,
        Err(foreign) => page_without_shell(&app, &request, &foreign.problem()),
    }
}

/// The first segments of the paths of all pages.
static PAGES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    crate::web::routes()
        .iter()
        .map(|page| first_segment(&page.path).to_owned())
        .filter(|one| !one.is_empty())
        .collect()
});
