//! Keys that are restricted to models, and to images of some size.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::paint::painted;
use super::server_of_pictures::Pictures;
use super::studio::Studio;
use crate::harness::{Answer, SLUG, send, text};

/// A studio, with a key that may make all others.
struct Narrow {
    studio: Studio,
    master: String,
}

/// A key that was made there.
struct Made {
    id: String,
    secret: String,
}

impl Narrow {
    async fn open(args: &[&str]) -> Self {
        let studio = Studio::with(args).await;
        let master = studio.server.key(&["project", "inference", "keys"]).await;
        Self { studio, master }
    }

    async fn key(&self, scopes: &[&str], restrictions: Value) -> Made {
        let key = json!({ "name": "narrow", "scopes": scopes, "restrictions": restrictions });
        let made = self.studio.server.post("/api/v1/keys", &self.master, key).await.ok().json();
        Made { id: text(&made["id"]), secret: text(&made["secret"]) }
    }

    fn request(&self, key: &Made, task: &str, model: &str) -> RequestBuilder {
        let path = format!("/api/v1/predict/{task}/{model}");
        self.studio.server.request(Method::POST, &path).header("x-api-key", &key.secret)
    }

    async fn predict(&self, key: &Made, task: &str, model: &str) -> Answer {
        let picture = json!({ "image": BASE64_STANDARD.encode(painted(0, 1)) });
        send(self.request(key, task, model).json(&picture)).await
    }

    async fn get(&self, key: &Made, path: &str) -> Answer {
        self.studio.server.get(&format!("/api/v1{path}"), &key.secret).await
    }

    /// Why a request was refused.
    async fn why(&self, answer: &Answer) -> Value {
        let path = format!("/api/v1/requests/{}", text(&answer.json()["request_id"]));
        self.studio.server.get(&path, &self.master).await.ok().json()
    }
}

#[tokio::test]
async fn a_key_for_named_models_opens_those_and_no_others() {
    let narrow = Narrow::open(&[]).await;
    let (own, other, server) = (&narrow.studio.classifier, &narrow.studio.detector, &narrow.studio.server);
    let key = narrow.key(&["project", "inference"], json!({ "models": [own] })).await;
    narrow.predict(&key, "classify", own).await.ok();
    narrow.get(&key, &format!("/models/{own}/card")).await.ok();
    assert_eq!(narrow.get(&key, "/models").await.ok().json()["items"].as_array().unwrap().len(), 1);
    let refused = narrow.predict(&key, "detect", other).await.refused(403, "model_outside_key");
    assert_eq!(refused.json()["key"], key.id);
    for path in
        [format!("/models/{other}/card"), format!("/models/{other}"), format!("/models/{other}/events")]
    {
        narrow.get(&key, &path).await.refused(403, "model_outside_key");
    }
    let path = |rest: &str| format!("/api/v1/models/{other}{rest}");
    server.post(&path("/cancel"), &key.secret, json!({})).await.refused(403, "model_outside_key");
    server.delete(&path(""), &key.secret).await.refused(403, "model_outside_key");
    // It could not open what it would train, and a project takes models along that are not its own.
    let project = format!("/api/v1/projects/{}", narrow.studio.project);
    let train = server.post(&format!("{project}/models"), &key.secret, json!({})).await;
    train.refused(403, "model_outside_key");
    server.delete(&project, &key.secret).await.refused(403, "model_outside_key");
    server.get(&project, &key.secret).await.ok();
    assert_eq!(
        server.get(&format!("{project}/models"), &key.secret).await.ok().json()["items"][0]["id"],
        **own
    );
    // Of another workspace's models nothing is said at all.
    narrow.predict(&key, "classify", &narrow.studio.theirs).await.refused(404, "not_found");

    let told = narrow.why(&refused).await;
    assert_eq!((&told["code"], &told["expected"]), (&json!("model_outside_key"), &json!(own)));
    assert_eq!(told["failedCheck"], "The key covers what was asked for");
    assert!(text(&told["manageUrl"]).ends_with("/edit#f-models"));
}

#[tokio::test]
async fn projects_and_models_narrow_together() {
    let narrow = Narrow::open(&[]).await;
    let (own, other) = (&narrow.studio.classifier, &narrow.studio.detector);
    let restrictions = json!({ "projects": [narrow.studio.project], "models": [own, other] });
    let key = narrow.key(&["inference"], restrictions).await;
    narrow.predict(&key, "classify", own).await.ok();
    narrow.predict(&key, "detect", other).await.refused(403, "outside_key");
}

#[tokio::test]
async fn a_key_whose_last_model_is_deleted_opens_none() {
    let narrow = Narrow::open(&[]).await;
    let (own, other, server) = (&narrow.studio.classifier, &narrow.studio.detector, &narrow.studio.server);
    let key = narrow.key(&["project", "inference"], json!({ "models": [own] })).await;
    narrow.predict(&key, "classify", own).await.ok();
    server.delete(&format!("/api/v1/models/{own}"), &narrow.master).await.ok();
    narrow.predict(&key, "classify", own).await.refused(404, "not_found");
    narrow.predict(&key, "detect", other).await.refused(403, "model_outside_key");
    assert_eq!(narrow.get(&key, "/models").await.ok().json()["items"], json!([]));
    // Other changes leave it so.
    let url = format!("/api/v1/keys/{}", key.id);
    let patch = json!({ "restrictions": { "models": [own], "maxImageBytes": 100_000 } });
    server.patch(&url, &narrow.master, patch).await.ok();
    narrow.predict(&key, "detect", other).await.refused(403, "model_outside_key");
    server.patch(&url, &narrow.master, json!({ "restrictions": {} })).await.ok();
    narrow.predict(&key, "detect", other).await.ok();
}

