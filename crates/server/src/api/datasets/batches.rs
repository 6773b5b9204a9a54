//! `GET` and `POST /projects/{id}/batches`: list and create batches, which are groups of images that were uploaded together.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use keyrack_core::times::rfc3339;
use keyrack_store::Batch;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InProject;
use crate::api::ApiError;
use crate::api::body::{Body, Params};
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::api::page_query::PageQuery;
use crate::app::Shared;

/// The name of a batch.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateBatchRequest {
    /// A name of 1 to 100 characters.
    #[schema(value_type = crate::api::schema::DisplayName)]
    name: String,
}

/// A group of images that were uploaded together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Batch)]
pub struct BatchBody {
    #[schema(value_type = crate::api::schema::BatchId)]
    id: String,
    #[schema(example = "line 3, monday")]
    name: String,
    /// The number of images in the batch. Only lists of batches have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_count: Option<u64>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl PageItem for BatchBody {
    const PAGE: &'static str = "BatchPage";
    const PAGE_DESCRIPTION: &'static str = "A page of batches.";
}

type BatchPage = PageBody<BatchBody>;

impl From<Batch> for BatchBody {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id.to_string(),
            name: batch.name,
            record_count: batch.records,
            created_at: rfc3339(batch.created_at),
        }
    }
}

/// Create a batch
///
/// Returns the existing batch if the project has a batch with this name. Unknown fields are ignored.
#[utoipa::path(post, path = "/projects/{id}/batches", tag = "Datasets", operation_id = "createBatch", request_body = CreateBatchRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 200, description = "The batch.", body = BatchBody),
        (status = 404, description = "The project doesn't exist."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn create(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Body(body): Body<CreateBatchRequest>,
) -> Result<Json<BatchBody>, ApiError> {
    Ok(Json(app.datasets.batch(&by, project, &body.name).await?.into()))
}

/// List batches
///
/// Returns the batches of a project, newest first.
#[utoipa::path(get, path = "/projects/{id}/batches", tag = "Datasets", operation_id = "listBatches",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."), PageQuery),
    responses(
        (status = 200, description = "A page of batches.", body = BatchPage),
        (status = 404, description = "The project doesn't exist.")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    turn: ListTurn,
    Params(page): Params<PageQuery>,
) -> Result<Response, ApiError> {
    let (after, limit) = page.parse()?;
    let page = app.datasets.batches(&by, project, after, limit).await?;
    PageBody::respond(turn, page, BatchBody::from).await
}
