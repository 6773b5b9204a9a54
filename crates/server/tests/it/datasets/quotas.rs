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
    for status in [201, 429] {
        let next = site.ask_with(&key.secret).await;
        assert_eq!(site.put(&next, &jpeg(41, 30)).await.status, 204);
        let answer = record(&next.uri).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(used().await, 2);
}
