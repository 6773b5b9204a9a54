//! A key that is deleted while its request is held gets no prediction.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::json;

use super::fixture::PredictionFixture;
use super::samples::pattern_image;
use crate::coverage::held_requests::{hold_request, release_request};
use crate::harness::text;

#[tokio::test]
async fn held_prediction_of_deleted_key_is_denied() {
    let predictions = PredictionFixture::start().await;
    let manager_key = predictions.server.create_secret(&["inference", "keys"]).await;
    let body = json!({ "image": BASE64_STANDARD.encode(pattern_image(0, 1)) }).to_string();
    for (task, model) in [("classify", &predictions.classifier), ("detect", &predictions.detector)] {
        let path = format!("/api/v1/predict/{task}/{model}");
        for is_deleted in [false, true] {
            let key = json!({ "name": "held", "scopes": ["inference"] });
            let key = predictions.server.post("/api/v1/keys", &manager_key, key).await.ok().json();
            let request =
                hold_request(&predictions.server, &Method::POST, &path, &text(&key["secret"]), &body).await;
            if is_deleted {
                predictions
                    .server
                    .delete(&format!("/api/v1/keys/{}", text(&key["id"])), &manager_key)
                    .await
                    .ok();
            }
            let answer = release_request(request.unwrap(), &body).await;
            if is_deleted {
                answer.assert_problem(401, "changed_key");
            } else {
                answer.ok();
            }
        }
    }
}
