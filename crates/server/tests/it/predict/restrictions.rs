//! Keys that are restricted to models or to a maximum image size.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::fixture::PredictionFixture;
use super::image_host::ImageHost;
use super::samples::pattern_image;
use crate::harness::{Answer, SLUG, send, text};

/// A prediction fixture with a key that manages keys.
struct RestrictionFixture {
    predictions: PredictionFixture,
    manager_key: String,
}

/// A key of this fixture.
struct RestrictedKey {
    id: String,
    secret: String,
}

impl RestrictionFixture {
    async fn start(args: &[&str]) -> Self {
        let predictions = PredictionFixture::start_with(args).await;
        let manager_key = predictions.server.create_secret(&["project", "inference", "keys"]).await;
        Self { predictions, manager_key }
    }

    async fn key(&self, scopes: &[&str], restrictions: Value) -> RestrictedKey {
        let key = json!({ "name": "narrow", "scopes": scopes, "restrictions": restrictions });
        let created = self.predictions.server.post("/api/v1/keys", &self.manager_key, key).await.ok().json();
        RestrictedKey { id: text(&created["id"]), secret: text(&created["secret"]) }
    }

    fn request(&self, key: &RestrictedKey, task: &str, model: &str) -> RequestBuilder {
        let path = format!("/api/v1/predict/{task}/{model}");
        self.predictions.server.request(Method::POST, &path).header("x-api-key", &key.secret)
    }

    async fn predict(&self, key: &RestrictedKey, task: &str, model: &str) -> Answer {
        let picture = json!({ "image": BASE64_STANDARD.encode(pattern_image(0, 1)) });
        send(self.request(key, task, model).json(&picture)).await
    }

    async fn get(&self, key: &RestrictedKey, path: &str) -> Answer {
        self.predictions.server.get(&format!("/api/v1{path}"), &key.secret).await
    }

    /// The explanation of a denied request.
    async fn explain(&self, answer: &Answer) -> Value {
        let path = format!("/api/v1/requests/{}", text(&answer.json()["request_id"]));
        self.predictions.server.get(&path, &self.manager_key).await.ok().json()
    }
}

#[tokio::test]
async fn key_restricted_to_models_is_denied_elsewhere() {
    let fixture = RestrictionFixture::start(&[]).await;
    let (own, other, server) =
        (&fixture.predictions.classifier, &fixture.predictions.detector, &fixture.predictions.server);
    let key = fixture.key(&["project", "inference"], json!({ "models": [own] })).await;
    fixture.predict(&key, "classify", own).await.ok();
    fixture.get(&key, &format!("/models/{own}/card")).await.ok();
    assert_eq!(fixture.get(&key, "/models").await.ok().json()["items"].as_array().unwrap().len(), 1);
    let denied = fixture.predict(&key, "detect", other).await.assert_problem(403, "model_outside_key");
    assert_eq!(denied.json()["key"], key.id);
    for path in
        [format!("/models/{other}/card"), format!("/models/{other}"), format!("/models/{other}/events")]
    {
        fixture.get(&key, &path).await.assert_problem(403, "model_outside_key");
    }
    let path = |rest: &str| format!("/api/v1/models/{other}{rest}");
    server.post(&path("/cancel"), &key.secret, json!({})).await.assert_problem(403, "model_outside_key");
    server.delete(&path(""), &key.secret).await.assert_problem(403, "model_outside_key");
    // The key couldn't use a model that it trains, and deleting a project deletes models outside the key.
    let project = format!("/api/v1/projects/{}", fixture.predictions.project);
    let train = server.post(&format!("{project}/models"), &key.secret, json!({})).await;
    train.assert_problem(403, "model_outside_key");
    server.delete(&project, &key.secret).await.assert_problem(403, "model_outside_key");
    server.get(&project, &key.secret).await.ok();
    assert_eq!(
        server.get(&format!("{project}/models"), &key.secret).await.ok().json()["items"][0]["id"],
        **own
    );
    // The response reveals nothing about models of other workspaces.
    fixture.predict(&key, "classify", &fixture.predictions.theirs).await.assert_problem(404, "not_found");

    let explanation = fixture.explain(&denied).await;
    assert_eq!((&explanation["code"], &explanation["expected"]), (&json!("model_outside_key"), &json!(own)));
    assert_eq!(explanation["failedCheck"], "Project and model access");
    assert!(text(&explanation["manageUrl"]).ends_with("/edit#f-models"));
}

