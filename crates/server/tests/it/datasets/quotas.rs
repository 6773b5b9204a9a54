//! Image quotas: each new record counts as one image.

use reqwest::Method;
use serde_json::json;

use super::DatasetFixture;
use super::test_images::jpeg;
use crate::harness::{Answer, send};

#[tokio::test]
async fn image_quota_counts_each_record_once() {
    let dataset = DatasetFixture::start().await;
    let quotas = json!({ "quotas": [{ "of": "images", "limit": 2, "per": "month" }] });
    let key = json!({ "name": "camera", "scopes": ["project"], "restrictions": quotas });
    let key = dataset.api.create_key(key).await;
    let record = async |uri: &str| {
        let body = json!({ "name": "a.jpg", "source": uri, "height": 1, "width": 1, "contentType": "image/jpeg", "size": 1 });
        let request = dataset.api.server.request(Method::POST, &dataset.path("datasets/records"));
        send(request.bearer_auth(&key.secret).json(&body)).await
    };
    let used = async || dataset.api.read(&key).await["quotas"][0]["used"].as_u64().unwrap();
    let remaining = |answer: &Answer| answer.header("ratelimit").to_owned();
    let first = dataset.request_upload_with(&key.secret).await;
    record(&first.uri).await.assert_problem(409, "not_uploaded");
    dataset.put(&first, b"no picture").await;
    record(&first.uri).await.assert_problem(415, "not_an_image");
    assert_eq!(used().await, 0);
    assert_eq!(dataset.put(&first, &jpeg(40, 30)).await.status, 204);
    let created = record(&first.uri).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert!(remaining(&created).starts_with("\"images-month\";r=1;t="), "{created:?}");
    let again = record(&first.uri).await;
    assert_eq!(
        (again.status.as_u16(), remaining(&again).as_str()),
        (200, ""),
        "the record was counted before"
    );
    assert_eq!(used().await, 1);
    let last = dataset.request_upload_with(&key.secret).await;
    assert_eq!(dataset.put(&last, &jpeg(41, 30)).await.status, 204);
    assert_eq!(record(&last.uri).await.status, 201);
    assert_eq!(used().await, 2);
    request_upload(&dataset, &key.secret).await.assert_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn open_uploads_are_limited_by_image_quota() {
    let dataset = DatasetFixture::start().await;
    let quotas = json!({ "quotas": [{ "of": "images", "limit": 3, "per": "day" }] });
    let key = json!({ "name": "camera", "scopes": ["project"], "restrictions": quotas });
    let key = dataset.api.create_key(key).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let place = dataset.request_upload_with(&key.secret).await;
        assert_eq!(dataset.put(&place, &jpeg(40, 30)).await.status, 204);
        open.push(place);
    }
    let full = request_upload(&dataset, &key.secret).await;
    assert_eq!(full.header("retry-after"), "900");
    full.assert_problem(429, "too_many_open_uploads");
    assert_eq!(dataset.objects().len(), 3);
    // A record counts against the quota and doesn't free an upload.
    let body = json!({ "name": "a.jpg", "source": open[0].uri });
    dataset.api.server.post(&dataset.path("datasets/records"), &key.secret, body).await.ok();
    request_upload(&dataset, &key.secret).await.assert_problem(429, "too_many_open_uploads");
    // Another key has its own quota.
    request_upload(&dataset, &dataset.api.manager_key).await.ok();
    for place in &open[1..] {
        let body = json!({ "name": "a.jpg", "source": place.uri });
        dataset.api.server.post(&dataset.path("datasets/records"), &key.secret, body).await.ok();
    }
    request_upload(&dataset, &key.secret).await.assert_problem(429, "quota_exceeded");
}

async fn request_upload(dataset: &DatasetFixture, secret: &str) -> Answer {
    dataset.api.server.post(&dataset.path("upload"), secret, json!({ "name": "a.jpg" })).await
}
