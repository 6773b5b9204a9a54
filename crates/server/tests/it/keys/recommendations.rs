//! Recommendations from recorded usage, which one click applies.

use keyrack_key::Permission;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::usage_history::{DailyUsage, write_usage};
use crate::web_client::WebClient;

async fn recommendations(api: &Api, key: &CreatedKey) -> Vec<Value> {
    let answer = api.get(&format!("{}/recommendations", key.path())).await.ok();
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn key_that_only_predicts_is_recommended_inference() {
    let mut api = Api::start().await;
    let (key, trains) = (api.create_key_with(&["project"]).await, api.create_key_with(&["project"]).await);
    assert!(recommendations(&api, &key).await.is_empty(), "no usage is recorded yet");
    let training =
        DailyUsage { permission: Permission::ModelsTrain, ..DailyUsage::predictions(&trains, 4, 1) };
    let days = [
        DailyUsage::predictions(&key, 12, 900),
        DailyUsage::predictions(&key, 1, 104),
        DailyUsage::predictions(&trains, 12, 9),
        training,
    ];
    write_usage(&mut api.server, &days).await;
    let all = recommendations(&api, &key).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (&all[0]["code"], &all[0]["change"]),
        (&json!("only_predicts"), &json!({ "scopes": ["inference"] }))
    );
    assert!(all[0]["message"].as_str().unwrap().contains("1,004 requests"), "{all:?}");
    assert!(recommendations(&api, &trains).await.is_empty());

    let web = WebClient::sign_in(&api.server).await;
    let list = web.page(&web.keys("")).await;
    assert_eq!(
        list.text.matches("Recommendation: Over-scoped: only makes predictions").count(),
        1,
        "{list:?}"
    );
    assert!(list.text.contains(">1,004<"), "{list:?}");
    let page = web.page(&web.keys(&format!("/{}", key.id))).await;
    assert!(page.text.contains("Change to Inference"), "{page:?}");
    let click = web.keys(&format!("/{}/recommendations", key.id));
    // A recommendation that wasn't made cannot be applied.
    for code in ["", "unused", "nonsense"] {
        assert_eq!(web.submit(&click, &[("code", code)]).await.status, 303);
        assert_eq!(api.read(&key).await["revision"], key.body["revision"]);
    }
    let not_advised = web.keys(&format!("/{}/recommendations", trains.id));
    web.submit(&not_advised, &[("code", "only_predicts")]).await;
    assert_eq!(api.read(&trains).await["scopes"], json!(["project"]));
    let taken = web.submit(&click, &[("code", "only_predicts")]).await;
    assert_eq!(taken.status, 303, "{taken:?}");
    assert_eq!(api.read(&key).await["scopes"], json!(["inference"]));
    api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
    let after = web.page(&web.keys(&format!("/{}", key.id))).await;
    assert!(
        recommendations(&api, &key).await.is_empty() && !after.text.contains("id=\"recommendations\""),
        "{after:?}"
    );
}

#[tokio::test]
async fn publishable_key_without_limits_gets_recommendations() {
    let api = Api::start().await;
    let ordinary = api.create_key_with(&["inference"]).await;
    assert!(recommendations(&api, &ordinary).await.is_empty());
    let public =
        api.create_key(json!({ "name": "p", "class": "publishable", "scopes": ["inference"] })).await;
    let codes = |all: Vec<Value>| all.iter().map(|one| one["code"].clone()).collect::<Vec<_>>();
    assert_eq!(codes(recommendations(&api, &public).await), ["any_origin", "no_limit"]);
    let rate = json!({ "requests": 10, "seconds": 60 });
    api.patch(
        &public.path(),
        json!({ "restrictions": { "origins": ["https://shop.example"], "rate": rate } }),
    )
    .await
    .ok();
    assert!(recommendations(&api, &public).await.is_empty());
    api.get("/api/v1/keys/key_00000000000070008000000000000000/recommendations")
        .await
        .assert_problem(404, "not_found");
}

#[tokio::test]
async fn usage_older_than_retention_is_deleted() {
    let mut api = Api::start_with(&["--usage-days", "10"]).await;
    let key = api.create_key_with(&["inference"]).await;
    let days = [
        DailyUsage::predictions(&key, 15, 900),
        DailyUsage::predictions(&key, 9, 5),
        DailyUsage::predictions(&key, 0, 2),
    ];
    write_usage(&mut api.server, &days).await;
    crate::harness::wait_until("the old usage is deleted", async || {
        let usage = api.get(&format!("{}/usage?last=90d", key.path())).await.ok().json();
        let all: u64 =
            usage["items"].as_array().unwrap().iter().map(|one| one["checks"].as_u64().unwrap()).sum();
        (all == 7).then_some(())
    })
    .await;
    let web = WebClient::sign_in(&api.server).await;
    let list = web.page(&web.keys("")).await;
    assert!(list.text.contains(">7<"), "{list:?}");
    assert!(api.server.ops("/metrics").await.text.contains("keyrack_usage_rows_deleted_total"));
}
