//! Trainings from images to a ready model.

use serde_json::json;

use super::fixture::TrainingFixture;

#[tokio::test]
async fn classifier_is_trained_validated_and_stored() {
    let training = TrainingFixture::start().await;
    // An unused label doesn't prevent the training.
    let project = training.classification_project("caps", &[("red", 10), ("blue", 10), ("unused", 0)]).await;
    let id = training.train(&project, json!({})).await;
    let model = training.wait_until_ended(&id).await;
    assert_eq!(model["status"], "ready", "{model}");
    assert_eq!(model["name"], "Model 1");
    assert_eq!(model["projectType"], "classification");
    assert_eq!(model["attempts"], 1);
    assert_eq!(model["progress"], json!(null));
    assert_eq!(model["labels"], json!(["blue", "red"]));
    assert_eq!(model["metrics"]["measuredOn"], 4, "{model}");
    assert_eq!(model["metrics"]["trainedOn"], 16, "{model}");
    assert!(model["metrics"]["accuracy"].as_f64().unwrap() > 0.9, "{model}");
    assert!(model["startedAt"].is_string() && model["endedAt"].is_string(), "{model}");
    assert!(training.has_object(&project, &id));
    let example = &model["examples"][0];
    assert!(example["record"].as_str().unwrap().starts_with("rec_"), "{example}");
    assert!(example["confidence"].is_number() && example["is"].is_number(), "{example}");
    let card = training.api.get(&format!("/api/v1/models/{id}/card")).await.ok().json();
    assert_eq!((&card["task"], &card["id"]), (&json!("classification"), &json!(id)));
    assert!(card["notes"].as_array().is_some_and(|notes| notes.len() > 2), "{card}");
    assert_eq!(card["examples"], json!(null));
}

#[tokio::test]
async fn detector_is_trained_validated_and_stored() {
    let training = TrainingFixture::start().await;
    let project = training.detection_project("squares", 24).await;
    let body = json!({ "name": "finder", "settings": { "steps": 60, "inputSize": 64, "seed": 3 } });
    let id = training.train(&project, body).await;
    let model = training.wait_until_ended(&id).await;
    assert_eq!((&model["status"], &model["name"]), (&json!("ready"), &json!("finder")), "{model}");
    assert_eq!(model["labels"], json!(["square"]));
    assert_eq!(model["settings"], json!({ "steps": 60, "inputSize": 64, "seed": 3 }));
    assert_eq!(model["metrics"]["measuredOn"], 3, "{model}");
    assert!(model["examples"][0]["found"].is_array(), "{model}");
    assert!(training.has_object(&project, &id));
}

#[tokio::test]
async fn trainings_run_in_order_and_lists_are_newest_first() {
    let training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let first = training.train(&project, json!({})).await;
    let second = training.train(&project, json!({})).await;
    assert_eq!(training.wait_until_ended(&second).await["status"], "ready");
    assert_eq!(training.model(&first).await["status"], "ready");
    for path in [format!("/api/v1/projects/{project}/models"), "/api/v1/models".to_owned()] {
        let names = training.api.get(&path).await.ok().item_names();
        assert_eq!(names, ["Model 2", "Model 1"]);
        let page = training.api.get(&format!("{path}?limit=1")).await.ok().json();
        let next = page["nextCursor"].as_str().unwrap();
        let rest = training.api.get(&format!("{path}?cursor={next}")).await.ok();
        assert_eq!(rest.item_names(), ["Model 1"]);
    }
}
