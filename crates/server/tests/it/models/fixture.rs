//! A server with projects that are ready for training. The fixture writes images directly to the store, since these tests
//! don't concern uploads.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use keyrack_core::clock;
use keyrack_core::disk::Disk;
use keyrack_core::objects::{ObjectPath, Objects};
use keyrack_key::{AnnotationId, Digest, LabelId, ProjectId, RecordId, UploadId};
use keyrack_store::{Actor, AnnotationRegion, NewAnnotation, NewLabel, NewRecord, NewUpload, Store};
use rand_core::UnwrapErr;
use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{Answer, Server, send, text};

const SIDE: u32 = 64;
/// Trainings take a while, and a dead worker is detected after ten seconds.
const TIMEOUT: Duration = Duration::from_mins(2);

pub(super) struct TrainingFixture {
    pub(super) api: Api,
}

impl TrainingFixture {
    pub(super) async fn start() -> Self {
        Self { api: Api::start().await }
    }

    /// Starts a server without workers, so trainings stay queued.
    pub(super) async fn without_workers() -> Self {
        let server = Server::start_with(&["--workers", "0"], &[]).await;
        crate::harness::setup(&server.data()).run().await.assert_succeeded();
        let manager_key = server.create_secret(&["project", "inference", "keys"]).await;
        Self { api: Api { server, manager_key } }
    }

    /// Creates a classification project with a number of images for each label.
    pub(super) async fn classification_project(&self, name: &str, labels: &[(&str, u32)]) -> String {
        let id = self.api.project(name).await;
        let filler = ProjectFiller::of(&self.api.server, &id).await;
        for (class, (label, count)) in labels.iter().enumerate() {
            let label = filler.label(label).await;
            for number in 0..*count {
                filler.write_image(image(class, number, None), &[(label, AnnotationRegion::Category)]).await;
            }
        }
        filler.store.close().await;
        id
    }

    /// Creates a detection project with `count` images, each with one red square.
    pub(super) async fn detection_project(&self, name: &str, count: u32) -> String {
        let project = json!({ "name": name, "projectType": "object_detection" });
        let id = text(&self.api.post("/api/v1/projects", project).await.ok().json()["id"]);
        let filler = ProjectFiller::of(&self.api.server, &id).await;
        let label = filler.label("square").await;
        for number in 0..count {
            let (left, top) = (number * 5 % 40, number * 7 % 40);
            let place = AnnotationRegion::Box {
                left: f64::from(left),
                top: f64::from(top),
                width: 20.0,
                height: 20.0,
            };
            filler.write_image(image(2, number, Some((left, top))), &[(label, place)]).await;
        }
        filler.store.close().await;
        id
    }

    /// Starts a training and returns the ID of the model.
    pub(super) async fn train(&self, project: &str, body: Value) -> String {
        let answer = self.request_training(project, body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = text(&answer.json()["id"]);
        assert_eq!(answer.header("location"), format!("/api/v1/models/{id}"));
        id
    }

    pub(super) async fn request_training(&self, project: &str, body: Value) -> Answer {
        self.api.post(&format!("/api/v1/projects/{project}/models"), body).await
    }

    pub(super) async fn model(&self, id: &str) -> Value {
        self.api.get(&format!("/api/v1/models/{id}")).await.ok().json()
    }

    /// Waits until the model meets the condition.
    pub(super) async fn wait_for_model(
        &self,
        id: &str,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Value {
        let started = Instant::now();
        loop {
            let model = self.model(id).await;
            if condition(&model) {
                return model;
            }
            let output = || self.api.server.output();
            assert!(started.elapsed() < TIMEOUT, "timed out: {what}: {model}\n{}", output());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the training has ended, with any status.
    pub(super) async fn wait_until_ended(&self, id: &str) -> Value {
        self.wait_for_model(id, "the training ends", |model| {
            !["queued", "running"].contains(&text(&model["status"]).as_str())
        })
        .await
    }

    /// Waits until the training is in this phase.
    pub(super) async fn wait_for_phase(&self, id: &str, phase: &str) -> Value {
        let condition = |model: &Value| model["status"] == "running" && model["progress"]["phase"] == phase;
        self.wait_for_model(id, phase, condition).await
    }

    /// Whether the model has a stored object.
    pub(super) fn has_object(&self, project: &str, model: &str) -> bool {
        let objects = self.api.server.data().join("objects/projects");
        let objects = std::fs::read_dir(objects.join(project).join("models").join(model));
        objects.is_ok_and(|mut objects| objects.next().is_some())
    }

    pub(super) async fn anonymous(&self, path: &str) -> Answer {
        send(self.api.server.request(reqwest::Method::GET, path)).await
    }
}

/// Writes images and labels to a project.
struct ProjectFiller {
    store: Store,
    objects: Objects,
    project: ProjectId,
}

impl ProjectFiller {
    async fn of(server: &Server, project: &str) -> Self {
        let data = server.data();
        Self {
            store: Store::open(&data.join("keyrack.db"), rng()).await.unwrap(),
            objects: keyrack::objects::open(&data.join("objects"), Arc::new(Disk::watch(&data, Some(0))))
                .unwrap(),
            project: project.parse().unwrap(),
        }
    }

    async fn label(&self, name: &str) -> LabelId {
        let new = NewLabel { id: LabelId::new(clock::now(), &mut rng()), name };
        self.store.as_operator().find_or_create_labels(self.project, &[new], clock::now()).await.unwrap()[0]
            .id
    }

    async fn write_image(&self, bytes: Vec<u8>, marks: &[(LabelId, AnnotationRegion)]) {
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
        self.objects.put(&ObjectPath::image(project, upload), Bytes::from(bytes)).await.unwrap();
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

/// An image of a class: vertical stripes, horizontal stripes, or gray, optionally with a red square.
fn image(class: usize, number: u32, square: Option<(u32, u32)>) -> Vec<u8> {
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
