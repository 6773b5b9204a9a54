//! `GET /projects/{id}/datasets/records`: lists records.

use axum::extract::State;
use axum::response::Response;
use keyrack_core::Invalid;
use keyrack_key::RecordId;
use keyrack_store::RecordFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{DatasetRecord, InProject};
use crate::api::ApiError;
use crate::api::body::{Params, limit};
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::app::Shared;

/// A filter for records, and the position and the length of a page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordQuery {
    /// Only records of the batch with this ID. `batch` is an alias.
    #[serde(alias = "batch")]
    #[param(value_type = Option<crate::api::schema::BatchId>)]
    batch_id: Option<String>,
    /// Only records that have the label with this ID. `label` is an alias.
    #[serde(alias = "label")]
    #[param(value_type = Option<crate::api::schema::LabelId>)]
    label_id: Option<String>,
    /// `true`: only records with at least one label. `false`: only records without labels.
    #[param(value_type = Option<bool>)]
    labeled: Option<String>,
    /// The maximum number of items, 1 to 200. The default is 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `nextCursor` of the previous page.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl PageItem for DatasetRecord {
    const PAGE: &'static str = "DatasetRecordPage";
    const PAGE_DESCRIPTION: &'static str = "A page of records.";
}

type DatasetRecordPage = PageBody<DatasetRecord>;

impl RecordQuery {
    fn parse(&self) -> Result<(RecordFilter, Option<RecordId>, u32), Invalid> {
        let mut invalid = Invalid::default();
        let batch = self.batch_id.as_deref().map(str::parse).transpose();
        let batch = invalid.take("batchId", batch);
        let label = self.label_id.as_deref().map(str::parse).transpose();
        let label = invalid.take("labelId", label);
        let labeled = self.labeled.as_deref().map(str::parse).transpose();
        let labeled = invalid.take("labeled", labeled.map_err(|_| "Use true or false."));
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = invalid.take("cursor", after.map_err(|_| "Use the nextCursor of a page."));
        let limit = invalid.take("limit", limit(self.limit.as_deref()));
        match (batch, label, labeled, after, limit) {
            (Some(batch), Some(label), Some(is_labeled), Some(after), Some(limit)) => {
                Ok((RecordFilter { batch, label, labelled: is_labeled }, after, limit))
            }
            _ => Err(invalid),
        }
    }
}

/// List records
///
/// Returns the records of a project with their annotations, newest first. Lists leave out the metadata of annotations.
#[utoipa::path(get, path = "/projects/{id}/datasets/records", tag = "Datasets", operation_id = "listRecords",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."), RecordQuery),
    responses(
        (status = 200, description = "A page of records.", body = DatasetRecordPage),
        (status = 404, description = "The project doesn't exist."),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    turn: ListTurn,
    Params(query): Params<RecordQuery>,
) -> Result<Response, ApiError> {
    let (filter, after, limit) = query.parse()?;
    let page = app.datasets.records(&by, project, &filter, after, limit).await?;
    PageBody::respond(turn, page, |one| DatasetRecord::new(&one.record, &one.annotations)).await
}
