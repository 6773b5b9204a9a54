//! A server with one model and one key, in this process.

use std::io::Cursor;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use image::{ImageFormat, Rgb, RgbImage};
use keyrack::app::Shared;
use keyrack_core::clock;
use keyrack_core::objects::ObjectPath;
use keyrack_key::{
    Brands, Class, Grant, KeyId, ModelId, ProjectId, Restrictions, Scope, Secret, WorkspaceId,
};
use keyrack_rack::Revision;
use keyrack_store::{Actor, NewKey, NewModel, NewProject, NewSecret, ProjectType, RunOutcome};
use keyrack_vision::classify::{Classifier, train};
use keyrack_vision::{Backbone, Flow, TrainingSet, TrainingSettings};
use rand_core::UnwrapErr;
use serde_json::json;

use crate::opened::Opened;

/// The server, as a client sees it.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    secret: String,
    model: ModelId,
    _runtime: tokio::runtime::Runtime,
    _data: tempfile::TempDir,
    _opened: Opened,
}

impl Stage {
    pub(crate) fn set(model: &Classifier) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let data = tempfile::tempdir().unwrap();
        let (opened, address, secret, model) = runtime.block_on(start(data.path(), model));
        Self { address, secret, model, _runtime: runtime, _data: data, _opened: opened }
    }

    /// A classification as bytes on the wire.
    pub(crate) fn request(&self, kind: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST /api/v1/predict/classify/{}/ HTTP/1.1\r\nhost: bench\r\nx-api-key: {}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n\r\n",
            self.model,
            self.secret,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }
}

/// A classifier of two labels; more would cost nothing that could be measured.
pub(crate) fn model(backbone: &Backbone) -> Classifier {
    let classes: Vec<_> = (0..24).map(|at| at % 2).collect();
    let read = |at: usize| {
        Ok(painted(64, 64, if at.is_multiple_of(2) { 5 } else { 19 }, u32::try_from(at).unwrap()))
    };
    let labels = ["fine", "coarse"].map(String::from);
    let training = TrainingSet { labels: &labels, truth: &classes, read: &read };
    train(backbone, &training, &TrainingSettings::default(), &mut |_| Flow::Continue).unwrap().model
}

/// About as hard to compress as a photograph.
pub(crate) fn photograph(width: u32, height: u32) -> Vec<u8> {
    painted(width, height, 40, 7)
}

fn painted(width: u32, height: u32, step: u32, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let image = RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [grain, ..] = state.to_be_bytes();
        let tone = |by: u32| {
            u8::try_from((x / step * 37 + y / step * by + y / 9) % 200 + u32::from(grain) / 8).unwrap_or(255)
        };
        Rgb([tone(11), tone(23), tone(51)])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

async fn start(data: &Path, model: &Classifier) -> (Opened, SocketAddr, String, ModelId) {
    let opened = Opened::on(data).await;
    let (app, workspace) = (&opened.app, opened.workspace.id);
    let id = keep(app, workspace, model).await;
    let secret = key(app, workspace).await;
    let address = opened.serve();
    (opened, address, secret, id)
}

async fn keep(app: &Shared, workspace: WorkspaceId, classifier: &Classifier) -> ModelId {
    let (now, actor, settings) = (clock::now(), Actor::Operator, json!({}));
    let (project, id) = (ProjectId::new(now, &mut rng()), ModelId::new(now, &mut rng()));
    let project_type = ProjectType::Classification;
    let new =
        NewProject { id: project, workspace, name: "bench", project_type, description: None, actor, now };
    app.store.as_operator().create_project(&new).await.unwrap();
    let new = NewModel { id, workspace, project, name: "bench", settings: &settings, actor, now };
    app.store.as_operator().create_model(&new).await.unwrap();
    let job = app.store.take_run(now, now.plus(Duration::from_mins(1))).await.unwrap().unwrap();
    app.objects.put(&ObjectPath::model(project, id, 1), classifier.to_bytes().into()).await.unwrap();
    assert!(app.store.end_run(&job, &RunOutcome::Ready(json!({})), now).await.unwrap());
    id
}

async fn key(app: &Shared, workspace: WorkspaceId) -> String {
    let now = clock::now();
    let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng());
    let new = NewKey {
        id: KeyId::new(now, &mut rng()),
        workspace,
        name: "bench",
        grant: Grant::new(Class::Secret, [Scope::Inference].into_iter().collect()).unwrap(),
        restrictions: &Restrictions::default(),
        note: None,
        expires_at: None,
        secret: NewSecret::of(&secret),
        actor: Actor::Operator,
        now,
        idempotency_key: None,
    };
    app.store.as_operator().create_key(&new).await.unwrap();
    app.follower.catch_up_to(Revision::default(), clock::now()).await.unwrap();
    secret.expose().to_owned()
}

const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}
