//! Responds to bytes that the HTTP library cannot parse as a request.

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, header};
use keyrack_guard::Problem;

use super::exchange::Exchange;
use super::{cors, host, problem};
use crate::app::{App, Shared};
use crate::http::listen::AnswerUnread;
use crate::http::router::A_YEAR;

/// Returns a function that responds to such bytes, and counts and logs them like other denied requests.
pub fn answers(app: &Shared) -> AnswerUnread {
    let app = app.clone();
    Arc::new(move |status, address| answer(&app, status, address))
}

fn answer(app: &App, status: StatusCode, address: IpAddr) -> Response {
    let exchange = Exchange::of_unread(address);
    // A page that called the API can read this denial, as it can read other denials.
    let mut answer = cors::open(exchange.end(app, problem::carrying(problem_of(status))));
    if app.config.is_https() {
        answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
    answer
}

fn problem_of(status: StatusCode) -> Problem {
    match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => host::headers_too_large(),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The request isn't valid HTTP/1.1: its first line, a header, or the length of its body \
             (Content-Length, Transfer-Encoding) is invalid. Correct it and send it again.",
        ),
    }
}
