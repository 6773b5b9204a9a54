//! A key that ends while its request is held back gets no prediction.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::json;

use super::paint::painted;
use super::studio::Studio;
use crate::coverage::held::{held, let_go};
use crate::harness::text;

#[tokio::test]
async fn a_prediction_of_a_deleted_key_is_not_made() {
    let studio = Studio::open().await;
    let master = studio.server.key(&["inference", "keys"]).await;
    let body = json!({ "image": BASE64_STANDARD.encode(painted(0, 1)) }).to_string();
    for (task, model) in [("classify", &studio.classifier), ("detect", &studio.detector)] {
        let path = format!("/api/v1/predict/{task}/{model}");
        for is_deleted in [false, true] {
            let key = json!({ "name": "held", "scopes": ["inference"] });
            let key = studio.server.post("/api/v1/keys", &master, key).await.ok().json();
            let request = held(&studio.server, &Method::POST, &path, &text(&key["secret"]), &body).await;
            if is_deleted {
                studio.server.delete(&format!("/api/v1/keys/{}", text(&key["id"])), &master).await.ok();
            }
            let answer = let_go(request.unwrap(), &body).await;
            if is_deleted {
                answer.refused(401, "changed_key");
            } else {
                answer.ok();
            }
        }
    }
}
