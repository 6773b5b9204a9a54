//! A server with projects that can be learnt from, filled past the API: what is tested here begins behind it.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use keyrack_core::clock;
use keyrack_core::disk::Disk;
use keyrack_core::objects::{Objects, Place};
use keyrack_key::{AnnotationId, Digest, LabelId, ProjectId, RecordId, UploadId};
use keyrack_store::{Actor, AnnotationRegion, NewAnnotation, NewLabel, NewRecord, NewUpload, Store};
use rand_core::UnwrapErr;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, Server, send, text};

const SIDE: u32 = 64;
/// Real trainings take a while, and a worker that died is given up after ten seconds.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct School {
    pub(super) desk: Desk,
}

impl School {
    pub(super) async fn open() -> Self {
        Self { desk: Desk::open().await }
    }

    /// Without workers: what is asked for waits.
    pub(super) async fn without_workers() -> Self {
        let server = Server::with(&["--workers", "0"], &[]).await;
        crate::harness::setup(&server.data()).run().await.succeeded();
        let master = server.key(&["project", "inference", "keys"]).await;
        Self { desk: Desk { server, master } }
    }

    /// A project whose pictures are of labels as named, so many of each.
    pub(super) async fn classes(&self, name: &str, labels: &[(&str, u32)]) -> String {
        let id = self.desk.project(name).await;
        let filling = Filling::of(&self.desk.server, &id).await;
        for (class, (label, count)) in labels.iter().enumerate() {
            let label = filling.label(label).await;
            for number in 0..*count {
                filling.picture(paint(class, number, None), &[(label, AnnotationRegion::Category)]).await;
            }
        }
        filling.store.close().await;
        id
    }

    /// A project of so many pictures, each with a red square in a box.
    pub(super) async fn boxes(&self, name: &str, count: u32) -> String {
        let project = json!({ "name": name, "projectType": "object_detection" });
        let id = text(&self.desk.post("/api/v1/projects", project).await.ok().json()["id"]);
        let filling = Filling::of(&self.desk.server, &id).await;
        let label = filling.label("square").await;
        for number in 0..count {
            let (left, top) = (number * 5 % 40, number * 7 % 40);
            let place = AnnotationRegion::Box {
                left: f64::from(left),
                top: f64::from(top),
                width: 20.0,
                height: 20.0,
            };
            filling.picture(paint(2, number, Some((left, top))), &[(label, place)]).await;
        }
        filling.store.close().await;
        id
    }

    /// Asks for a model, which waits then.
    pub(super) async fn train(&self, project: &str, body: Value) -> String {
        let answer = self.asked(project, body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = text(&answer.json()["id"]);
        assert_eq!(answer.header("location"), format!("/api/v1/models/{id}"));
        id
    }

    pub(super) async fn asked(&self, project: &str, body: Value) -> Answer {
        self.desk.post(&format!("/api/v1/projects/{project}/models"), body).await
    }

    pub(super) async fn model(&self, id: &str) -> Value {
        self.desk.get(&format!("/api/v1/models/{id}")).await.ok().json()
    }

    /// The model, once it is so.
    pub(super) async fn model_when(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let model = self.model(id).await;
            if is(&model) {
                return model;
            }
            let output = || self.desk.server.output();
            assert!(started.elapsed() < PATIENCE, "waited in vain: {what}: {model}\n{}", output());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The model, once it has ended, however it did.
    pub(super) async fn ended(&self, id: &str) -> Value {
        self.model_when(id, "it ends", |model| {
            !["queued", "running"].contains(&text(&model["status"]).as_str())
        })
        .await
    }

    /// The model, once it trains in this phase.
    pub(super) async fn within(&self, id: &str, phase: &str) -> Value {
        let is = |model: &Value| model["status"] == "running" && model["progress"]["phase"] == phase;
        self.model_when(id, phase, is).await
    }

    /// Whether an object is kept of this model.
    pub(super) fn is_kept(&self, project: &str, model: &str) -> bool {
        let objects = self.desk.server.data().join("objects/projects");
        let objects = std::fs::read_dir(objects.join(project).join("models").join(model));
        objects.is_ok_and(|mut objects| objects.next().is_some())
    }

    pub(super) async fn anonymous(&self, path: &str) -> Answer {
        send(self.desk.server.request(reqwest::Method::GET, path)).await
    }
}

/// Fills a project.
struct Filling {
    store: Store,
    objects: Objects,
    project: ProjectId,
}

impl Filling {
    async fn of(server: &Server, project: &str) -> Self {
        let data = server.data();
        Self {
            store: Store::open(&data.join("keyrack.db"), rng()).await.unwrap(),
            objects: Objects::in_folder(&data.join("objects"), Arc::new(Disk::watch(&data, Some(0))))
                .unwrap(),
            project: project.parse().unwrap(),
        }
    }

    async fn label(&self, name: &str) -> LabelId {
        let new = NewLabel { id: LabelId::new(clock::now(), &mut rng()), name };
        self.store.as_operator().find_or_create_labels(self.project, &[new], clock::now()).await.unwrap()[0]
            .id
    }

    async fn picture(&self, bytes: Vec<u8>, marks: &[(LabelId, AnnotationRegion)]) {
        let (project, now) = (self.project, clock::now());
        let upload = UploadId::new(now, &mut rng());
        let expires_at = now.plus(Duration::from_mins(1));
        let digest = Digest::of(upload.to_string().as_bytes());
        let new = NewUpload {
            id: upload,
            project,
            actor: Actor::Operator,
            digest,
            now,
            expires_at,
            import: None,
            open_max: None,
        };
        self.store.as_operator().create_upload(&new).await.unwrap();
        let record = RecordId::new(now, &mut rng());
        let new = NewRecord {
            id: record,
            project,
            batch: None,
            upload,
            name: "painted.png",
            width: SIDE,
            height: SIDE,
            content_type: "image/png",
            size: bytes.len() as u64,
            actor: Actor::Operator,
            now,
        };
        self.objects.put(&Place::image(project, upload), Bytes::from(bytes)).await.unwrap();
        self.store.as_operator().create_record(&new).await.unwrap();
        let new: Vec<_> = marks
            .iter()
            .map(|(label, mark)| NewAnnotation {
                id: AnnotationId::new(now, &mut rng()),
                label: *label,
                mark: *mark,
                metadata: None,
            })
            .collect();
        self.store.as_operator().annotate(project, record, &new, new.len(), now).await.unwrap();
    }
}

/// A picture of a class: stripes that lie, stripes that stand, or grey; with a red square in it, or none.
fn paint(class: usize, number: u32, square: Option<(u32, u32)>) -> Vec<u8> {
    let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let shade = u8::try_from(number * 37 % 60 + (x * 7 + y * 13) % 16).unwrap();
        let is_within =
            |(left, top): (u32, u32)| (left..left + 20).contains(&x) && (top..top + 20).contains(&y);
        match class {
            _ if square.is_some_and(is_within) => Rgb([220, 20, 30]),
            0 if x / 8 % 2 == 0 => Rgb([200 - shade, 40, 40 + shade]),
            1 if y / 8 % 2 == 0 => Rgb([40, 60 + shade, 210 - shade]),
            _ => Rgb([120 + shade / 2; 3]),
        }
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}
