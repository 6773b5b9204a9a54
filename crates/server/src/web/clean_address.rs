//! Keeps secret keys out of the addresses of pages: people paste a whole key into a search.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use keyrack_key::find_secret;

/// Middleware that redirects to the same page with the last four characters of a secret key in place of the whole key, if
/// the query contains one.
pub(super) async fn pages(request: Request, next: Next) -> Response {
    let query = request.uri().query().filter(|_| request.method() == Method::GET);
    match query.and_then(without_secrets) {
        Some(query) => Redirect::to(&format!("{}?{query}", request.uri().path())).into_response(),
        None => next.run(request).await,
    }
}

/// Returns `None` if the query contains no secret key. The characters of a key are never percent-encoded by browsers.
fn without_secrets(query: &str) -> Option<String> {
    // A key as a credential is denied by the page.
    if query.split('&').any(|parameter| parameter.starts_with("api-key=")) {
        return None;
    }
    let mut cleaned = query.to_owned();
    while let Some(secret) = find_secret(&cleaned) {
        cleaned.replace_range(secret.start..secret.end - 4, "");
    }
    (cleaned != query).then_some(cleaned)
}
