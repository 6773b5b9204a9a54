//! Rate limits of keys. The windows are one hour long, so that nothing is restored during a test.

use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, SLUG, wait_until};
use crate::web_client::WebClient;

async fn limited(api: &Api, requests: u32) -> CreatedKey {
    let rate = json!({ "requests": requests, "seconds": 3_600 });
    api.create_key(json!({ "name": "limited", "scopes": ["project"], "restrictions": { "rate": rate } }))
        .await
}

/// Uses the key until it is denied. Returns the number of allowed requests and the denial.
async fn use_until_denied(api: &Api, secret: &str) -> (u32, Answer) {
    let mut passed = 0;
    loop {
        let answer = api.projects(secret).await;
        if answer.status != 200 {
            return (passed, answer);
        }
        passed += 1;
    }
}

async fn verify(api: &Api, secret: &str, more: Value) -> Answer {
    let mut question = json!({ "workspace": SLUG });
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    api.server.post("/api/v1/verify", secret, question).await
}

#[tokio::test]
async fn rate_limit_is_reported_and_denies_when_exceeded() {
    let api = Api::start().await;
    let key = limited(&api, 5).await;
    let own = json!({ "rate": { "requests": 5, "seconds": 3_600 } });
    assert_eq!((&key.body["restrictions"], &api.read(&key).await["restrictions"]), (&own, &own));
    let first = api.projects(&key.secret).await.ok();
    assert_eq!(first.header("ratelimit-policy"), "\"key\";q=5;w=3600");
    assert_eq!(first.header("ratelimit"), "\"key\";r=4;t=720");
    let (passed, denied) = use_until_denied(&api, &key.secret).await;
    assert_eq!(passed, 4);
    let denied = denied.assert_problem(429, "rate_limited");
    let wait: u32 = denied.header("retry-after").parse().unwrap();
    assert!((1..=720).contains(&wait), "{denied:?}");
    assert_eq!(denied.header("ratelimit-policy"), "\"key\";q=5;w=3600");
    assert_eq!(denied.header("ratelimit"), format!("\"key\";r=0;t={wait}"));
    assert_eq!(denied.json()["key"], key.id);
    let free = api.create_key_with(&["project"]).await;
    let answer = api.projects(&free.secret).await.ok();
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), ("", ""));
}

#[tokio::test]
async fn concurrent_requests_stay_within_rate_limit() {
    let api = Api::start().await;
    let key = limited(&api, 7).await;
    let requests = (0..20).map(|_| api.projects(&key.secret));
    let answers = futures_util::future::join_all(requests).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    let denied = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((passed, denied), (7, 13));
}

#[tokio::test]
async fn request_denied_for_other_reason_spends_no_rate() {
    let api = Api::start().await;
    let key = limited(&api, 2).await;
    for _ in 0..3 {
        api.server.get("/api/v1/keys", &key.secret).await.assert_problem(403, "insufficient_scope");
    }
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 2);
    let path = format!("{}/usage", key.path());
    let items = wait_until("the usage is recorded", async || {
        let items = api.get(&path).await.ok().json()["items"].as_array().unwrap().clone();
        let checks: u64 = items.iter().map(|item| item["checks"].as_u64().unwrap()).sum();
        (checks == 6).then_some(items)
    })
    .await;
    let limited = items.iter().filter(|item| item["outcome"] == "rate_limited");
    assert_eq!(limited.map(|item| item["checks"].as_u64().unwrap()).sum::<u64>(), 1, "{items:?}");
}

#[tokio::test]
async fn rename_and_rotation_keep_spent_rate() {
    let api = Api::start().await;
    let key = limited(&api, 4).await;
    api.projects(&key.secret).await.ok();
    api.patch(&key.path(), json!({ "name": "renamed" })).await.ok();
    api.projects(&key.secret).await.ok();
    let new = api.rotate(&key, "1h").await;
    api.projects(&key.secret).await.ok();
    assert_eq!(use_until_denied(&api, &new.secret).await.0, 1, "both secrets share the limit");
    api.projects(&key.secret).await.assert_problem(429, "rate_limited");
    // The halved limit is still used up.
    let rate =
        |requests: u32| json!({ "restrictions": { "rate": { "requests": requests, "seconds": 3_600 } } });
    api.patch(&key.path(), rate(2)).await.ok();
    api.projects(&new.secret).await.assert_problem(429, "rate_limited");
    let free = api.patch(&key.path(), json!({ "restrictions": {} })).await.ok();
    assert_eq!(free.json()["restrictions"], json!({}));
    api.projects(&new.secret).await.ok();
}

