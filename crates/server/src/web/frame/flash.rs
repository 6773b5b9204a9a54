//! Messages that are shown once, on the page that a redirect leads to. A cookie carries them for up to a minute.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};

use super::view::{FlashMessage, Tone};
use crate::app::App;
use crate::http::session;

const NAME: &str = "keyrack_notice";

/// Redirects to `url`, which then shows `notice`.
pub(in crate::web) fn redirect(app: &App, url: &str, notice: &FlashMessage) -> Response {
    let tone = if notice.tone == Tone::Warning { "w" } else { "g" };
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("tone", tone).append_pair("text", &notice.text).append_pair("detail", &notice.detail);
    if let Some(path) = &notice.undo {
        pairs.append_pair("undo", path);
    }
    let cookie = session::set(NAME, &pairs.finish(), 60, app);
    ([(header::SET_COOKIE, cookie)], Redirect::to(url)).into_response()
}

/// The message in the cookies of a request. `None` without a message.
pub(super) fn take(headers: &HeaderMap) -> Option<FlashMessage> {
    let value = session::value(headers, NAME)?;
    let mut notice = FlashMessage::good("");
    for (name, value) in form_urlencoded::parse(value.as_bytes()) {
        match &*name {
            "tone" if value == "w" => notice.tone = Tone::Warning,
            "text" => notice.text = value.into_owned(),
            "detail" => notice.detail = value.into_owned(),
            "undo" => notice.undo = Some(value.into_owned()).filter(|path| is_undo(path)),
            _ => {}
        }
    }
    Some(notice).filter(|notice| !notice.text.is_empty())
}

/// Whether a form that is sent to `path` undoes a change. Another server of the same site can set cookies, so a cookie
/// must not name other forms.
fn is_undo(path: &str) -> bool {
    path.starts_with("/w/") && path.ends_with("/resume")
}

/// A `Set-Cookie` header that removes the message.
pub(super) fn clear(app: &App) -> HeaderValue {
    session::set(NAME, "", 0, app)
}
