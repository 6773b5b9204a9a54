//! Training requests that are invalid or not allowed.

use serde_json::{Value, json};

use super::fixture::TrainingFixture;
use crate::harness::text;

#[tokio::test]
async fn training_with_too_few_images_reports_needed_count() {
    let training = TrainingFixture::without_workers().await;
    let none = training.classification_project("none", &[("red", 0)]).await;
    training.request_training(&none, json!({})).await.assert_problem(409, "too_few_images");
    let one = training.classification_project("one label", &[("red", 6)]).await;
    let body = training.request_training(&one, json!({})).await.problem(409, "too_few_images");
    assert!(
        text(&body["message"]).contains("1 labels have images. Label images with at least 2 labels."),
        "{body}"
    );
    let few = training.classification_project("few", &[("red", 6), ("blue", 3), ("green", 1)]).await;
    let body = training.request_training(&few, json!({})).await.problem(409, "too_few_images");
    assert!(text(&body["message"]).contains("at least 5"), "{body}");
    let details = body["details"].to_string();
    assert!(details.contains("blue") && details.contains("Add 2 more"), "{body}");
    assert!(details.contains("green") && details.contains("Add 4 more"), "{body}");
    let unboxed = training.detection_project("few boxes", 7).await;
    let body = training.request_training(&unboxed, json!({})).await.problem(409, "too_few_images");
    assert!(
        text(&body["message"]).contains("7 different images have boxes. Draw boxes on at least 20"),
        "{body}"
    );
}

#[tokio::test]
async fn training_with_invalid_field_is_rejected_by_name() {
    let training = TrainingFixture::without_workers().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "settings": { "steps": 100 } }), "settings.steps"),
        (json!({ "settings": { "inputSize": 320 } }), "settings.inputSize"),
        (json!({ "settings": { "sede": 1 } }), "settings.sede"),
        (json!({ "settings": { "seed": -1 } }), "settings.seed"),
        (json!({ "settings": [] }), "settings"),
        (json!({ "setings": {} }), "setings"),
    ] {
        let answer = training.request_training(&project, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        answer.assert_field_error(field);
    }
    let boxes = training.detection_project("boxes", 20).await;
    for (settings, field) in [
        (json!({ "steps": 5 }), "settings.steps"),
        (json!({ "inputSize": 100 }), "settings.inputSize"),
        (json!({ "inputSize": 6400 }), "settings.inputSize"),
    ] {
        training
            .request_training(&boxes, json!({ "settings": settings }))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(field);
    }
    training.train(&project, json!({ "name": "Mine" })).await;
    training.request_training(&project, json!({ "name": "mINE" })).await.assert_problem(409, "name_taken");
    // The next free name.
    training.train(&project, json!({ "name": "Model 3" })).await;
    let id = training.train(&project, json!({ "name": null })).await;
    assert_eq!(training.model(&id).await["name"], "Model 4");
    let nothing = "prj_00000000000070008000000000000000";
    training.request_training(nothing, json!({})).await.assert_problem(404, "not_found");
    training.request_training("nonsense", json!({})).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn inference_key_reads_only_the_model_card() {
    let training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let id = training.train(&project, json!({})).await;
    training.wait_until_ended(&id).await;
    let key = training.api.create_key_with(&["inference"]).await.secret;
    let server = &training.api.server;
    let card = server.get(&format!("/api/v1/models/{id}/card"), &key).await.ok().json();
    assert_eq!(card["labels"], json!(["blue", "red"]));
    for forbidden in ["rec_", &project] {
        assert!(!card.to_string().contains(forbidden), "{card}");
    }
    for path in [
        format!("/api/v1/models/{id}"),
        format!("/api/v1/models/{id}/events"),
        "/api/v1/models".to_owned(),
        format!("/api/v1/projects/{project}/models"),
    ] {
        server.get(&path, &key).await.assert_problem(403, "insufficient_scope");
    }
    let cancel = format!("/api/v1/models/{id}/cancel");
    server.post(&cancel, &key, json!({})).await.assert_problem(403, "insufficient_scope");
    server.delete(&format!("/api/v1/models/{id}"), &key).await.assert_problem(403, "insufficient_scope");
    training.anonymous(&format!("/api/v1/models/{id}/card")).await.assert_problem(401, "missing_key");
}

#[tokio::test]
async fn project_restricted_key_covers_only_their_models() {
    let training = TrainingFixture::without_workers().await;
    let mut models: Vec<(String, String)> = Vec::new();
    for name in ["one", "two", "three"] {
        let project = training.classification_project(name, &[("red", 5), ("blue", 5)]).await;
        for _ in 0..2 {
            models.push((project.clone(), training.train(&project, json!({})).await));
        }
    }
    let [one, two, three] = [&models[0].0, &models[2].0, &models[4].0];
    let restricted = json!({ "name": "narrow", "scopes": ["project", "inference"],
        "restrictions": { "projects": [one, three] } });
    let key = training.api.create_key(restricted).await.secret;
    let server = &training.api.server;
    let listed = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|model| text(&model["id"])).collect()
    };
    let page = server.get("/api/v1/models?limit=3", &key).await.ok().json();
    assert_eq!(listed(&page), [&models[5].1, &models[4].1, &models[1].1].map(String::from));
    let next = format!("/api/v1/models?limit=3&cursor={}", text(&page["nextCursor"]));
    let page = server.get(&next, &key).await.ok().json();
    assert_eq!((listed(&page), &page["nextCursor"]), (vec![models[0].1.clone()], &json!(null)));
    server.get(&format!("/api/v1/models/{}", models[0].1), &key).await.ok();
    let other = format!("/api/v1/models/{}", models[2].1);
    server.get(&other, &key).await.assert_problem(403, "outside_key");
    server.get(&format!("{other}/events"), &key).await.assert_problem(403, "outside_key");
    server.get(&format!("{other}/card"), &key).await.assert_problem(403, "outside_key");
    server.post(&format!("{other}/cancel"), &key, json!({})).await.assert_problem(403, "outside_key");
    server.delete(&other, &key).await.assert_problem(403, "outside_key");
    let path = format!("/api/v1/projects/{two}/models");
    server.get(&path, &key).await.assert_problem(403, "outside_key");
    server.post(&path, &key, json!({})).await.assert_problem(403, "outside_key");
}
