//! The style sheet, the scripts, the icon, and the font, embedded in the binary. Their URLs contain a hash of their
//! content, so browsers may cache them without end.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use keyrack_core::OpError;
use keyrack_key::Digest;
use std::sync::LazyLock;

use super::error::PageError;
use crate::http::compression::StaticText;

pub(super) static CSS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_str!("../../assets/app.css"), "css", "text/css; charset=utf-8"));
pub(super) static JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_str!("../../assets/app.js"), "js", "text/javascript; charset=utf-8"));
pub(super) static PICTURES_JS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(include_str!("../../assets/pictures.js"), "js", "text/javascript; charset=utf-8")
});
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_str!("../../assets/icon.svg"), "svg", "image/svg+xml"));

/// The font Inter (SIL Open Font License 1.1, see `assets/inter.LICENSE.txt`): Latin letters in all weights. The style
/// sheet names this file, so a new version of the font needs a new name.
const FONT: (&str, &[u8]) = ("inter.1.woff2", include_bytes!("../../assets/inter.woff2"));
pub(super) const FONT_URL: &str = "/assets/inter.1.woff2";

/// The icon for the home screen of a phone, drawn from `assets/icon.svg`.
const TOUCH_ICON: &[u8] = include_bytes!("../../assets/touch-icon.png");
/// Phones request this path even if a page names no icon.
pub(super) const TOUCH_ICON_URL: &str = "/apple-touch-icon.png";

/// A file embedded in the binary.
pub(super) struct Asset {
    text: StaticText,
    name: String,
}

impl Asset {
    fn new(text: &'static str, ending: &str, kind: &'static str) -> Self {
        let digest = Digest::of(text.as_bytes());
        let short = hex::encode(&digest.as_bytes()[..6]);
        Self { text: StaticText::new(text, kind), name: format!("app.{short}.{ending}") }
    }

    /// The URL of the file.
    pub(super) fn url(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// `GET /assets/{file}`: sends an embedded file.
pub(super) async fn file(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, PageError> {
    let head = [(header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    if file == FONT.0 {
        return Ok((head, [(header::CONTENT_TYPE, "font/woff2")], FONT.1).into_response());
    }
    let found = [&CSS, &JS, &PICTURES_JS, &ICON].into_iter().find(|asset| asset.name == file);
    let asset = found.ok_or(OpError::NotFound("file"))?;
    Ok((head, asset.text.answer(&headers).await).into_response())
}

/// `GET /favicon.ico`: sends the icon to clients that request it without reading a page.
pub(super) async fn icon(headers: HeaderMap) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=86400")], ICON.text.answer(&headers).await).into_response()
}

/// `GET /apple-touch-icon.png`: sends the icon for the home screen.
pub(super) async fn touch_icon() -> Response {
    let head = [(header::CACHE_CONTROL, "public, max-age=86400"), (header::CONTENT_TYPE, "image/png")];
    (head, TOUCH_ICON).into_response()
}
