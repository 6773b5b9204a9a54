//! What trainings take of a key's quotas: each that is begun takes one.

use serde_json::json;

use super::school::School;

#[tokio::test]
async fn each_training_that_is_begun_takes_one_and_what_cannot_begin_takes_none() {
    let school = School::without_workers().await;
    let ready = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let none = school.classes("none", &[("red", 0)]).await;
    let quotas = json!({ "quotas": [{ "of": "trainings", "limit": 2, "per": "month" }] });
    let key = json!({ "name": "nightly", "scopes": ["project"], "restrictions": quotas });
    let key = school.desk.make(key).await;
    let train = async |project: &str, name: &str| {
        let path = format!("/api/v1/projects/{project}/models");
        school.desk.server.post(&path, &key.secret, json!({ "name": name })).await
    };
    train(&none, "a").await.refused(409, "too_few_images");
    let first = train(&ready, "a").await;
    assert_eq!(first.status, 202, "{first:?}");
    assert!(first.header("ratelimit").starts_with("\"trainings-month\";r=1;t="), "{first:?}");
    train(&ready, "A").await.refused(409, "name_taken");
    train(&ready, "").await.refused(422, "invalid");
    assert_eq!(train(&ready, "b").await.status, 202);
    let refused = train(&ready, "c").await.refused(429, "quota_exceeded");
    assert_eq!(refused.json()["quota"]["of"], "trainings");
    let own = school.desk.read(&key).await["quotas"][0].clone();
    assert_eq!((&own["used"], &own["remaining"]), (&json!(2), &json!(0)));
}
