//! `POST /projects/{id}/upload`: creates a signed URL for the upload of one image.

use axum::extract::State;
use axum::{Extension, Json};
use http::HeaderMap;
use keyrack_core::times::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InProject;
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;
use crate::http::compression::Uncompressed;

/// The image to upload.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateUploadRequest {
    /// The name of the file. The server detects the type of the image from its bytes.
    #[schema(example = "cap-0001.jpg")]
    name: String,
}

/// A signed URL for the upload of one image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload)]
pub struct UploadBody {
    /// The URL for the `PUT` request with the bytes of the image. The request needs no key.
    upload_url: String,
    /// The `source` for creating the record.
    #[schema(value_type = crate::api::schema::UploadUri)]
    uri: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Create an upload URL
///
/// Returns a signed URL for one image. The URL expires after 15 minutes, or when the key that requested it may no longer upload.
/// The maximum size is 10 MB unless configured. Unknown fields are ignored.
#[utoipa::path(post, path = "/projects/{id}/upload", tag = "Datasets", operation_id = "createUpload", request_body = CreateUploadRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 200, description = "The upload URL.", body = UploadBody),
        (status = 404, description = "The project doesn't exist."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn create(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    headers: HeaderMap,
    Body(body): Body<CreateUploadRequest>,
) -> Result<(Extension<Uncompressed>, Json<UploadBody>), ApiError> {
    let upload = app.datasets.reserve_upload(&by, project, &body.name).await?;
    let address = app.address(&headers);
    let body = UploadBody {
        upload_url: format!("{address}/api/v1/uploads/{}?signature={}", upload.upload, upload.token),
        uri: upload.uri,
        expires_at: rfc3339(upload.expires_at),
    };
    Ok((Extension(Uncompressed), Json(body)))
}
