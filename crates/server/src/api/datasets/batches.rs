//! `GET` and `POST /projects/{id}/batches`: pictures that came together.

use axum::Json;
use axum::extract::State;
use keyrack_core::times::rfc3339;
use keyrack_store::Batch;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InProject;
use crate::api::ApiError;
use crate::api::body::{Body, Params};
use crate::api::piece::Piece;
use crate::app::Shared;

/// A batch that shall be there.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateBatchRequest {
    /// 1 to 100 characters.
    #[schema(value_type = crate::api::schema::Name)]
    name: String,
}

/// Pictures that came together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Batch)]
pub struct BatchBody {
    #[schema(value_type = crate::api::schema::BatchId)]
    id: String,
    #[schema(example = "line 3, monday")]
    name: String,
    /// How many pictures it has; counted in the list alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A page of batches.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchPage {
    items: Vec<BatchBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl From<Batch> for BatchBody {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id.to_string(),
            name: batch.name,
            records: batch.records,
            created_at: rfc3339(batch.created_at),
        }
    }
}

/// Name a batch
///
/// The same name is the same batch: it is made the first time. Fields that are not listed are passed over.
#[utoipa::path(post, path = "/projects/{id}/batches", tag = "Datasets", operation_id = "createBatch", request_body = CreateBatchRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 200, description = "The batch of that name", body = BatchBody),
        (status = 404, description = "There is no such project"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn name(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Body(body): Body<CreateBatchRequest>,
) -> Result<Json<BatchBody>, ApiError> {
    Ok(Json(app.datasets.batch(&by, project, &body.name).await?.into()))
}

/// List batches
///
/// Newest first.
#[utoipa::path(get, path = "/projects/{id}/batches", tag = "Datasets", operation_id = "listBatches",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"), Piece),
    responses(
        (status = 200, description = "A page of batches", body = BatchPage),
        (status = 404, description = "There is no such project")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Params(piece): Params<Piece>,
) -> Result<Json<BatchPage>, ApiError> {
    let (after, limit) = piece.parse()?;
    let page = app.datasets.batches(&by, project, after, limit).await?;
    Ok(Json(BatchPage {
        items: page.items.into_iter().map(BatchBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
