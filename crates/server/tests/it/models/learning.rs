//! From pictures to a model that is ready.

use serde_json::json;

use super::school::School;

#[tokio::test]
async fn a_classifier_is_trained_measured_and_kept() {
    let school = School::open().await;
    // A label that no picture carries does not stand in the way.
    let project = school.classes("caps", &[("red", 10), ("blue", 10), ("unused", 0)]).await;
    let id = school.train(&project, json!({})).await;
    let model = school.ended(&id).await;
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
    assert!(school.is_kept(&project, &id));
    let example = &model["examples"][0];
    assert!(example["record"].as_str().unwrap().starts_with("rec_"), "{example}");
    assert!(example["confidence"].is_number() && example["is"].is_number(), "{example}");
    let card = school.desk.get(&format!("/api/v1/models/{id}/card")).await.ok().json();
    assert_eq!((&card["task"], &card["id"]), (&json!("classification"), &json!(id)));
    assert!(card["notes"].as_array().is_some_and(|notes| notes.len() > 2), "{card}");
    assert_eq!(card["examples"], json!(null));
}

#[tokio::test]
async fn a_detector_is_trained_measured_and_kept() {
    let school = School::open().await;
    let project = school.boxes("squares", 24).await;
    let body = json!({ "name": "finder", "settings": { "steps": 60, "inputSize": 64, "seed": 3 } });
    let id = school.train(&project, body).await;
    let model = school.ended(&id).await;
    assert_eq!((&model["status"], &model["name"]), (&json!("ready"), &json!("finder")), "{model}");
    assert_eq!(model["labels"], json!(["square"]));
    assert_eq!(model["settings"], json!({ "steps": 60, "inputSize": 64, "seed": 3 }));
    assert_eq!(model["metrics"]["measuredOn"], 3, "{model}");
    assert!(model["examples"][0]["found"].is_array(), "{model}");
    assert!(school.is_kept(&project, &id));
}

#[tokio::test]
async fn one_after_the_other_and_lists_are_newest_first() {
    let school = School::open().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let first = school.train(&project, json!({})).await;
    let second = school.train(&project, json!({})).await;
    assert_eq!(school.ended(&second).await["status"], "ready");
    assert_eq!(school.model(&first).await["status"], "ready");
    for path in [format!("/api/v1/projects/{project}/models"), "/api/v1/models".to_owned()] {
        let names = school.desk.get(&path).await.ok().item_names();
        assert_eq!(names, ["Model 2", "Model 1"]);
        let page = school.desk.get(&format!("{path}?limit=1")).await.ok().json();
        let next = page["nextCursor"].as_str().unwrap();
        let rest = school.desk.get(&format!("{path}?cursor={next}")).await.ok();
        assert_eq!(rest.item_names(), ["Model 1"]);
    }
}
