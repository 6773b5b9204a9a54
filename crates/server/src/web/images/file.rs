//! `…/images/{image}/file`: sends the bytes of an image or its thumbnail to the browser.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::datasets::ImageSize;
use serde::Deserialize;

use super::requested::RequestedImage;
use crate::api::Params;
use crate::app::Shared;
use crate::http::etag;
use crate::http::object_body::object_body;
use crate::web::error::PageError;

/// Prevents the browser from running anything in the file, for example scripts in an SVG image.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// The size of the image, from the query: `thumbnail`, or anything else for the full image.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FileQuery {
    size: String,
}

/// Sends the file. An image never changes, so the browser may cache it, but shared caches may not.
pub(in crate::web) async fn file(
    State(app): State<Shared>,
    RequestedImage { member, project, image }: RequestedImage,
    Params(query): Params<FileQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let size = if query.size == "thumbnail" { ImageSize::Thumbnail } else { ImageSize::Full };
    let tag = format!("\"{}-{size:?}\"", image.record.id);
    let head = [
        (header::CACHE_CONTROL, "private, max-age=86400, immutable"),
        (header::CONTENT_SECURITY_POLICY, SANDBOX),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::VARY, "Cookie"),
    ];
    if etag::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)], head).into_response());
    }
    let (file, content_type) = app.datasets.image(&member.acting, project.id, image.record.id, size).await?;
    let own = [(header::CONTENT_TYPE, content_type), (header::ETAG, tag)];
    Ok((own, head, object_body(file)).into_response())
}
