//! Workers and servers that are killed during a training.

use std::time::{Duration, Instant};

use serde_json::json;

use super::fixture::TrainingFixture;
use super::workers::{is_alive, kill, workers_of};
use crate::harness::wait_until;

/// Enough images to keep a training busy.
const MANY: [(&str, u32); 2] = [("red", 30), ("blue", 30)];

#[tokio::test]
async fn training_after_worker_kill_is_restarted() {
    let training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &MANY).await;
    let id = training.train(&project, json!({})).await;
    training.wait_for_phase(&id, "features").await;
    let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
    kill(worker);
    let model =
        training.wait_for_model(&id, "the training is restarted", |model| model["attempts"] == 2).await;
    assert_eq!(model["status"], "running");
    let model = training.wait_until_ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(2)), "{model}");
    assert!(training.has_object(&project, &id));
}

#[tokio::test]
async fn training_after_worker_kill_stays_first_or_cancelled() {
    let training = TrainingFixture::start().await;
    let (caps, squares) = (
        training.classification_project("caps", &MANY).await,
        training.detection_project("squares", 20).await,
    );
    let first = training.train(&caps, json!({})).await;
    training.wait_for_phase(&first, "features").await;
    let long = json!({ "settings": { "steps": 20_000, "inputSize": 64 } });
    let second = training.train(&squares, long.clone()).await;
    let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
    kill(worker);
    training
        .wait_for_model(&second, "the worker runs the second training", |model| model["status"] == "running")
        .await;
    training.api.post(&format!("/api/v1/models/{first}/cancel"), json!({})).await.ok();
    assert_eq!(training.wait_until_ended(&first).await["status"], "cancelled");
    // Without a cancellation, the training waits in the queue and isn't shown as running.
    let third = training.train(&squares, long).await;
    let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
    kill(worker);
    training
        .wait_for_model(&third, "the worker runs the third training", |model| model["status"] == "running")
        .await;
    training
        .wait_for_model(&second, "the training is queued again", |model| model["status"] == "queued")
        .await;
}

#[tokio::test]
async fn training_after_two_worker_kills_fails_with_reason() {
    let training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &MANY).await;
    let id = training.train(&project, json!({})).await;
    for attempt in 1..=2 {
        let is = |model: &serde_json::Value| model["attempts"] == attempt && model["progress"].is_object();
        training.wait_for_model(&id, "the training priority", is).await;
        let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
        kill(worker);
    }
    let model = training.wait_until_ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("failed"), &json!(2)), "{model}");
    assert!(model["failureReason"].as_str().unwrap().contains("stopped twice"), "{model}");
    // The server has started another worker.
    let few = training.classification_project("few", &[("red", 5), ("blue", 5)]).await;
    let next = training.train(&few, json!({})).await;
    assert_eq!(training.wait_until_ended(&next).await["status"], "ready");
}

#[tokio::test]
async fn worker_after_server_kill_requeues_training_and_exits() {
    let mut training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &MANY).await;
    let id = training.train(&project, json!({})).await;
    training.wait_for_phase(&id, "features").await;
    let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
    training.api.server.kill();
    let killed = Instant::now();
    wait_until("the worker exits", async || (!is_alive(worker)).then_some(())).await;
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    training.api.server.restart().await;
    let model = training.wait_until_ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(1)), "{model}");
}

#[tokio::test]
async fn training_after_server_and_worker_kill_is_restarted() {
    let mut training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &MANY).await;
    let id = training.train(&project, json!({})).await;
    training.wait_for_phase(&id, "features").await;
    let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
    kill(worker);
    training.api.server.kill();
    training.api.server.restart().await;
    let model = training.wait_until_ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(2)), "{model}");
}

#[tokio::test]
async fn training_resumes_after_fast_server_stop() {
    let mut training = TrainingFixture::start().await;
    let project = training.detection_project("squares", 20).await;
    let id = training.train(&project, json!({ "settings": { "steps": 300, "inputSize": 64 } })).await;
    training.wait_for_phase(&id, "training").await;
    let [worker] = workers_of(&training.api.server)[..] else { panic!("one worker") };
    let started = Instant::now();
    assert_eq!(training.api.server.stop().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(!is_alive(worker));
    assert!(training.api.server.output().contains("training run queued again"));
    training.api.server.restart().await;
    let model = training.wait_until_ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(1)), "{model}");
}
