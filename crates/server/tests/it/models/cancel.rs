//! Trainings that somebody does not want any more.

use std::time::{Duration, Instant};

use serde_json::json;

use super::school::School;

/// On a machine that does much else at the same time. By itself it is well below the two seconds that are promised.
const SOON: Duration = Duration::from_secs(20);

async fn is_cancelled_soon(school: &School, project: &str, id: &str) {
    let asked = Instant::now();
    let model = school.desk.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok().json();
    assert!(model["cancelling"] == true || model["status"] == "cancelled", "{model}");
    let model = school.ended(id).await;
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!((&model["status"], &model["cancelling"]), (&json!("cancelled"), &json!(false)), "{model}");
    assert!(!school.is_kept(project, id));
    // Once more changes nothing.
    let again = school.desk.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok().json();
    assert_eq!(again, model);
}

#[tokio::test]
async fn one_that_waits_ends_at_once_and_is_never_begun() {
    let school = School::without_workers().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let id = school.train(&project, json!({})).await;
    is_cancelled_soon(&school, &project, &id).await;
    assert_eq!(school.model(&id).await["attempts"], 0);
}

#[tokio::test]
async fn one_that_looks_at_pictures_ends_soon_and_the_next_begins() {
    let school = School::open().await;
    let project = school.classes("caps", &[("red", 60), ("blue", 60)]).await;
    let id = school.train(&project, json!({})).await;
    school.within(&id, "features").await;
    is_cancelled_soon(&school, &project, &id).await;
    let next = school.train(&project, json!({})).await;
    school.within(&next, "features").await;
}

#[tokio::test]
async fn one_that_learns_ends_soon() {
    let school = School::open().await;
    let project = school.boxes("squares", 20).await;
    let id = school.train(&project, json!({ "settings": { "steps": 20_000, "inputSize": 64 } })).await;
    let model = school.within(&id, "training").await;
    assert!(model["progress"]["loss"].is_number(), "{model}");
    is_cancelled_soon(&school, &project, &id).await;
}

#[tokio::test]
async fn one_whose_model_or_project_is_deleted_leaves_nothing_and_the_worker_goes_on() {
    let school = School::open().await;
    let doomed = school.classes("doomed", &[("red", 60), ("blue", 60)]).await;
    let lasting = school.classes("lasting", &[("red", 5), ("blue", 5)]).await;
    for path in ["models", "projects"] {
        let id = school.train(&doomed, json!({})).await;
        school.within(&id, "features").await;
        let deleted = if path == "models" { &id } else { &doomed };
        assert_eq!(school.desk.delete(&format!("/api/v1/{path}/{deleted}")).await.status, 204);
        school.desk.get(&format!("/api/v1/models/{id}")).await.refused(404, "not_found");
        let started = Instant::now();
        let next = school.train(&lasting, json!({})).await;
        let is_begun = |model: &serde_json::Value| model["status"] != "queued";
        school.model_when(&next, "the worker takes the next", is_begun).await;
        assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
        assert_eq!(school.ended(&next).await["status"], "ready");
        assert!(!school.is_kept(&doomed, &id));
    }
}