#[tokio::test]
async fn models_of_a_restriction_are_those_of_the_workspace() {
    let narrow = Narrow::open(&[]).await;
    let key =
        json!({ "name": "n", "scopes": ["inference"], "restrictions": { "models": [narrow.studio.theirs] } });
    let refused = narrow.studio.server.post("/api/v1/keys", &narrow.master, key).await;
    refused.refused(422, "invalid").names("restrictions.models");
}

#[tokio::test]
async fn a_question_about_no_model_could_be_about_any() {
    let narrow = Narrow::open(&[]).await;
    let (own, other, server) = (&narrow.studio.classifier, &narrow.studio.detector, &narrow.studio.server);
    let restrictions = json!({ "models": [own], "maxImageBytes": 5_000 });
    let key = narrow.key(&["inference"], restrictions).await;
    let ask = async |mut question: Value| {
        question["workspace"] = SLUG.into();
        server.post("/api/v1/verify", &key.secret, question).await
    };
    let told = ask(json!({ "model": own, "permission": "models:predict" })).await.ok().json();
    assert_eq!(told["limits"]["maxImageBytes"], 5_000);
    ask(json!({ "model": other })).await.refused(403, "model_outside_key");
    ask(json!({ "permission": "models:predict" })).await.refused(403, "model_outside_key");
    ask(json!({ "model": "nonsense" })).await.refused(422, "invalid").names("model");
    let request = server.request(Method::GET, "/api/v1/forward-auth").header("x-api-key", &key.secret);
    let request = request.header("x-keyrack-for-workspace", SLUG);
    send(request).await.refused(403, "model_outside_key");
    let free = narrow.key(&["inference"], json!({})).await;
    let question = json!({ "workspace": SLUG, "model": other });
    let told = server.post("/api/v1/verify", &free.secret, question).await.ok().json();
    assert_eq!(told["limits"], json!({}));
}

#[tokio::test]
async fn an_image_beyond_the_limit_of_its_key_is_refused_in_every_form() {
    let narrow = Narrow::open(&[]).await;
    let (model, server) = (&narrow.studio.classifier, &narrow.studio.server);
    let picture = painted(0, 7);
    let most = picture.len();
    let quota = json!([{ "of": "predictions", "limit": 1, "per": "day" }]);
    let key = narrow.key(&["inference"], json!({ "maxImageBytes": most, "quotas": quota })).await;
    let mut larger = picture.clone();
    // What stands behind the end of a PNG is no part of the picture, and of its file.
    larger.push(0);
    let json_of = |bytes: &[u8]| json!({ "image": BASE64_STANDARD.encode(bytes) });
    let head = "--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
    let form = [head.as_bytes(), &larger, b"\r\n--x--\r\n"].concat();
    let url = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&larger));
    for request in [
        narrow.request(&key, "classify", model).json(&json_of(&larger)),
        narrow.request(&key, "classify", model).json(&json!({ "image": url })),
        narrow
            .request(&key, "classify", model)
            .header("content-type", "multipart/form-data; boundary=x")
            .body(form),
        narrow.request(&key, "classify", model).header("content-type", "image/png").body(larger.clone()),
        narrow.request(&key, "detect", &narrow.studio.detector).json(&json_of(&larger)),
    ] {
        let refused = send(request).await.refused(413, "image_too_large_for_key");
        let says = refused.json();
        assert_eq!((&says["max_image_bytes"], &says["key"]), (&json!(most), &json!(key.id)));
        assert_eq!(says["details"][0]["field"], "image");
        assert!(text(&says["message"]).contains(&format!("at most {most} bytes")), "{says}");
    }
    // No more than that is what it takes, and what was refused took none of the quota.
    send(narrow.request(&key, "classify", model).json(&json_of(&picture))).await.ok();
    let again = send(narrow.request(&key, "classify", model).json(&json_of(&larger))).await;
    let again = again.refused(413, "image_too_large_for_key");

    let told = narrow.why(&again).await;
    assert_eq!(
        (&told["failedCheck"], &told["expected"]),
        (&json!("The image is small enough"), &json!(format!("an image of at most {most} bytes")))
    );
    assert!(text(&told["manageUrl"]).ends_with("/edit#f-max_image"));
    let path = format!("/api/v1/keys/{}/usage", key.id);
    crate::harness::until("what was refused is counted", async || {
        let usage = server.get(&path, &narrow.master).await.ok().json();
        let items = usage["items"].as_array().unwrap();
        let refused: u64 = items
            .iter()
            .filter(|item| item["outcome"] == "image_too_large_for_key")
            .map(|item| item["checks"].as_u64().unwrap())
            .sum();
        (refused == 6).then_some(())
    })
    .await;
    let metrics = server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_key_checks_total{outcome=\"image_too_large_for_key\"} 6"), "{metrics}");
    // Without the limit, the same file is looked at.
    let free = narrow.key(&["inference"], json!({})).await;
    send(narrow.request(&free, "classify", model).json(&json_of(&larger))).await.ok();
}

#[tokio::test]
async fn behind_a_url_nothing_is_told_of_the_size() {
    let narrow = Narrow::open(&["--allow-image-host", "localhost"]).await;
    let (pictures, model) = (Pictures::open().await, &narrow.studio.classifier);
    let image = json!({ "image": pictures.url("localhost", "/picture") });
    let small = narrow.key(&["inference"], json!({ "maxImageBytes": 10 })).await;
    let refused = send(narrow.request(&small, "classify", model).json(&image)).await;
    refused.refused(422, "image_unreachable");
    let large = narrow.key(&["inference"], json!({ "maxImageBytes": 1_000_000 })).await;
    send(narrow.request(&large, "classify", model).json(&image)).await.ok();
}
