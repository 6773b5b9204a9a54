//! Asking for a model.

use http::StatusCode;
use keyrack_guard::Problem;
use keyrack_key::{ModelId, ProjectId};
use keyrack_store::{Material, Model, NewModel, Project, ProjectType, StoreError};
use keyrack_vision::{FEWEST_EACH, TooFew, classify};
use rand_core::UnwrapErr;
use serde_json::Value;

use super::{Models, TrainSettings, named};
use crate::ops::{Acting, Invalid, OpError, invalid};

/// So many names in a row that are taken are no coincidence any more.
const NAMES: u64 = 100;

impl Models {
    /// Puts a training into the queue, if there is enough to learn from. Without a name the model gets the next
    /// free one, such as `Model 3`.
    pub async fn train(
        &self,
        by: &Acting,
        project: ProjectId,
        name: Option<String>,
        settings: TrainSettings,
    ) -> Result<Model, OpError> {
        let project = self.store.project(by.workspace, project).await?.ok_or(OpError::NotFound("project"))?;
        let project = by.covers(project)?;
        let settings = settings.check(project.project_type)?;
        let name = name.map(|name| invalid::name(&name)).transpose();
        let name = name.map_err(|expected| Invalid::field("name", expected))?;
        enough(project.project_type, &self.store.material(project.id).await?)?;
        let model = match name {
            Some(name) => self.queue(by, &project, &name, &settings).await.map_err(gone)?,
            None => self.queue_unnamed(by, &project, &settings).await?,
        };
        self.queued.send_replace(());
        Ok(model)
    }

    async fn queue_unnamed(
        &self,
        by: &Acting,
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
        by: &Acting,
        project: &Project,
        name: &str,
        settings: &Value,
    ) -> Result<Model, StoreError> {
        let now = (self.clock)();
        let new = NewModel {
            id: ModelId::new(now, &mut UnwrapErr(getrandom::SysRng)),
            workspace: by.workspace,
            project: project.id,
            name,
            settings,
            actor: by.actor(),
            now,
        };
        self.store.create_model(&new).await
    }
}

/// The project was there a moment ago.
fn gone(error: StoreError) -> OpError {
    match error {
        StoreError::NotFound => OpError::NotFound("project"),
        other => named(other),
    }
}

fn enough(project_type: ProjectType, material: &Material) -> Result<(), OpError> {
    match project_type {
        ProjectType::Classification => {
            let counts = counts(&material.classified);
            classify::ready(&counts).map_err(|lacks| too_few(&lacks, &counts).into())
        }
        ProjectType::ObjectDetection => {
            let has = usize::try_from(material.marked).unwrap_or(usize::MAX);
            let lacks = TooFew::Marked { has, needs: 20 };
            if has < 20 { Err(too_few(&lacks, &[]).into()) } else { Ok(()) }
        }
    }
}

fn counts(labels: &[(String, u64)]) -> Vec<(String, usize)> {
    labels.iter().map(|(label, has)| (label.clone(), usize::try_from(*has).unwrap_or(usize::MAX))).collect()
}

/// All that is lacking, so that nobody mends one label and then hears of the next.
fn too_few(lacks: &TooFew, counts: &[(String, usize)]) -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "too_few_images", format!("cannot train yet: {lacks}"));
    let short = counts.iter().filter(|(_, has)| (1..FEWEST_EACH).contains(has));
    short.fold(problem, |problem, (label, has)| {
        let needs = FEWEST_EACH - has;
        problem.field("labels", format!("{label:?} has {has} and needs {needs} more"))
    })
}
