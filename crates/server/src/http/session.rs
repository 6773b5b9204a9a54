//! The cookie by which a browser is known.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use keyrack_core::people::{LONGEST, Token};

use crate::app::App;

/// With HTTPS the name itself forbids other hosts and plain HTTP to set it (RFC 6265bis, section 4.1.3.2).
fn name(app: &App) -> &'static str {
    if app.config.is_https() { "__Host-keyrack_session" } else { "keyrack_session" }
}

/// The token that came with a request.
pub fn token(headers: &HeaderMap, app: &App) -> Option<Token> {
    value(headers, name(app)).and_then(|text| Token::parse(&text))
}

/// The value of a cookie.
pub(crate) fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// `Set-Cookie` for somebody who has signed in.
pub(crate) fn keep(token: &Token, app: &App) -> HeaderValue {
    let seconds = i64::try_from(LONGEST.as_secs()).unwrap_or(i64::MAX);
    set(name(app), token.expose(), seconds, app)
}

/// `Set-Cookie` for somebody who has signed out.
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
    // Tokens are hexadecimal and notices are encoded: no value needs more than ASCII.
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
