//! What cannot be trained, and who may not.

use serde_json::{Value, json};

use super::school::School;
use crate::harness::text;

#[tokio::test]
async fn too_few_pictures_are_a_conflict_that_says_how_many_are_needed() {
    let school = School::without_workers().await;
    let none = school.classes("none", &[("red", 0)]).await;
    school.asked(&none, json!({})).await.refused(409, "too_few_images");
    let one = school.classes("one label", &[("red", 6)]).await;
    let says = school.asked(&one, json!({})).await.problem(409, "too_few_images");
    assert!(text(&says["message"]).contains("1 labels have pictures; at least 2"), "{says}");
    let few = school.classes("few", &[("red", 6), ("blue", 3), ("green", 1)]).await;
    let says = school.asked(&few, json!({})).await.problem(409, "too_few_images");
    assert!(text(&says["message"]).contains("at least 5"), "{says}");
    let details = says["details"].to_string();
    assert!(details.contains("blue") && details.contains("needs 2 more"), "{says}");
    assert!(details.contains("green") && details.contains("needs 4 more"), "{says}");
    let unboxed = school.boxes("few boxes", 7).await;
    let says = school.asked(&unboxed, json!({})).await.problem(409, "too_few_images");
    assert!(text(&says["message"]).contains("7 pictures have boxes; at least 20"), "{says}");
}

#[tokio::test]
async fn what_is_not_as_expected_is_named() {
    let school = School::without_workers().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "settings": { "steps": 100 } }), "settings.steps"),
        (json!({ "settings": { "inputSize": 320 } }), "settings.inputSize"),
        (json!({ "settings": { "sede": 1 } }), "settings.sede"),
        (json!({ "settings": { "seed": -1 } }), "settings.seed"),
        (json!({ "settings": [] }), "settings"),
        (json!({ "setings": {} }), "setings"),
    ] {
        let answer = school.asked(&project, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        answer.names(field);
    }
    let boxes = school.boxes("boxes", 20).await;
    for (settings, field) in [
        (json!({ "steps": 5 }), "settings.steps"),
        (json!({ "inputSize": 100 }), "settings.inputSize"),
        (json!({ "inputSize": 6400 }), "settings.inputSize"),
    ] {
        school.asked(&boxes, json!({ "settings": settings })).await.refused(422, "invalid").names(field);
    }
    school.train(&project, json!({ "name": "Mine" })).await;
    school.asked(&project, json!({ "name": "mINE" })).await.refused(409, "name_taken");
    // The next free one.
    school.train(&project, json!({ "name": "Model 3" })).await;
    let id = school.train(&project, json!({ "name": null })).await;
    assert_eq!(school.model(&id).await["name"], "Model 4");
    let nothing = "prj_00000000000070008000000000000000";
    school.asked(nothing, json!({})).await.refused(404, "not_found");
    school.asked("nonsense", json!({})).await.refused(404, "not_found");
}

#[tokio::test]
async fn an_inference_key_reads_the_card_and_nothing_else() {
    let school = School::open().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let id = school.train(&project, json!({})).await;
    school.ended(&id).await;
    let key = school.desk.key(&["inference"]).await.secret;
    let server = &school.desk.server;
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
        server.get(&path, &key).await.refused(403, "insufficient_scope");
    }
    let cancel = format!("/api/v1/models/{id}/cancel");
    server.post(&cancel, &key, json!({})).await.refused(403, "insufficient_scope");
    server.delete(&format!("/api/v1/models/{id}"), &key).await.refused(403, "insufficient_scope");
    school.anonymous(&format!("/api/v1/models/{id}/card")).await.refused(401, "missing_key");
}

#[tokio::test]
async fn a_key_that_is_restricted_to_projects_opens_their_models_and_no_others() {
    let school = School::without_workers().await;
    let mut models: Vec<(String, String)> = Vec::new();
    for name in ["one", "two", "three"] {
        let project = school.classes(name, &[("red", 5), ("blue", 5)]).await;
        for _ in 0..2 {
            models.push((project.clone(), school.train(&project, json!({})).await));
        }
    }
    let [one, two, three] = [&models[0].0, &models[2].0, &models[4].0];
    let restricted = json!({ "name": "narrow", "scopes": ["project", "inference"],
        "restrictions": { "projects": [one, three] } });
    let key = school.desk.make(restricted).await.secret;
    let server = &school.desk.server;
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
    server.get(&other, &key).await.refused(403, "outside_key");
    server.get(&format!("{other}/events"), &key).await.refused(403, "outside_key");
    server.get(&format!("{other}/card"), &key).await.refused(403, "outside_key");
    server.post(&format!("{other}/cancel"), &key, json!({})).await.refused(403, "outside_key");
    server.delete(&other, &key).await.refused(403, "outside_key");
    let path = format!("/api/v1/projects/{two}/models");
    server.get(&path, &key).await.refused(403, "outside_key");
    server.post(&path, &key, json!({})).await.refused(403, "outside_key");
}
