//! What predictions take of a key's quotas: each that is made takes one, and one that is refused before its work begins
//! takes none.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::json;

use super::paint::painted;
use super::studio::Studio;
use crate::harness::{Answer, send, text};

#[tokio::test]
async fn each_prediction_takes_one_and_what_is_refused_takes_none() {
    let studio = Studio::open().await;
    let limits = ["--quota", "predictions=2/month", "--quota", "images=5/day", "--rate-limit", "50/1h"];
    let made = studio.server.make_key(&["inference", "keys"], &limits).await;
    let (id, key) = (text(&made["id"]), text(&made["secret"]));
    let picture = BASE64_STANDARD.encode(painted(0, 99));
    let ask = async |task: &str, model: &str, body| {
        let path = format!("/api/v1/predict/{task}/{model}");
        send(studio.server.request(Method::POST, &path).header("x-api-key", &key).json(&body)).await
    };
    let remaining = |answer: &Answer| answer.header("ratelimit").to_owned();
    let used = async || {
        let own = studio.server.get(&format!("/api/v1/keys/{id}"), &key).await.ok().json();
        own["quotas"][0]["used"].as_u64().unwrap()
    };
    let first = ask("classify", &studio.classifier, json!({ "image": picture })).await.ok();
    assert_eq!(first.header("ratelimit-policy"), "\"predictions-month\";q=2, \"key\";q=50;w=3600");
    assert!(remaining(&first).starts_with("\"predictions-month\";r=1;t="), "{first:?}");
    for (model, body, status, code) in [
        (&studio.classifier, json!({ "image": "bm8gcGljdHVyZQ==" }), 415, "not_an_image"),
        (&studio.classifier, json!({ "image": picture, "confidence": 2 }), 422, "invalid"),
        (&studio.classifier, json!({ "image": "http://127.0.0.1:9999/a.jpg" }), 422, "image_unreachable"),
        (&studio.detector, json!({ "image": picture }), 409, "other_task"),
        (&studio.lost, json!({ "image": picture }), 404, "not_found"),
    ] {
        ask("classify", model, body).await.refused(status, code);
        assert_eq!(used().await, 1, "{code}");
    }
    let second = ask("detect", &studio.detector, json!({ "image": picture, "annotate": false })).await.ok();
    assert!(remaining(&second).starts_with("\"predictions-month\";r=0;t="), "{second:?}");
    let refused = ask("classify", &studio.classifier, json!({ "image": picture })).await;
    let refused = refused.refused(429, "quota_exceeded");
    // The refusal says how it stands with both limits, and when there is more.
    assert!(
        remaining(&refused).contains("\"predictions-month\";r=0")
            && remaining(&refused).contains("\"key\";r=")
    );
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0), "{refused:?}");
    assert_eq!(used().await, 2);
    // Somebody else's key goes on.
    studio.classify(json!({ "image": picture })).await.ok();
}

/// The header is fine, so nothing is found wrong before it is decoded.
#[tokio::test]
async fn an_image_that_fails_while_it_is_decoded_takes_one() {
    let studio = Studio::open().await;
    let limits = ["--quota", "predictions=2/month"];
    let made = studio.server.make_key(&["inference", "keys"], &limits).await;
    let (id, key) = (text(&made["id"]), text(&made["secret"]));
    let whole = painted(0, 99);
    let ask = async |model: &str, image: &[u8]| {
        let path = format!("/api/v1/predict/classify/{model}");
        let body = json!({ "image": BASE64_STANDARD.encode(image) });
        send(studio.server.request(Method::POST, &path).header("x-api-key", &key).json(&body)).await
    };
    let used = async || {
        let own = studio.server.get(&format!("/api/v1/keys/{id}"), &key).await.ok().json();
        own["quotas"][0]["used"].as_u64().unwrap()
    };
    ask(&studio.classifier, &whole[..20]).await.refused(422, "broken_image");
    assert_eq!(used().await, 0, "not even a header");
    for count in 1..=2 {
        ask(&studio.classifier, &whole[..whole.len() / 2]).await.refused(422, "broken_image");
        assert_eq!(used().await, count);
    }
    ask(&studio.classifier, &whole).await.refused(429, "quota_exceeded");
}
