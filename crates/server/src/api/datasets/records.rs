//! `GET /projects/{id}/datasets/records`: a page of records.

use axum::Json;
use axum::extract::State;
use keyrack_core::Invalid;
use keyrack_key::RecordId;
use keyrack_store::RecordFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{InProject, RecordBody};
use crate::api::ApiError;
use crate::api::body::{Params, limit};
use crate::app::Shared;

/// Which records, and which piece of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordQuery {
    /// Those of this batch, by its id (`batch` means the same).
    #[serde(alias = "batch")]
    #[param(value_type = Option<crate::api::schema::BatchId>)]
    batch_id: Option<String>,
    /// Those that carry this label, by its id (`label` means the same).
    #[serde(alias = "label")]
    #[param(value_type = Option<crate::api::schema::LabelId>)]
    label_id: Option<String>,
    /// `true`: those with any label; `false`: those with none.
    #[param(value_type = Option<bool>)]
    labelled: Option<String>,
    /// At most this many, 1 to 200; 50 unless told otherwise.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DatasetRecordPage)]
pub struct RecordPage {
    items: Vec<RecordBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl RecordQuery {
    fn parse(&self) -> Result<(RecordFilter, Option<RecordId>, u32), Invalid> {
        let mut invalid = Invalid::default();
        let batch = self.batch_id.as_deref().map(str::parse).transpose();
        let batch = invalid.take("batchId", batch);
        let label = self.label_id.as_deref().map(str::parse).transpose();
        let label = invalid.take("labelId", label);
        let labelled = self.labelled.as_deref().map(str::parse).transpose();
        let labelled = invalid.take("labelled", labelled.map_err(|_| "expected true or false"));
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = invalid.take("cursor", after.map_err(|_| "expected the nextCursor of a page"));
        let limit = invalid.take("limit", limit(self.limit.as_deref()));
        match (batch, label, labelled, after, limit) {
            (Some(batch), Some(label), Some(labelled), Some(after), Some(limit)) => {
                Ok((RecordFilter { batch, label, labelled }, after, limit))
            }
            _ => Err(invalid),
        }
    }
}

/// List records
///
/// Newest first, with what is in them; the metadata of annotations is told with one record alone.
#[utoipa::path(get, path = "/projects/{id}/datasets/records", tag = "Datasets", operation_id = "listRecords",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"), RecordQuery),
    responses(
        (status = 200, description = "A page of records", body = RecordPage),
        (status = 404, description = "There is no such project"),
        (status = 422, description = "A parameter is not as expected; `details` names it")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Params(query): Params<RecordQuery>,
) -> Result<Json<RecordPage>, ApiError> {
    let (filter, after, limit) = query.parse()?;
    let page = app.datasets.records(&by, project, &filter, after, limit).await?;
    Ok(Json(RecordPage {
        items: page.items.iter().map(|one| RecordBody::of(&one.record, &one.annotations)).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
