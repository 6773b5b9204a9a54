//! Training quotas: each started training counts.

use serde_json::json;

use super::fixture::TrainingFixture;

#[tokio::test]
async fn training_quota_counts_only_started_trainings() {
    let training = TrainingFixture::without_workers().await;
    let ready = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let none = training.classification_project("none", &[("red", 0)]).await;
    let quotas = json!({ "quotas": [{ "of": "trainings", "limit": 2, "per": "month" }] });
    let key = json!({ "name": "nightly", "scopes": ["project"], "restrictions": quotas });
    let key = training.api.create_key(key).await;
    let train = async |project: &str, name: &str| {
        let path = format!("/api/v1/projects/{project}/models");
        training.api.server.post(&path, &key.secret, json!({ "name": name })).await
    };
    train(&none, "a").await.assert_problem(409, "too_few_images");
    let first = train(&ready, "a").await;
    assert_eq!(first.status, 202, "{first:?}");
    assert!(first.header("ratelimit").starts_with("\"trainings-month\";r=1;t="), "{first:?}");
    train(&ready, "A").await.assert_problem(409, "name_taken");
    train(&ready, "").await.assert_problem(422, "invalid");
    assert_eq!(train(&ready, "b").await.status, 202);
    let denied = train(&ready, "c").await.assert_problem(429, "quota_exceeded");
    assert_eq!(denied.json()["quota"]["of"], "trainings");
    let own = training.api.read(&key).await["quotas"][0].clone();
    assert_eq!((&own["used"], &own["remaining"]), (&json!(2), &json!(0)));
}
