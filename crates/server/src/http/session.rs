//! The session cookie.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use keyrack_core::people::{LONGEST, Token};

use crate::app::App;

/// With HTTPS the name prevents other hosts and plain HTTP from setting the cookie (RFC 6265bis, section 4.1.3.2).
fn name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-keyrack_session" } else { "keyrack_session" }
}

/// Returns the session token of a request, or `None` if it is missing or malformed.
pub fn token(headers: &HeaderMap, app: &App) -> Option<Token> {
    value(headers, name(app)).and_then(|text| Token::parse(&text))
}

pub(crate) fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// Returns the `Set-Cookie` value that signs a browser in.
pub(crate) fn keep(token: &Token, app: &App) -> HeaderValue {
    let seconds = i64::try_from(LONGEST.as_secs()).unwrap_or(i64::MAX);
    set(name(app), token.expose(), seconds, app)
}

/// Returns the `Set-Cookie` value that signs a browser out.
pub(crate) fn forget(app: &App) -> HeaderValue {
    set(name(app), "", 0, app)
}

pub(crate) fn set(name: &str, value: &str, seconds: i64, app: &App) -> HeaderValue {
    let cookie = Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(app.config.is_https())
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::seconds(seconds));
    // Tokens are hexadecimal and notices are encoded, so all values are ASCII.
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
