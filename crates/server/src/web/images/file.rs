//! `…/images/{image}/file`: the bytes of an image, for the browser that shows it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::chosen::Chosen;
use crate::api::Params;
use crate::app::Shared;
use crate::edge::etag;
use crate::ops::datasets::Size;
use crate::web::error::PageError;

/// Whatever the bytes are, nothing in them runs, and they are no page.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// Which of the two.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    size: String,
}

/// Sends it. An image never changes, so the browser may keep it; nobody in between may.
pub(in crate::web) async fn file(
    State(app): State<Shared>,
    Chosen { member, project, image }: Chosen,
    Params(wanted): Params<Wanted>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let size = if wanted.size == "thumbnail" { Size::Thumbnail } else { Size::Full };
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
    Ok((own, head, file.into_answer()).into_response())
}
