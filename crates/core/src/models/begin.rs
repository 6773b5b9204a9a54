//! Starts training runs.

use keyrack_key::{ProjectId, QuotaResource};
use keyrack_store::{AnnotationTotals, Model, NewModel, Project, ProjectType, StoreError};
use keyrack_vision::{ANNOTATED_IMAGES_MIN, IMAGES_PER_LABEL_MIN, NotEnoughImages, classify, detect};
use serde_json::Value;

use super::{Models, TrainSettings, named};
use crate::quotas::QuotaUnit;
use crate::{AuthorizedCaller, Invalid, OpError, invalid};

/// How many generated names are tried before the run fails with `NameTaken`.
const NAMES: u64 = 100;

/// Why a project has too few images for a training run. Lists every label that lacks images, so that a person can add
/// all of them at once.
#[derive(Clone, Debug, thiserror::Error)]
#[error("This project doesn't have enough images to train a model. {lacks}")]
pub struct TooFewImages {
    lacks: NotEnoughImages,
    pub short: Vec<LabelShortage>,
}

/// A label in use that lacks images.
#[derive(Clone, Debug)]
pub struct LabelShortage {
    pub label: String,
    /// The number of images with the label.
    pub has: usize,
    /// The number of images to add.
    pub missing: usize,
}

impl Models {
    /// Puts a training run into the queue if the project has enough images, and returns the quota usage. Without a
    /// name, the model gets the next free name, such as `Model 3`.
    pub async fn train(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        name: Option<String>,
        settings: TrainSettings,
    ) -> Result<(Model, QuotaUnit), OpError> {
        let project = self.store.project(by.workspace, project).await?.ok_or(OpError::NotFound("project"))?;
        let project = by.cover(project)?;
        by.check_all_models()?;
        let settings = settings.check(project.project_type)?;
        let name = name.map(|name| invalid::name(&name)).transpose();
        let name = name.map_err(|expected| Invalid::field("name", expected))?;
        enough(project.project_type, &self.store.annotation_totals(project.id).await?)?;
        // Deny the run if the disk is low, because the model could not be stored.
        self.disk.admit(0)?;
        let spent = self.quotas.spend(by, QuotaResource::Trainings).await?;
        let queued = match name {
            Some(name) => self.queue(by, &project, &name, &settings).await.map_err(gone),
            None => self.queue_unnamed(by, &project, &settings).await,
        };
        let begun = spent.settle(queued)?;
        self.queued.send_replace(());
        Ok(begun)
    }

    /// Returns what the project still needs before a training run can start, in sentences for people. An empty list
    /// means that the run can start.
    pub async fn lacks(&self, by: &AuthorizedCaller, project: ProjectId) -> Result<Vec<String>, OpError> {
        let project = self.store.project(by.workspace, project).await?.ok_or(OpError::NotFound("project"))?;
        let project = by.cover(project)?;
        let material = self.store.annotation_totals(project.id).await?;
        let Err(lacks) = enough(project.project_type, &material) else { return Ok(Vec::new()) };
        let mut says = Vec::new();
        let counts = match project.project_type {
            ProjectType::Classification => counts(&material.classified),
            ProjectType::ObjectDetection => counts(&material.boxed),
        };
        let marked = usize::try_from(material.marked).unwrap_or(usize::MAX);
        match project.project_type {
            ProjectType::Classification if counts.iter().filter(|(_, has)| *has > 0).count() < 2 => {
                says.push("Label images with at least 2 labels.".to_owned());
            }
            ProjectType::ObjectDetection if marked < ANNOTATED_IMAGES_MIN => {
                let needs = ANNOTATED_IMAGES_MIN - marked;
                says.push(format!("Draw boxes on {needs} more images. {marked} images have boxes."));
            }
            _ => {}
        }
        for (label, has) in counts.iter().filter(|(_, has)| (1..IMAGES_PER_LABEL_MIN).contains(has)) {
            says.push(format!("{label}: {has} of {IMAGES_PER_LABEL_MIN} images."));
        }
        if says.is_empty() {
            says.push(lacks.to_string());
        }
        Ok(says)
    }

    async fn queue_unnamed(
        &self,
        by: &AuthorizedCaller,
        project: &Project,
        settings: &Value,
    ) -> Result<Model, OpError> {
        let models = self.store.project_counts(project.id).await?.models;
        for number in (models + 1)..(models + 1 + NAMES) {
            match self.queue(by, project, &format!("Model {number}"), settings).await {
                Err(StoreError::NameTaken) => {}
                done => return done.map_err(gone),
            }
        }
        Err(OpError::NameTaken("model"))
    }

    async fn queue(
        &self,
        by: &AuthorizedCaller,
        project: &Project,
        name: &str,
        settings: &Value,
    ) -> Result<Model, StoreError> {
        let now = (self.clock)();
        let new = NewModel {
            id: self.random.id(now),
            workspace: by.workspace,
            project: project.id,
            name,
            settings,
            actor: by.actor(),
            now,
        };
        by.writes(&self.store, now).create_model(&new).await
    }
}

/// `NotFound` means that the project was deleted after it was read.
fn gone(error: StoreError) -> OpError {
    match error {
        StoreError::NotFound => OpError::NotFound("project"),
        other => named(other),
    }
}

fn enough(project_type: ProjectType, material: &AnnotationTotals) -> Result<(), TooFewImages> {
    match project_type {
        ProjectType::Classification => {
            let counts = counts(&material.classified);
            classify::check_counts(&counts).map_err(|lacks| TooFewImages::new(lacks, &counts))
        }
        ProjectType::ObjectDetection => {
            let marked = usize::try_from(material.marked).unwrap_or(usize::MAX);
            let counts = detect::AnnotationCounts { marked, labels: counts(&material.boxed) };
            detect::check_counts(&counts).map_err(|lacks| TooFewImages::new(lacks, &counts.labels))
        }
    }
}

fn counts(labels: &[(String, u64)]) -> Vec<(String, usize)> {
    labels.iter().map(|(label, has)| (label.clone(), usize::try_from(*has).unwrap_or(usize::MAX))).collect()
}

impl TooFewImages {
    fn new(lacks: NotEnoughImages, counts: &[(String, usize)]) -> Self {
        let short = counts.iter().filter(|(_, has)| (1..IMAGES_PER_LABEL_MIN).contains(has));
        let short = short.map(|(label, has)| LabelShortage {
            label: label.clone(),
            has: *has,
            missing: IMAGES_PER_LABEL_MIN - has,
        });
        Self { lacks, short: short.collect() }
    }
}

impl From<TooFewImages> for OpError {
    fn from(error: TooFewImages) -> Self {
        Self::TooFewImages(Box::new(error))
    }
}
