//! Batches and labels: clients name them repeatedly, and the same name always gives the same batch or label.

use keyrack_key::{BatchId, LabelId, ProjectId};
use keyrack_store::{Batch, Label, NewLabel, Page};

use super::Datasets;
use crate::{AuthorizedCaller, Invalid, OpError, invalid};

/// The maximum number of labels in one request.
const LABELS: usize = 1_000;

impl Datasets {
    /// Returns the batch with this name, and creates the batch if it does not exist.
    pub async fn batch(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        name: &str,
    ) -> Result<Batch, OpError> {
        let project = self.project(by, project).await?;
        let name = invalid::name(name).map_err(|expected| Invalid::field("name", expected))?;
        let now = (self.clock)();
        Ok(by.writes(&self.store, now).find_or_create_batch(project.id, self.id(), &name, now).await?)
    }

    /// Up to `limit` batches of a project, newest first.
    pub async fn batches(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        after: Option<BatchId>,
        limit: u32,
    ) -> Result<Page<Batch, BatchId>, OpError> {
        let project = self.project(by, project).await?;
        Ok(self.store.batches(project.id, after, limit).await?)
    }

    /// Returns the labels with these names, in the same order, and creates missing labels. Each label has the name
    /// exactly as sent, because clients look labels up by name.
    pub async fn find_or_create_labels(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        names: &[String],
    ) -> Result<Vec<Label>, OpError> {
        let project = self.project(by, project).await?;
        if names.len() > LABELS {
            return Err(Invalid::field("labels", format!("Send {LABELS} names or fewer.")).into());
        }
        for name in names {
            // Validate the name like any other name, but keep its spaces. The store compares names by their
            // normalized keys.
            invalid::name(name).map_err(|expected| Invalid::field("name", expected))?;
            if name.chars().count() > 100 {
                return Err(Invalid::field("name", "Use 100 characters or fewer.").into());
            }
        }
        let wanted: Vec<_> = names.iter().map(|name| NewLabel { id: self.id(), name }).collect();
        let now = (self.clock)();
        Ok(by.writes(&self.store, now).find_or_create_labels(project.id, &wanted, now).await?)
    }

    /// Up to `limit` labels of a project, sorted by name.
    pub async fn labels(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        after: Option<LabelId>,
        limit: u32,
    ) -> Result<Page<Label, LabelId>, OpError> {
        let project = self.project(by, project).await?;
        Ok(self.store.labels(project.id, after, limit).await?)
    }
}