#[tokio::test]
async fn project_and_model_restrictions_both_apply() {
    let fixture = RestrictionFixture::start(&[]).await;
    let (own, other) = (&fixture.predictions.classifier, &fixture.predictions.detector);
    let restrictions = json!({ "projects": [fixture.predictions.project], "models": [own, other] });
    let key = fixture.key(&["inference"], restrictions).await;
    fixture.predict(&key, "classify", own).await.ok();
    fixture.predict(&key, "detect", other).await.assert_problem(403, "outside_key");
}

#[tokio::test]
async fn key_whose_last_model_is_deleted_covers_none() {
    let fixture = RestrictionFixture::start(&[]).await;
    let (own, other, server) =
        (&fixture.predictions.classifier, &fixture.predictions.detector, &fixture.predictions.server);
    let key = fixture.key(&["project", "inference"], json!({ "models": [own] })).await;
    fixture.predict(&key, "classify", own).await.ok();
    server.delete(&format!("/api/v1/models/{own}"), &fixture.manager_key).await.ok();
    fixture.predict(&key, "classify", own).await.assert_problem(404, "not_found");
    fixture.predict(&key, "detect", other).await.assert_problem(403, "model_outside_key");
    assert_eq!(fixture.get(&key, "/models").await.ok().json()["items"], json!([]));
    // Other edits keep the restriction.
    let url = format!("/api/v1/keys/{}", key.id);
    let patch = json!({ "restrictions": { "models": [own], "maxImageBytes": 100_000 } });
    server.patch(&url, &fixture.manager_key, patch).await.ok();
    fixture.predict(&key, "detect", other).await.assert_problem(403, "model_outside_key");
    server.patch(&url, &fixture.manager_key, json!({ "restrictions": {} })).await.ok();
    fixture.predict(&key, "detect", other).await.ok();
}

#[tokio::test]
async fn restriction_to_model_of_other_workspace_is_rejected() {
    let fixture = RestrictionFixture::start(&[]).await;
    let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": { "models": [fixture.predictions.theirs] } });
    let denied = fixture.predictions.server.post("/api/v1/keys", &fixture.manager_key, key).await;
    denied.assert_problem(422, "invalid").assert_field_error("restrictions.models");
}

#[tokio::test]
async fn verify_without_model_is_denied_for_restricted_key() {
    let fixture = RestrictionFixture::start(&[]).await;
    let (own, other, server) =
        (&fixture.predictions.classifier, &fixture.predictions.detector, &fixture.predictions.server);
    let restrictions = json!({ "models": [own], "maxImageBytes": 5_000 });
    let key = fixture.key(&["inference"], restrictions).await;
    let ask = async |mut question: Value| {
        question["workspace"] = SLUG.into();
        server.post("/api/v1/verify", &key.secret, question).await
    };
    let explanation = ask(json!({ "model": own, "permission": "models:predict" })).await.ok().json();
    assert_eq!(explanation["limits"]["maxImageBytes"], 5_000);
    ask(json!({ "model": other })).await.assert_problem(403, "model_outside_key");
    ask(json!({ "permission": "models:predict" })).await.assert_problem(403, "model_outside_key");
    ask(json!({ "model": "nonsense" })).await.assert_problem(422, "invalid").assert_field_error("model");
    let request = server.request(Method::GET, "/api/v1/forward-auth").header("x-api-key", &key.secret);
    let request = request.header("x-keyrack-for-workspace", SLUG);
    send(request).await.assert_problem(403, "model_outside_key");
    let free = fixture.key(&["inference"], json!({})).await;
    let question = json!({ "workspace": SLUG, "model": other });
    let explanation = server.post("/api/v1/verify", &free.secret, question).await.ok().json();
    assert_eq!(explanation["limits"], json!({}));
}