/// The fast limit recovers within a second; the slow limit continues where it was.
#[tokio::test]
async fn faster_rate_in_between_restores_nothing() {
    let api = Api::start().await;
    let key = limited(&api, 4).await;
    let set = async |requests: u32, seconds: u32| {
        let rate = json!({ "requests": requests, "seconds": seconds });
        api.patch(&key.path(), json!({ "restrictions": { "rate": rate } })).await.ok();
    };
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 4);
    for _ in 0..2 {
        set(2, 1).await;
        wait_until("the fast limit has recovered", async || {
            (api.projects(&key.secret).await.status == 200).then_some(())
        })
        .await;
        set(4, 3_600).await;
        assert_eq!(use_until_denied(&api, &key.secret).await.0, 0);
        set(400, 86_400).await;
        assert_eq!(use_until_denied(&api, &key.secret).await.0, 0, "another slow limit restores nothing");
    }
}

#[tokio::test]
async fn restarted_server_resets_rate_limit() {
    let mut api = Api::start().await;
    let key = limited(&api, 2).await;
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 2);
    api.server.stop().await;
    api.server.restart().await;
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 2, "limited again, with nothing used");
}

#[tokio::test]
async fn verify_spends_rate_only_when_requested() {
    let api = Api::start().await;
    let key = limited(&api, 2).await;
    let remaining = |answer: Answer| answer.ok().json()["limits"]["rate"].clone();
    for _ in 0..5 {
        let rate = remaining(verify(&api, &key.secret, json!({})).await);
        assert_eq!(rate, json!({ "requests": 2, "seconds": 3_600, "remaining": 2, "fullInSeconds": 0 }));
    }
    verify(&api, &key.secret, json!({ "spend": true, "permission": "keys:manage" }))
        .await
        .assert_problem(403, "insufficient_scope");
    assert_eq!(remaining(verify(&api, &key.secret, json!({ "spend": true })).await)["remaining"], 1);
    api.projects(&key.secret).await.ok();
    for spend in [true, false] {
        let denied =
            verify(&api, &key.secret, json!({ "spend": spend })).await.assert_problem(429, "rate_limited");
        assert!(denied.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0), "{denied:?}");
    }
    let free = api.create_key_with(&["project"]).await;
    assert_eq!(verify(&api, &free.secret, json!({ "spend": true })).await.ok().json()["limits"], json!({}));
    verify(&api, &free.secret, json!({ "spend": 1 }))
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("spend");
}

#[tokio::test]
async fn invalid_rate_limit_is_rejected_by_field() {
    let api = Api::start().await;
    let key = limited(&api, 5).await;
    let wrong = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("100"),
        json!(true),
        json!(null),
        json!([1]),
        json!({}),
        json!(1_000_001),
        json!(4_294_967_297_u64),
        json!(u64::MAX),
        json!(1e300),
    ];
    let both = wrong.iter().flat_map(|wrong| [("requests", wrong), ("seconds", wrong)]);
    for (field, value) in both.chain([("seconds", &json!(86_401))]) {
        let mut rate = json!({ "requests": 1, "seconds": 1 });
        rate[field] = value.clone();
        assert_rejected(&api, &key, &json!({ "rate": rate }), &format!("restrictions.rate.{field}")).await;
    }
    for (rate, field) in [
        (json!({ "requests": 1 }), "restrictions.rate.seconds"),
        (json!({ "requests": 1, "seconds": 1, "burst": 2 }), "restrictions.rate.burst"),
        (json!([1, 1]), "restrictions.rate"),
        (json!("100/60s"), "restrictions.rate"),
        (json!(100), "restrictions.rate"),
    ] {
        assert_rejected(&api, &key, &json!({ "rate": rate }), field).await;
    }
    let two = json!({ "rate": { "requests": 0, "seconds": 0 } });
    let answer = api.patch(&key.path(), json!({ "restrictions": two })).await.assert_problem(422, "invalid");
    assert_eq!(answer.json()["details"].as_array().unwrap().len(), 2, "each field has an error");
    assert_eq!(api.read(&key).await["revision"], key.body["revision"]);
    api.patch(&key.path(), json!({ "restrictions": { "rate": null } })).await.ok();
    assert_eq!(api.read(&key).await["restrictions"], json!({}));
    for (requests, seconds) in [(1, 86_400), (1_000_000, 1)] {
        let most = json!({ "rate": { "requests": requests, "seconds": seconds } });
        let created = api.patch(&key.path(), json!({ "restrictions": most })).await.ok();
        assert_eq!(created.json()["restrictions"], most);
    }
}

