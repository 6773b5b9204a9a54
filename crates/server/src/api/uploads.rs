//! `PUT /uploads/{id}`: receives the bytes of an image. The signature in the URL authorizes the request.

use axum::extract::{Path, Request, State};
use http::StatusCode;
use keyrack_core::OpError;
use keyrack_core::datasets::UploadError;
use keyrack_core::predict::memory::MemoryDenial;
use keyrack_guard::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::body::{Params, gather};
use crate::app::Shared;

/// The signature of an upload URL.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct UploadQuery {
    /// The signature from the `uploadUrl`.
    #[param(required = true)]
    signature: String,
}

/// Upload an image
///
/// Send the bytes to the `uploadUrl` of `createUpload`, without a key and with any `Content-Type`. The server validates the image
/// when a record is created for it. Until then, a repeated upload replaces the image.
#[utoipa::path(put, path = "/uploads/{id}", tag = "Datasets", operation_id = "uploadImage",
    request_body(content = inline(crate::api::schema::Bytes), content_type = "application/octet-stream"),
    params(("id" = crate::api::schema::UploadId, Path, description = "The upload's ID."), UploadQuery),
    responses(
        (status = 204, description = "The image is uploaded."),
        (status = 403, description = "The signature is invalid, the URL has expired, or the key that requested the URL may no longer upload."),
        (status = 409, description = "The image already has a record, or a newer request is uploading to the same URL."),
        (status = 413, description = "The image exceeds the server's maximum size."),
        (status = 422, description = "The body is empty."),
        (status = 429, description = "The key or the workspace that requested the URL uses its share of the server's image memory. Retry after `Retry-After` seconds."),
        (status = 503, description = "Too many uploads are running. Retry after `Retry-After` seconds.")))]
pub async fn put(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Params(query): Params<UploadQuery>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let id = id.parse().map_err(|_| UploadError::WrongSignature)?;
    // The signature is checked before any byte of the body is read.
    let (claimant, arrival) = app.datasets.admit_upload(id, &query.signature).await?;
    let most = app.config.max_image;
    let (parts, body) = request.into_parts();
    let received = gather(&parts.headers, body, app.datasets.memory(), claimant, most, |no| match no {
        MemoryDenial::TooLarge => too_large(most),
        MemoryDenial::Exhausted(exhausted) => OpError::from(exhausted).into(),
    });
    let (bytes, _held) = tokio::select! {
        received = received => received?,
        () = arrival.replaced() => return Err(replaced()),
    };
    app.datasets.put_upload(id, &query.signature, bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn replaced() -> ApiError {
    let message = "Another request started uploading to this URL. Only the newest request counts.";
    Problem::new(StatusCode::CONFLICT, "upload_replaced", message).into()
}

fn too_large(most: usize) -> ApiError {
    let message = format!("Use an image of {most} bytes or fewer.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large", message).into()
}
