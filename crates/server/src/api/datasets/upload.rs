//! `POST /projects/{id}/upload`: ask for a place for one picture.

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
use crate::edge::compression::Uncompressed;

/// A picture that is to come.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateUploadRequest {
    /// What its file is called. Its type is told by its bytes alone.
    #[schema(example = "cap-0001.jpg")]
    name: String,
}

/// A place for one picture.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload)]
pub struct UploadBody {
    /// `PUT` the bytes here, with no key. Whoever has this URL can do so.
    upload_url: String,
    /// The `source` of the record.
    #[schema(value_type = crate::api::schema::UploadUri)]
    uri: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Ask for an upload URL
///
/// It is good for one picture of at most the size that the server takes (10 MB unless its operator chose another), for
/// 15 minutes, and for as long as the key that asked may upload. Fields that are not listed are passed over.
#[utoipa::path(post, path = "/projects/{id}/upload", tag = "Datasets", operation_id = "createUpload", request_body = CreateUploadRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 200, description = "Where to send it", body = UploadBody),
        (status = 404, description = "There is no such project"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn ask(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    headers: HeaderMap,
    Body(body): Body<CreateUploadRequest>,
) -> Result<(Extension<Uncompressed>, Json<UploadBody>), ApiError> {
    let promise = app.datasets.ask_upload(&by, project, &body.name).await?;
    let address = app.address(&headers);
    let body = UploadBody {
        upload_url: format!("{address}/api/v1/uploads/{}?signature={}", promise.upload, promise.token),
        uri: promise.uri,
        expires_at: rfc3339(promise.expires_at),
    };
    Ok((Extension(Uncompressed), Json(body)))
}
