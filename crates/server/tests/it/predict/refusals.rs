//! What is not answered, and what is said instead.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};

use super::paint::{encoded, painted};
use super::studio::Studio;
use crate::datasets::painted::animated_png;
use crate::harness::send;

fn picture() -> Value {
    json!({ "image": BASE64_STANDARD.encode(painted(0, 1)) })
}

#[tokio::test]
async fn a_model_that_cannot_be_asked_says_why() {
    let studio = Studio::open().await;
    let ask = async |task: &str, model: &str| send(studio.request(task, model).json(&picture())).await;
    for (status, model) in &studio.unready {
        let says = ask("classify", model).await.problem(409, "model_not_ready");
        assert_eq!(says["status"], 409, "{says}");
        assert_eq!(says["model_status"], *status);
        assert!(says["message"].as_str().unwrap().contains(status), "{says}");
    }
    for (task, other, model) in
        [("detect", "classify", &studio.classifier), ("classify", "detect", &studio.detector)]
    {
        let says = ask(task, model).await.problem(409, "other_task");
        let path = format!("/api/v1/predict/{other}/{model}");
        assert_eq!(says["path"], path);
        assert!(says["message"].as_str().unwrap().contains(&path), "{says}");
    }
    for unknown in
        ["mdl_00000000000070008000000000000000", "nonsense", &studio.theirs, &studio.lost, &studio.project]
    {
        ask("classify", unknown).await.problem(404, "not_found");
    }
    ask("classify", &studio.damaged).await.problem(500, "internal");
}

#[tokio::test]
async fn a_key_asks_the_models_of_its_projects_and_no_others() {
    let studio = Studio::open().await;
    let master = studio.server.key(&["project", "inference", "keys"]).await;
    let narrow =
        json!({ "name": "n", "scopes": ["inference"], "restrictions": { "projects": [studio.project] } });
    let made = studio.server.post("/api/v1/keys", &master, narrow).await.ok().json();
    let key = made["secret"].as_str().unwrap();
    let path = |task: &str, model: &str| format!("/api/v1/predict/{task}/{model}");
    studio.server.post(&path("classify", &studio.classifier), key, picture()).await.ok();
    studio.server.post(&path("detect", &studio.detector), key, picture()).await.refused(403, "outside_key");
    studio.server.post(&path("classify", &studio.theirs), key, picture()).await.refused(404, "not_found");
    // A deleted project takes its models along, though they were asked a moment ago.
    studio.server.delete(&format!("/api/v1/projects/{}", studio.project), &master).await.ok();
    studio.server.post(&path("classify", &studio.classifier), key, picture()).await.refused(404, "not_found");
    studio
        .server
        .post(&path("classify", &studio.classifier), &master, picture())
        .await
        .refused(404, "not_found");
    let project = studio.server.key(&["project"]).await;
    studio.server.post(&path("detect", &studio.detector), &project, picture()).await.ok();
}

#[tokio::test]
async fn what_is_no_picture_is_refused_by_what_is_wrong_with_it() {
    let studio = Studio::open().await;
    let jpeg = encoded(&RgbImage::new(300, 200), ImageFormat::Jpeg);
    let png = painted(0, 1);
    // A header that announces 40,000 × 40,000 pixels, and its checksum.
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0x9c, 0x40, 0, 0, 0x9c, 0x40]);
    for (bytes, status, code) in [
        (b"GIF89a hello".to_vec(), 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), 415, "not_an_image"),
        (animated_png(), 422, "broken_image"),
        (jpeg[..jpeg.len() / 2].to_vec(), 422, "broken_image"),
        (png[..png.len() - 40].to_vec(), 422, "broken_image"),
        (huge, 413, "image_too_large"),
        ([png.clone(), vec![0; 10_000_001 - png.len()]].concat(), 413, "image_too_large"),
    ] {
        let sent = studio.classify(json!({ "image": BASE64_STANDARD.encode(&bytes) })).await;
        let says = sent.problem(status, code);
        assert_eq!(says["details"][0]["field"], "image", "{says}");
        let file = studio.request("classify", &studio.classifier).header("content-type", "image/jpeg");
        send(file.body(bytes)).await.problem(status, code);
    }
    studio.classify(json!({ "image": "A".repeat(14_000_000) })).await.refused(413, "image_too_large");
    studio.classify(json!({ "image": "A".repeat(40_000_000) })).await.refused(413, "image_too_large");
}

#[tokio::test]
async fn what_is_no_field_is_named() {
    let studio = Studio::open().await;
    let with = |more: Value| {
        let mut body = picture();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (wrong, field) in [
        (json!({}), "image"),
        (json!({ "image": null }), "image"),
        (json!({ "image": "" }), "image"),
        (json!({ "image": 7 }), "image"),
        (json!({ "image": "no base64!" }), "image"),
        (json!({ "image": "data:image/png,plain" }), "image"),
        (json!({ "image": "file:///etc/passwd" }), "image"),
        (with(json!({ "confidence": 1.01 })), "confidence"),
        (with(json!({ "confidence": -0.1 })), "confidence"),
        (with(json!({ "confidence": "0.7" })), "confidence"),
        (with(json!({ "stroke_width": 101 })), "stroke_width"),
        (with(json!({ "strokeWidth": -0.5 })), "stroke_width"),
        (with(json!({ "strokeWidth": "2" })), "strokeWidth"),
        (with(json!({ "annotate": "yes" })), "annotate"),
        (with(json!({ "showProb": 1 })), "showProb"),
        (with(json!({ "threshold": 1 })), "threshold"),
    ] {
        studio.detect(wrong).await.refused(422, "invalid").names(field);
    }
    studio.classify(with(json!({ "annotate": true }))).await.refused(422, "invalid").names("annotate");
    let kinds = ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "video/mp4"];
    for kind in kinds {
        let request = studio.request("classify", &studio.classifier).header("content-type", kind).body("x");
        send(request).await.refused(415, "unknown_kind");
    }
    send(studio.server.request(Method::GET, &format!("/api/v1/predict/classify/{}", studio.classifier)))
        .await
        .refused(405, "method_not_allowed");
}
