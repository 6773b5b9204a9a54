//! Cancelled trainings.

use std::time::{Duration, Instant};

use serde_json::json;

use super::fixture::TrainingFixture;

/// The longest time on a busy machine. On an idle machine, a cancellation takes less than two seconds.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(20);

async fn assert_cancelled_soon(training: &TrainingFixture, project: &str, id: &str) {
    let started_at = Instant::now();
    let model = training.api.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok().json();
    assert!(model["cancelling"] == true || model["status"] == "cancelled", "{model}");
    let model = training.wait_until_ended(id).await;
    assert!(started_at.elapsed() < CANCEL_TIMEOUT, "{:?}", started_at.elapsed());
    assert_eq!((&model["status"], &model["cancelling"]), (&json!("cancelled"), &json!(false)), "{model}");
    assert!(!training.has_object(project, id));
    // A second cancellation changes nothing.
    let again = training.api.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok().json();
    assert_eq!(again, model);
}

#[tokio::test]
async fn queued_training_is_cancelled_without_start() {
    let training = TrainingFixture::without_workers().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let id = training.train(&project, json!({})).await;
    assert_cancelled_soon(&training, &project, &id).await;
    assert_eq!(training.model(&id).await["attempts"], 0);
}

#[tokio::test]
async fn training_in_features_phase_is_cancelled_soon() {
    let training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &[("red", 60), ("blue", 60)]).await;
    let id = training.train(&project, json!({})).await;
    training.wait_for_phase(&id, "features").await;
    assert_cancelled_soon(&training, &project, &id).await;
    let next = training.train(&project, json!({})).await;
    training.wait_for_phase(&next, "features").await;
}

#[tokio::test]
async fn training_in_training_phase_is_cancelled_soon() {
    let training = TrainingFixture::start().await;
    let project = training.detection_project("squares", 20).await;
    let id = training.train(&project, json!({ "settings": { "steps": 20_000, "inputSize": 64 } })).await;
    let model = training.wait_for_phase(&id, "training").await;
    assert!(model["progress"]["loss"].is_number(), "{model}");
    assert_cancelled_soon(&training, &project, &id).await;
}

#[tokio::test]
async fn training_of_deleted_model_or_project_stops() {
    let training = TrainingFixture::start().await;
    let doomed = training.classification_project("doomed", &[("red", 60), ("blue", 60)]).await;
    let lasting = training.classification_project("lasting", &[("red", 5), ("blue", 5)]).await;
    for path in ["models", "projects"] {
        let id = training.train(&doomed, json!({})).await;
        training.wait_for_phase(&id, "features").await;
        let deleted = if path == "models" { &id } else { &doomed };
        assert_eq!(training.api.delete(&format!("/api/v1/{path}/{deleted}")).await.status, 204);
        training.api.get(&format!("/api/v1/models/{id}")).await.assert_problem(404, "not_found");
        let started = Instant::now();
        let next = training.train(&lasting, json!({})).await;
        let is_begun = |model: &serde_json::Value| model["status"] != "queued";
        training.wait_for_model(&next, "the worker starts the next training", is_begun).await;
        assert!(started.elapsed() < CANCEL_TIMEOUT, "{:?}", started.elapsed());
        assert_eq!(training.wait_until_ended(&next).await["status"], "ready");
        assert!(!training.has_object(&doomed, &id));
    }
}
