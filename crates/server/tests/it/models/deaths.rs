//! Workers and servers that are killed in the middle of a training.

use std::time::{Duration, Instant};

use serde_json::json;

use super::school::School;
use super::workers::{is_alive, kill, workers_of};
use crate::harness::until;

/// Enough for a training to be still at it.
const MANY: [(&str, u32); 2] = [("red", 30), ("blue", 30)];

#[tokio::test]
async fn a_training_whose_worker_is_killed_is_begun_again_and_finished() {
    let school = School::open().await;
    let project = school.classes("caps", &MANY).await;
    let id = school.train(&project, json!({})).await;
    school.within(&id, "features").await;
    let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
    kill(worker);
    let model = school.model_when(&id, "begun again", |model| model["attempts"] == 2).await;
    assert_eq!(model["status"], "running");
    let model = school.ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(2)), "{model}");
    assert!(school.is_kept(&project, &id));
}

#[tokio::test]
async fn a_training_whose_worker_is_killed_does_not_wait_for_the_one_behind_it_to_end() {
    let school = School::open().await;
    let (caps, squares) = (school.classes("caps", &MANY).await, school.boxes("squares", 20).await);
    let first = school.train(&caps, json!({})).await;
    school.within(&first, "features").await;
    let long = json!({ "settings": { "steps": 20_000, "inputSize": 64 } });
    let second = school.train(&squares, long.clone()).await;
    let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
    kill(worker);
    school
        .model_when(&second, "the next worker is at the second", |model| model["status"] == "running")
        .await;
    school.desk.post(&format!("/api/v1/models/{first}/cancel"), json!({})).await.ok();
    assert_eq!(school.ended(&first).await["status"], "cancelled");
    // The same without a cancel: it waits for its turn, and does not look as if it were at work.
    let third = school.train(&squares, long).await;
    let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
    kill(worker);
    school.model_when(&third, "the next worker is at the third", |model| model["status"] == "running").await;
    school.model_when(&second, "it waits again", |model| model["status"] == "queued").await;
}

#[tokio::test]
async fn a_training_whose_worker_is_killed_twice_has_failed_and_says_why() {
    let school = School::open().await;
    let project = school.classes("caps", &MANY).await;
    let id = school.train(&project, json!({})).await;
    for attempt in 1..=2 {
        let is = |model: &serde_json::Value| model["attempts"] == attempt && model["progress"].is_object();
        school.model_when(&id, "it trains", is).await;
        let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
        kill(worker);
    }
    let model = school.ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("failed"), &json!(2)), "{model}");
    assert!(model["failureReason"].as_str().unwrap().contains("begun twice"), "{model}");
    // Another worker is there for what comes next.
    let few = school.classes("few", &[("red", 5), ("blue", 5)]).await;
    let next = school.train(&few, json!({})).await;
    assert_eq!(school.ended(&next).await["status"], "ready");
}

#[tokio::test]
async fn a_worker_whose_server_is_killed_puts_its_training_back_and_ends() {
    let mut school = School::open().await;
    let project = school.classes("caps", &MANY).await;
    let id = school.train(&project, json!({})).await;
    school.within(&id, "features").await;
    let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
    school.desk.server.kill();
    let killed = Instant::now();
    until("the worker ends", async || (!is_alive(worker)).then_some(())).await;
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    school.desk.server.restart().await;
    let model = school.ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(1)), "{model}");
}

#[tokio::test]
async fn a_training_whose_server_and_worker_are_killed_is_begun_again_and_finished() {
    let mut school = School::open().await;
    let project = school.classes("caps", &MANY).await;
    let id = school.train(&project, json!({})).await;
    school.within(&id, "features").await;
    let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
    kill(worker);
    school.desk.server.kill();
    school.desk.server.restart().await;
    let model = school.ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(2)), "{model}");
}

#[tokio::test]
async fn a_stop_in_a_training_is_quick_and_the_training_goes_on_after_it() {
    let mut school = School::open().await;
    let project = school.boxes("squares", 20).await;
    let id = school.train(&project, json!({ "settings": { "steps": 300, "inputSize": 64 } })).await;
    school.within(&id, "training").await;
    let [worker] = workers_of(&school.desk.server)[..] else { panic!("one worker") };
    let started = Instant::now();
    assert_eq!(school.desk.server.stop().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(!is_alive(worker));
    assert!(school.desk.server.output().contains("training put back"));
    school.desk.server.restart().await;
    let model = school.ended(&id).await;
    assert_eq!((&model["status"], &model["attempts"]), (&json!("ready"), &json!(1)), "{model}");
}
