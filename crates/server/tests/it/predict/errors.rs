//! Prediction requests that fail, and their problems.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ImageFormat, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::PredictionFixture;
use super::samples::{encode, pattern_image};
use crate::datasets::test_images::animated_png;
use crate::harness::send;

fn picture() -> Value {
    json!({ "image": BASE64_STANDARD.encode(pattern_image(0, 1)) })
}

#[tokio::test]
async fn unavailable_model_returns_reason() {
    let predictions = PredictionFixture::start().await;
    let ask = async |task: &str, model: &str| send(predictions.request(task, model).json(&picture())).await;
    for (status, model) in &predictions.unready {
        let body = ask("classify", model).await.problem(409, "model_not_ready");
        assert_eq!(body["status"], 409, "{body}");
        assert_eq!(body["model_status"], *status);
        assert!(body["message"].as_str().unwrap().contains(status), "{body}");
    }
    for (task, other, model) in
        [("detect", "classify", &predictions.classifier), ("classify", "detect", &predictions.detector)]
    {
        let body = ask(task, model).await.problem(409, "other_task");
        let path = format!("/api/v1/predict/{other}/{model}");
        assert_eq!(body["path"], path);
        assert!(body["message"].as_str().unwrap().contains(&path), "{body}");
    }
    for unknown in [
        "mdl_00000000000070008000000000000000",
        "nonsense",
        &predictions.theirs,
        &predictions.lost,
        &predictions.project,
    ] {
        ask("classify", unknown).await.problem(404, "not_found");
    }
    ask("classify", &predictions.damaged).await.problem(500, "internal");
}

#[tokio::test]
async fn project_restricted_key_predicts_only_with_their_models() {
    let predictions = PredictionFixture::start().await;
    let manager_key = predictions.server.create_secret(&["project", "inference", "keys"]).await;
    let narrow = json!({ "name": "n", "scopes": ["inference"], "restrictions": { "projects": [predictions.project] } });
    let created = predictions.server.post("/api/v1/keys", &manager_key, narrow).await.ok().json();
    let key = created["secret"].as_str().unwrap();
    let path = |task: &str, model: &str| format!("/api/v1/predict/{task}/{model}");
    predictions.server.post(&path("classify", &predictions.classifier), key, picture()).await.ok();
    predictions
        .server
        .post(&path("detect", &predictions.detector), key, picture())
        .await
        .assert_problem(403, "outside_key");
    predictions
        .server
        .post(&path("classify", &predictions.theirs), key, picture())
        .await
        .assert_problem(404, "not_found");
    // A deleted project's models are deleted too, even if they were cached.
    predictions.server.delete(&format!("/api/v1/projects/{}", predictions.project), &manager_key).await.ok();
    predictions
        .server
        .post(&path("classify", &predictions.classifier), key, picture())
        .await
        .assert_problem(404, "not_found");
    predictions
        .server
        .post(&path("classify", &predictions.classifier), &manager_key, picture())
        .await
        .assert_problem(404, "not_found");
    let project = predictions.server.create_secret(&["project"]).await;
    predictions.server.post(&path("detect", &predictions.detector), &project, picture()).await.ok();
}

#[tokio::test]
async fn invalid_image_is_rejected_with_reason() {
    let predictions = PredictionFixture::start().await;
    let jpeg = encode(&RgbImage::new(300, 200), ImageFormat::Jpeg);
    let png = pattern_image(0, 1);
    // A header that announces 40,000 × 40,000 pixels.
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
        let sent = predictions.classify(json!({ "image": BASE64_STANDARD.encode(&bytes) })).await;
        let response = sent.problem(status, code);
        assert_eq!(response["details"][0]["field"], "image", "{response}");
        let file =
            predictions.request("classify", &predictions.classifier).header("content-type", "image/jpeg");
        send(file.body(bytes)).await.problem(status, code);
    }
    predictions
        .classify(json!({ "image": "A".repeat(14_000_000) }))
        .await
        .assert_problem(413, "image_too_large");
    predictions
        .classify(json!({ "image": "A".repeat(40_000_000) }))
        .await
        .assert_problem(413, "image_too_large");
}

#[tokio::test]
async fn invalid_prediction_field_is_rejected_by_name() {
    let predictions = PredictionFixture::start().await;
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
        predictions.detect(wrong).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    predictions
        .classify(with(json!({ "annotate": true })))
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("annotate");
    let kinds = ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "video/mp4"];
    for kind in kinds {
        let request =
            predictions.request("classify", &predictions.classifier).header("content-type", kind).body("x");
        send(request).await.assert_problem(415, "unknown_kind");
    }
    send(
        predictions
            .server
            .request(Method::GET, &format!("/api/v1/predict/classify/{}", predictions.classifier)),
    )
    .await
    .assert_problem(405, "method_not_allowed");
}
