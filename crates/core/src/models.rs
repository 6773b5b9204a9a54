//! Models: starts training runs, follows and cancels them, and lists, reads and deletes models.

mod begin;
mod follow;
mod settings;

use std::collections::BTreeSet;
use std::sync::Arc;

use keyrack_key::{Allowlist, ModelId, ProjectId, Restrictions};
use keyrack_rack::Clock;
use keyrack_store::{CurvePoint, Model, ModelStatus, Page, Store, StoreError};
use serde_json::Value;
use tokio::sync::watch;

use super::quotas::Quotas;
use super::removals::Removals;
use super::who::Covered;
use super::{AuthorizedCaller, Invalid, OpError, Random, invalid};
use crate::disk::Disk;
use crate::objects::model_prefix;
use crate::shares::Budget;

pub use begin::{LabelShortage, TooFewImages};
pub use settings::TrainSettings;

/// The models of all workspaces.
#[derive(Clone, Debug)]
pub struct Models {
    store: Store,
    removals: Removals,
    quotas: Quotas,
    disk: Arc<Disk>,
    clock: Clock,
    random: Random,
    /// Notified when a training run enters the queue.
    queued: watch::Sender<()>,
    streams: Budget,
    closing: watch::Sender<bool>,
}

/// Each stream queries the store twice a second. One key can hold half of the streams, and one workspace
/// three quarters.
const STREAMS: usize = 500;

/// The most models that [`Models::newest_ready`] reads.
const SEARCHED_MODELS: u32 = 100;

