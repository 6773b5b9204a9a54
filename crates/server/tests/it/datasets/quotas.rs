//! What uploads take of a key's quotas: each picture that becomes a record takes one.

use reqwest::Method;
use serde_json::json;

use super::Site;
use super::painted::jpeg;
use crate::harness::{Answer, send};

#[tokio::test]
async fn each_record_takes_one_and_what_makes_none_takes_none() {
    let site = Site::open().await;
    let quotas = json!({ "quotas": [{ "of": "images", "limit": 2, "per": "month" }] });
    let key = json!({ "name": "camera", "scopes": ["project"], "restrictions": quotas });
    let key = site.desk.make(key).await;
    let record = async |uri: &str| {
        let body = json!({ "name": "a.jpg", "source": uri, "height": 1, "width": 1, "contentType": "image/jpeg", "size": 1 });
        let request = site.desk.server.request(Method::POST, &site.path("datasets/records"));
        send(request.bearer_auth(&key.secret).json(&body)).await
    };
    let used = async || site.desk.read(&key).await["quotas"][0]["used"].as_u64().unwrap();
    let left = |answer: &Answer| answer.header("ratelimit").to_owned();
    let first = site.ask_with(&key.secret).await;
    record(&first.uri).await.refused(409, "not_uploaded");
    site.put(&first, b"no picture").await;
    record(&first.uri).await.refused(415, "not_an_image");
    assert_eq!(used().await, 0);
    assert_eq!(site.put(&first, &jpeg(40, 30)).await.status, 204);
    let made = record(&first.uri).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(left(&made).starts_with("\"images-month\";r=1;t="), "{made:?}");
    let again = record(&first.uri).await;
    assert_eq!((again.status.as_u16(), left(&again).as_str()), (200, ""), "it was counted before");
    assert_eq!(used().await, 1);
    let last = site.ask_with(&key.secret).await;
    assert_eq!(site.put(&last, &jpeg(41, 30)).await.status, 204);
    assert_eq!(record(&last.uri).await.status, 201);
    assert_eq!(used().await, 2);
    ask(&site, &key.secret).await.refused(429, "quota_exceeded");
}

#[tokio::test]
async fn no_more_is_sent_than_the_quota_leaves_to_record() {
    let site = Site::open().await;
    let quotas = json!({ "quotas": [{ "of": "images", "limit": 3, "per": "day" }] });
    let key = json!({ "name": "camera", "scopes": ["project"], "restrictions": quotas });
    let key = site.desk.make(key).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let place = site.ask_with(&key.secret).await;
        assert_eq!(site.put(&place, &jpeg(40, 30)).await.status, 204);
        open.push(place);
    }
    let full = ask(&site, &key.secret).await;
    assert_eq!(full.header("retry-after"), "900");
    full.refused(429, "too_many_open_uploads");
    assert_eq!(site.objects().len(), 3);
    // Each record takes its own from the quota, and opens no place for more.
    let body = json!({ "name": "a.jpg", "source": open[0].uri });
    site.desk.server.post(&site.path("datasets/records"), &key.secret, body).await.ok();
    ask(&site, &key.secret).await.refused(429, "too_many_open_uploads");
    // Another key has its own.
    ask(&site, &site.desk.master).await.ok();
    for place in &open[1..] {
        let body = json!({ "name": "a.jpg", "source": place.uri });
        site.desk.server.post(&site.path("datasets/records"), &key.secret, body).await.ok();
    }
    ask(&site, &key.secret).await.refused(429, "quota_exceeded");
}

async fn ask(site: &Site, secret: &str) -> Answer {
    site.desk.server.post(&site.path("upload"), secret, json!({ "name": "a.jpg" })).await
}