async fn assert_rejected(api: &Api, key: &CreatedKey, restrictions: &Value, field: &str) {
    let new = json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions });
    api.post("/api/v1/keys", new).await.assert_problem(422, "invalid").assert_field_error(field);
    let change = json!({ "restrictions": restrictions });
    api.patch(&key.path(), change).await.assert_problem(422, "invalid").assert_field_error(field);
}

#[tokio::test]
async fn key_cannot_grant_higher_rate_than_its_own() {
    let api = Api::start().await;
    let rate = |requests: u32, seconds: u32| json!({ "rate": { "requests": requests, "seconds": seconds } });
    let held = json!({ "name": "m", "scopes": ["keys", "inference"], "restrictions": rate(100, 3_600) });
    let by = api.create_key(held).await;
    let new =
        |restrictions: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    for exceeding in [json!({}), rate(101, 86_400), rate(100, 3_599), rate(1, 1)] {
        api.server.post("/api/v1/keys", &by.secret, new(exceeding)).await.assert_problem(403, "beyond_key");
    }
    let created = api.create_key_as(&by.secret, new(rate(50, 3_600))).await;
    let wider = json!({ "restrictions": {} });
    api.server.patch(&created.path(), &by.secret, wider.clone()).await.assert_problem(403, "beyond_key");
    api.server.patch(&by.path(), &by.secret, wider).await.assert_problem(403, "beyond_key");
    api.server.patch(&created.path(), &by.secret, json!({ "restrictions": rate(100, 3_600) })).await.ok();
}

#[tokio::test]
async fn pages_set_rate_limit_and_keep_other_restrictions() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let networks = json!({ "networks": ["127.0.0.0/8"] });
    let key = json!({ "name": "gate", "scopes": ["project"], "restrictions": networks });
    let key = api.create_key(key).await;
    let edit = web.keys(&format!("/{}/edit", key.id));
    let save = async |revision: &Value, rate: [&str; 3]| {
        let revision = revision.to_string();
        let fields = [
            ("name", "gate"),
            ("scope", "project"),
            ("expiry", "never"),
            ("revision", revision.as_str()),
            ("rate_requests", rate[0]),
            ("rate_every", rate[1]),
            ("rate_unit", rate[2]),
        ];
        web.submit(&edit, &fields).await
    };
    let revision = &key.body["revision"];
    for (typed, expected) in [
        (["0", "1", "minute"], "Use a whole number from 1 to 1,000,000."),
        (["ten", "1", "minute"], "Use a whole number from 1 to 1,000,000."),
        (["10", "25", "hour"], "Enter a whole number, up to 24 hours."),
        (["10", "-1", "second"], "Enter a whole number, up to 24 hours."),
        (["10", "1", "fortnight"], "Choose seconds, minutes, or hours."),
    ] {
        let again = save(revision, typed).await;
        assert_eq!(again.status, 422, "{typed:?}");
        assert!(again.text.contains(expected), "{typed:?}: {}", again.text);
    }
    assert_eq!(save(revision, ["10", "", "hour"]).await.status, 303);
    let now = api.read(&key).await;
    let own = json!({ "networks": ["127.0.0.0/8"], "rate": { "requests": 10, "seconds": 3_600 } });
    assert_eq!(now["restrictions"], own);
    for page in [web.keys(""), web.keys(&format!("/{}", key.id))] {
        assert!(web.page(&page).await.text.contains("10 requests per hour"), "{page}");
    }
    let form = web.page(&edit).await.text;
    assert!(form.contains("name=\"rate_requests\"") && form.contains("value=\"10\""), "{form}");
    assert!(form.contains("<option value=\"hour\" selected>"), "{form}");
    assert_eq!(save(&now["revision"], ["", "1", "hour"]).await.status, 303);
    assert_eq!(api.read(&key).await["restrictions"], networks);
}
