//! Prediction quotas: each prediction counts, except one that is denied before its work begins.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::json;

use super::fixture::PredictionFixture;
use super::samples::pattern_image;
use crate::harness::{Answer, send, text};

#[tokio::test]
async fn prediction_quota_counts_only_completed_predictions() {
    let predictions = PredictionFixture::start().await;
    let limits = ["--quota", "predictions=2/month", "--quota", "images=5/day", "--rate-limit", "50/1h"];
    let created = predictions.server.create_key(&["inference", "keys"], &limits).await;
    let (id, key) = (text(&created["id"]), text(&created["secret"]));
    let picture = BASE64_STANDARD.encode(pattern_image(0, 99));
    let ask = async |task: &str, model: &str, body| {
        let path = format!("/api/v1/predict/{task}/{model}");
        send(predictions.server.request(Method::POST, &path).header("x-api-key", &key).json(&body)).await
    };
    let remaining = |answer: &Answer| answer.header("ratelimit").to_owned();
    let used = async || {
        let own = predictions.server.get(&format!("/api/v1/keys/{id}"), &key).await.ok().json();
        own["quotas"][0]["used"].as_u64().unwrap()
    };
    let first = ask("classify", &predictions.classifier, json!({ "image": picture })).await.ok();
    assert_eq!(first.header("ratelimit-policy"), "\"predictions-month\";q=2, \"key\";q=50;w=3600");
    assert!(remaining(&first).starts_with("\"predictions-month\";r=1;t="), "{first:?}");
    for (model, body, status, code) in [
        (&predictions.classifier, json!({ "image": "bm8gcGljdHVyZQ==" }), 415, "not_an_image"),
        (&predictions.classifier, json!({ "image": picture, "confidence": 2 }), 422, "invalid"),
        (
            &predictions.classifier,
            json!({ "image": "http://127.0.0.1:9999/a.jpg" }),
            422,
            "image_unreachable",
        ),
        (&predictions.detector, json!({ "image": picture }), 409, "other_task"),
        (&predictions.lost, json!({ "image": picture }), 404, "not_found"),
    ] {
        ask("classify", model, body).await.assert_problem(status, code);
        assert_eq!(used().await, 1, "{code}");
    }
    let second =
        ask("detect", &predictions.detector, json!({ "image": picture, "annotate": false })).await.ok();
    assert!(remaining(&second).starts_with("\"predictions-month\";r=0;t="), "{second:?}");
    let denied = ask("classify", &predictions.classifier, json!({ "image": picture })).await;
    let denied = denied.assert_problem(429, "quota_exceeded");
    // The denial reports both limits and when the quota resets.
    assert!(
        remaining(&denied).contains("\"predictions-month\";r=0") && remaining(&denied).contains("\"key\";r=")
    );
    assert!(denied.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0), "{denied:?}");
    assert_eq!(used().await, 2);
    // Another key is still allowed.
    predictions.classify(json!({ "image": picture })).await.ok();
}

/// The header is valid, so the error appears only during decoding.
#[tokio::test]
async fn prediction_quota_counts_failed_decoding() {
    let predictions = PredictionFixture::start().await;
    let limits = ["--quota", "predictions=2/month"];
    let created = predictions.server.create_key(&["inference", "keys"], &limits).await;
    let (id, key) = (text(&created["id"]), text(&created["secret"]));
    let whole = pattern_image(0, 99);
    let ask = async |model: &str, image: &[u8]| {
        let path = format!("/api/v1/predict/classify/{model}");
        let body = json!({ "image": BASE64_STANDARD.encode(image) });
        send(predictions.server.request(Method::POST, &path).header("x-api-key", &key).json(&body)).await
    };
    let used = async || {
        let own = predictions.server.get(&format!("/api/v1/keys/{id}"), &key).await.ok().json();
        own["quotas"][0]["used"].as_u64().unwrap()
    };
    ask(&predictions.classifier, &whole[..20]).await.assert_problem(422, "broken_image");
    assert_eq!(used().await, 0, "the image has no complete header");
    for count in 1..=2 {
        ask(&predictions.classifier, &whole[..whole.len() / 2]).await.assert_problem(422, "broken_image");
        assert_eq!(used().await, count);
    }
    ask(&predictions.classifier, &whole).await.assert_problem(429, "quota_exceeded");
}