#[tokio::test]
async fn image_over_key_limit_is_rejected_in_each_format() {
    let fixture = RestrictionFixture::start(&[]).await;
    let (model, server) = (&fixture.predictions.classifier, &fixture.predictions.server);
    let picture = pattern_image(0, 7);
    let most = picture.len();
    let quota = json!([{ "of": "predictions", "limit": 1, "per": "day" }]);
    let key = fixture.key(&["inference"], json!({ "maxImageBytes": most, "quotas": quota })).await;
    let mut larger = picture.clone();
    // Bytes after the end of a PNG belong to the file but not to the image.
    larger.push(0);
    let json_of = |bytes: &[u8]| json!({ "image": BASE64_STANDARD.encode(bytes) });
    let head = "--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
    let form = [head.as_bytes(), &larger, b"\r\n--x--\r\n"].concat();
    let url = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&larger));
    for request in [
        fixture.request(&key, "classify", model).json(&json_of(&larger)),
        fixture.request(&key, "classify", model).json(&json!({ "image": url })),
        fixture
            .request(&key, "classify", model)
            .header("content-type", "multipart/form-data; boundary=x")
            .body(form),
        fixture.request(&key, "classify", model).header("content-type", "image/png").body(larger.clone()),
        fixture.request(&key, "detect", &fixture.predictions.detector).json(&json_of(&larger)),
    ] {
        let denied = send(request).await.assert_problem(413, "image_too_large_for_key");
        let problem = denied.json();
        assert_eq!((&problem["max_image_bytes"], &problem["key"]), (&json!(most), &json!(key.id)));
        assert_eq!(problem["details"][0]["field"], "image");
        assert!(
            text(&problem["details"][0]["message"]).contains(&format!("{most} bytes or fewer")),
            "{problem}"
        );
    }
    // An image of exactly this size is allowed, and denied requests used no quota.
    send(fixture.request(&key, "classify", model).json(&json_of(&picture))).await.ok();
    let again = send(fixture.request(&key, "classify", model).json(&json_of(&larger))).await;
    let again = again.assert_problem(413, "image_too_large_for_key");

    let explanation = fixture.explain(&again).await;
    assert_eq!(
        (&explanation["failedCheck"], &explanation["expected"]),
        (&json!("Image size"), &json!(format!("{most} bytes or fewer")))
    );
    assert!(text(&explanation["manageUrl"]).ends_with("/edit#f-max_image"));
    let path = format!("/api/v1/keys/{}/usage", key.id);
    crate::harness::wait_until("the denials are counted", async || {
        let usage = server.get(&path, &fixture.manager_key).await.ok().json();
        let items = usage["items"].as_array().unwrap();
        let denied: u64 = items
            .iter()
            .filter(|item| item["outcome"] == "image_too_large_for_key")
            .map(|item| item["checks"].as_u64().unwrap())
            .sum();
        (denied == 6).then_some(())
    })
    .await;
    let metrics = server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_key_checks_total{outcome=\"image_too_large_for_key\"} 6"), "{metrics}");
    // Without the limit, the same file is accepted.
    let free = fixture.key(&["inference"], json!({})).await;
    send(fixture.request(&free, "classify", model).json(&json_of(&larger))).await.ok();
}

#[tokio::test]
async fn image_url_does_not_reveal_size() {
    let fixture = RestrictionFixture::start(&["--allow-image-host", "localhost"]).await;
    let (image_host, model) = (ImageHost::start().await, &fixture.predictions.classifier);
    let image = json!({ "image": image_host.url("localhost", "/picture") });
    let small = fixture.key(&["inference"], json!({ "maxImageBytes": 10 })).await;
    let denied = send(fixture.request(&small, "classify", model).json(&image)).await;
    denied.assert_problem(422, "image_unreachable");
    let large = fixture.key(&["inference"], json!({ "maxImageBytes": 1_000_000 })).await;
    send(fixture.request(&large, "classify", model).json(&image)).await.ok();
}
