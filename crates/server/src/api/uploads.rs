//! `PUT /uploads/{id}`: the bytes of a picture, from whoever holds the URL.

use axum::extract::{Path, Request, State};
use http::StatusCode;
use keyrack_core::OpError;
use keyrack_core::datasets::UploadError;
use keyrack_core::predict::room::NoRoom;
use keyrack_guard::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::body::{Params, gather};
use crate::app::Shared;

/// What makes the URL good.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Signed {
    /// As it was answered.
    #[param(required = true)]
    signature: String,
}

/// Send a picture
///
/// To the `uploadUrl` that was answered, with no key. Of any `Content-Type`: the bytes tell what it is, and they are
/// looked at when the record is made. Sending again replaces what was sent, until there is a record.
#[utoipa::path(put, path = "/uploads/{id}", tag = "Datasets", operation_id = "uploadImage",
    request_body(content = inline(crate::api::schema::Bytes), content_type = "application/octet-stream"),
    params(("id" = crate::api::schema::UploadId, Path, description = "The upload's ID"), Signed),
    responses(
        (status = 204, description = "It has arrived"),
        (status = 403, description = "The URL is not as it was answered, its time is over, or the key that asked may not upload any more"),
        (status = 409, description = "A record was made of it already, or another request sends to the same URL now"),
        (status = 413, description = "It is larger than this server takes"),
        (status = 422, description = "There were no bytes"),
        (status = 429, description = "The key or workspace that requested the upload URL already uses its share of the server's image memory; retry after `Retry-After` seconds"),
        (status = 503, description = "Too many are sending; try again in a moment")))]
pub async fn put(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Params(signed): Params<Signed>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let id = id.parse().map_err(|_| UploadError::WrongSignature)?;
    // Nothing is read from strangers.
    let (claimant, arrival) = app.datasets.expect_upload(id, &signed.signature).await?;
    let most = app.config.max_image;
    let (parts, body) = request.into_parts();
    let gathered = gather(&parts.headers, body, app.datasets.room(), claimant, most, |no| match no {
        NoRoom::TooMany => too_large(most),
        NoRoom::Full(exhausted) => OpError::from(exhausted).into(),
    });
    let (bytes, _held) = tokio::select! {
        gathered = gathered => gathered?,
        () = arrival.replaced() => return Err(replaced()),
    };
    app.datasets.put_upload(id, &signed.signature, bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn replaced() -> ApiError {
    let says = "Another request started uploading to this URL. Only the newest request counts.";
    Problem::new(StatusCode::CONFLICT, "upload_replaced", says).into()
}

fn too_large(most: usize) -> ApiError {
    let says = format!("expected an image of at most {most} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large", says).into()
}
