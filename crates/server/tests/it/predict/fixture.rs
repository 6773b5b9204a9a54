//! A server with ready models, and one model in each other state.

use std::path::Path;
use std::sync::Arc;

use keyrack::folder::Folder;
use keyrack_core::clock;
use keyrack_core::disk::Disk;
use keyrack_core::objects::{ObjectPath, Objects};
use keyrack_key::{ModelId, ProjectId, WorkspaceId};
use keyrack_store::{Actor, NewModel, NewProject, NewWorkspace, ProjectType, RunOutcome, Store, TrainingRun};
use rand_core::UnwrapErr;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::samples::{CLASSIFIER, DETECTOR};
use crate::harness::{Answer, SLUG, Server, send, setup};

/// Models of one workspace, by their IDs.
pub(crate) struct PredictionFixture {
    pub(crate) server: Server,
    pub(crate) classifier: String,
    pub(crate) detector: String,
    /// The project of the classifier.
    pub(super) project: String,
    /// One model for each status other than ready.
    pub(crate) unready: Vec<(&'static str, String)>,
    /// A ready classifier of another workspace.
    pub(super) theirs: String,
    /// A ready classifier without its file.
    pub(super) lost: String,
    /// A ready classifier with a damaged file.
    pub(super) damaged: String,
    /// The secret of a key with the scope Inference.
    pub(crate) key: String,
}

impl PredictionFixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts the server with additional arguments and without workers, so queued trainings stay queued.
    pub(super) async fn start_with(args: &[&str]) -> Self {
        let mut server = Server::start_with(&[&["--workers", "0"], args].concat(), &[]).await;
        setup(&server.data()).run().await.assert_succeeded();
        // Workers create models, so the fixture writes to the store, which needs the server stopped.
        server.stop().await;
        let writer = ModelWriter::at(&server.data()).await;
        let workspace = writer.store.workspace_by_slug(SLUG).await.unwrap().unwrap().id;
        let project = writer.project(workspace, "caps", ProjectType::Classification).await;
        let finds = writer.project(workspace, "cells", ProjectType::ObjectDetection).await;
        let classifier = writer.ready(workspace, project, Some(&CLASSIFIER)).await.to_string();
        let detector = writer.ready(workspace, finds, Some(&DETECTOR)).await.to_string();
        let lost = writer.ready(workspace, project, None).await.to_string();
        let damaged = writer.ready(workspace, project, Some(&CLASSIFIER[..999])).await.to_string();
        let theirs = writer.theirs().await.to_string();
        let unready = writer.unready(workspace, project).await;
        writer.store.close().await;
        server.restart().await;
        let (key, project) = (server.create_secret(&["inference"]).await, project.to_string());
        Self { server, classifier, detector, project, unready, theirs, lost, damaged, key }
    }

    pub(super) fn request(&self, task: &str, model: &str) -> RequestBuilder {
        self.server
            .request(Method::POST, &format!("/api/v1/predict/{task}/{model}/"))
            .header("x-api-key", &self.key)
    }

    /// Predicts with the classifier, like the Epigos clients.
    pub(super) async fn classify(&self, body: Value) -> Answer {
        send(self.request("classify", &self.classifier).json(&body)).await
    }

    /// Predicts with the detector.
    pub(super) async fn detect(&self, body: Value) -> Answer {
        send(self.request("detect", &self.detector).json(&body)).await
    }
}

/// Writes models without a worker.
struct ModelWriter {
    store: Store,
    objects: Objects,
}

impl ModelWriter {
    async fn at(data: &Path) -> Self {
        let store = Store::open(&data.join("keyrack.db"), rng()).await.unwrap();
        Self {
            store,
            objects: keyrack::objects::open(&Folder::objects(data), Arc::new(Disk::watch(data, Some(0))))
                .unwrap(),
        }
    }

    async fn project(&self, workspace: WorkspaceId, name: &str, project_type: ProjectType) -> ProjectId {
        let id = ProjectId::new(clock::now(), &mut rng());
        let (actor, now) = (Actor::Operator, clock::now());
        let new = NewProject { id, workspace, name, project_type, description: None, actor, now };
        self.store.as_operator().create_project(&new).await.unwrap();
        id
    }

    async fn model(&self, workspace: WorkspaceId, project: ProjectId) -> ModelId {
        let id = ModelId::new(clock::now(), &mut rng());
        let (name, settings) = (id.to_string(), json!({}));
        let (name, settings, actor, now) = (name.as_str(), &settings, Actor::Operator, clock::now());
        self.store
            .as_operator()
            .create_model(&NewModel { id, workspace, project, name, settings, actor, now })
            .await
            .unwrap();
        id
    }

    async fn take(&self) -> TrainingRun {
        let now = clock::now();
        self.store.take_run(now, now.plus(std::time::Duration::from_mins(10))).await.unwrap().unwrap()
    }

    async fn end(&self, outcome: RunOutcome) {
        let job = self.take().await;
        assert!(self.store.end_run(&job, &outcome, clock::now()).await.unwrap());
    }

    async fn ready(&self, workspace: WorkspaceId, project: ProjectId, file: Option<&[u8]>) -> ModelId {
        let model = self.model(workspace, project).await;
        if let Some(file) = file {
            self.objects.put(&ObjectPath::model(project, model, 1), file.to_vec().into()).await.unwrap();
        }
        self.end(RunOutcome::Ready(json!({}))).await;
        model
    }

    async fn theirs(&self) -> ModelId {
        let workspace = WorkspaceId::new(clock::now(), &mut rng());
        let owner = self.store.user_by_email(crate::harness::EMAIL).await.unwrap().unwrap().id;
        let new = NewWorkspace { id: workspace, slug: "theirs", name: "Theirs" };
        self.store
            .as_operator()
            .create_workspace(&new, owner, Actor::User(owner), clock::now())
            .await
            .unwrap();
        let project = self.project(workspace, "theirs", ProjectType::Classification).await;
        self.ready(workspace, project, Some(&CLASSIFIER)).await
    }

    async fn unready(&self, workspace: WorkspaceId, project: ProjectId) -> Vec<(&'static str, String)> {
        let failed = self.model(workspace, project).await;
        self.end(RunOutcome::Failed("it did not learn".to_owned())).await;
        let cancelled = self.model(workspace, project).await;
        self.end(RunOutcome::Cancelled).await;
        let running = self.model(workspace, project).await;
        self.take().await;
        let queued = self.model(workspace, project).await;
        let all = [("failed", failed), ("cancelled", cancelled), ("running", running), ("queued", queued)];
        all.map(|(status, id)| (status, id.to_string())).into()
    }
}

const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}