impl Models {
    /// The models of `store`.
    pub fn new(
        store: Store,
        removals: Removals,
        quotas: Quotas,
        disk: Arc<Disk>,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            store,
            removals,
            quotas,
            disk,
            clock,
            random,
            queued: watch::Sender::new(()),
            streams: Budget::new("event streams", STREAMS),
            closing: watch::Sender::new(false),
        }
    }

    /// Returns a receiver that is notified of every queued training run.
    pub fn queued(&self) -> watch::Receiver<()> {
        self.queued.subscribe()
    }

    /// Ends all current and future streams, so that a stopping server does not wait for them.
    pub fn end_streams(&self) {
        self.closing.send_replace(true);
    }

    /// A page of the models of a project, or of all models that the caller may open, newest first.
    pub async fn list(
        &self,
        by: &AuthorizedCaller,
        project: Option<ProjectId>,
        after: Option<ModelId>,
        limit: u32,
    ) -> Result<Page<Model, ModelId>, OpError> {
        if let Allowlist::Only(named) = by.covered_models() {
            if let Some(id) = project {
                let project = self.store.project(by.workspace, id).await?;
                by.cover(project.ok_or(OpError::NotFound("project"))?)?;
            }
            return self.list_named(by, project, &named, after, limit).await;
        }
        if let Some(id) = project {
            let project = self.store.project(by.workspace, id).await?.ok_or(OpError::NotFound("project"))?;
            let project = by.cover(project)?;
            return Ok(self.store.models(by.workspace, Some(project.id), after, limit).await?);
        }
        match by.covered_projects() {
            Allowlist::Any => Ok(self.store.models(by.workspace, None, after, limit).await?),
            Allowlist::Only(covered) => self.list_of(by, covered, after, limit).await,
        }
    }

    /// Reads the models one by one: a key names at most a hundred models, and a page of all models might
    /// contain no named model.
    async fn list_named(
        &self,
        by: &AuthorizedCaller,
        project: Option<ProjectId>,
        named: &BTreeSet<ModelId>,
        after: Option<ModelId>,
        limit: u32,
    ) -> Result<Page<Model, ModelId>, OpError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut items, mut next) = (Vec::<Model>::new(), None);
        for id in named.iter().rev().filter(|id| after.is_none_or(|after| **id < after)) {
            let Some(model) = self.store.model(by.workspace, *id).await? else { continue };
            let Ok(model) = by.cover_model(model) else { continue };
            if project.is_some_and(|project| project != model.project) {
                continue;
            }
            if items.len() == limit {
                next = items.last().map(|last| last.id);
                break;
            }
            items.push(model.into_inner());
        }
        Ok(Page { items, next })
    }

    /// Merges the pages of the projects: a key names at most a hundred projects.
    async fn list_of(
        &self,
        by: &AuthorizedCaller,
        projects: impl IntoIterator<Item = ProjectId>,
        after: Option<ModelId>,
        limit: u32,
    ) -> Result<Page<Model, ModelId>, OpError> {
        let (mut items, mut more) = (Vec::new(), false);
        for project in projects {
            let page = self.store.models(by.workspace, Some(project), after, limit).await?;
            more |= page.next.is_some();
            items.extend(page.items);
        }
        items.sort_by_key(|model: &Model| std::cmp::Reverse(model.id));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        more |= items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|model| model.id);
        Ok(Page { items, next })
    }

    /// Returns the newest ready model with which a key with these restrictions can predict. Searches the
    /// newest 100 models.
    pub async fn newest_ready(
        &self,
        by: &AuthorizedCaller,
        restrictions: &Restrictions,
    ) -> Result<Option<Model>, OpError> {
        let newest = self.list(by, None, None, SEARCHED_MODELS).await?;
        Ok(newest.items.into_iter().find(|model| {
            model.status == ModelStatus::Ready && restrictions.cover_model(model.project, model.id)
        }))
    }

    /// Returns a model of the workspace, if the caller may open it.
    pub async fn read(&self, by: &AuthorizedCaller, id: ModelId) -> Result<Covered<Model>, OpError> {
        let model = self.store.model(by.workspace, id).await?.ok_or(OpError::NotFound("model"))?;
        by.cover_model(model)
    }

    /// The loss curve, starting with the first step.
    pub async fn curve(&self, by: &AuthorizedCaller, id: ModelId) -> Result<Vec<CurvePoint>, OpError> {
        let model = self.read(by, id).await?;
        Ok(self.store.curve(model.id).await?)
    }

    /// The part of the model card that callers with prediction permission may see. The examples are removed, because
    /// they name images of the dataset.
    pub async fn card(&self, by: &AuthorizedCaller, id: ModelId) -> Result<(Covered<Model>, Value), OpError> {
        let model = self.read(by, id).await?;
        let Some(mut card) = model.card.clone() else {
            return Err(OpError::NoModelCard(model.status));
        };
        if let Some(card) = card.as_object_mut() {
            card.remove("examples");
        }
        Ok((model, card))
    }

    /// Cancels a training run: a queued run at once, a running one within two seconds.
    pub async fn cancel(&self, by: &AuthorizedCaller, id: ModelId) -> Result<Model, OpError> {
        let model = self.read(by, id).await?;
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let cancelled = store.cancel_model(by.workspace, model.id, by.actor(), now);
        cancelled.await.map_err(named)
    }

    /// Renames a model in any state. The ID stays the same.
    pub async fn rename(&self, by: &AuthorizedCaller, id: ModelId, name: &str) -> Result<Model, OpError> {
        let model = self.read(by, id).await?;
        let name = invalid::name(name).map_err(|expected| Invalid::field("name", expected))?;
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let renamed = store.rename_model(by.workspace, model.id, &name, by.actor(), now);
        renamed.await.map_err(named)
    }

    /// Deletes a model in any state, with its objects.
    pub async fn delete(&self, by: &AuthorizedCaller, id: ModelId) -> Result<(), OpError> {
        let model = self.read(by, id).await?;
        let objects = [model_prefix(model.project, model.id)];
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let deleted = store.delete_model(by.workspace, model.id, &objects, by.actor(), now);
        deleted.await.map_err(named)?;
        self.removals.wake();
        Ok(())
    }
}

fn named(error: StoreError) -> OpError {
    match error {
        StoreError::NotFound => OpError::NotFound("model"),
        StoreError::NameTaken => OpError::NameTaken("model"),
        other => other.into(),
    }
}
