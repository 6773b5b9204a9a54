//! Daily and monthly quotas of keys. `/verify` with `spend` uses the same quota as a prediction and is faster.

use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, SLUG, text, wait_until};
use crate::web_client::WebClient;

fn quota(of: &str, limit: u32, per: &str) -> Value {
    json!({ "of": of, "limit": limit, "per": per })
}

/// A monthly quota hardly ever resets during a test.
async fn limited(api: &Api, limit: u32) -> CreatedKey {
    let quotas = [quota("predictions", limit, "month")];
    api.create_key(
        json!({ "name": "limited", "scopes": ["inference"], "restrictions": { "quotas": quotas } }),
    )
    .await
}

async fn verify(api: &Api, secret: &str, spend: bool) -> Answer {
    let question = json!({ "workspace": SLUG, "permission": "models:predict", "spend": spend });
    api.server.post("/api/v1/verify", secret, question).await
}

/// Predicts until the key is denied. Returns the number of allowed predictions and the denial.
async fn use_until_denied(api: &Api, secret: &str) -> (u32, Answer) {
    let mut passed = 0;
    loop {
        let answer = verify(api, secret, true).await;
        if answer.status != 200 {
            return (passed, answer);
        }
        passed += 1;
    }
}

/// The used and remaining quota from the key.
async fn quota_usage(api: &Api, key: &CreatedKey) -> (u64, u64) {
    let own = api.read(key).await["quotas"][0].clone();
    (own["used"].as_u64().unwrap(), own["remaining"].as_u64().unwrap())
}

#[tokio::test]
async fn quota_is_reported_and_denies_when_exceeded() {
    let api = Api::start().await;
    let key = limited(&api, 3).await;
    let own = json!({ "quotas": [quota("predictions", 3, "month")] });
    assert_eq!((&key.body["restrictions"], &api.read(&key).await["restrictions"]), (&own, &own));
    let looked = verify(&api, &key.secret, false).await.ok().json()["limits"]["quotas"][0].clone();
    assert_eq!((&looked["used"], &looked["remaining"]), (&json!(0), &json!(3)), "{looked}");
    let first = verify(&api, &key.secret, true).await.ok().json()["limits"]["quotas"][0].clone();
    assert_eq!(
        (&first["used"], &first["remaining"], &first["of"]),
        (&json!(1), &json!(2), &json!("predictions"))
    );
    assert_eq!(quota_usage(&api, &key).await, (1, 2));
    let (passed, denied) = use_until_denied(&api, &key.secret).await;
    assert_eq!(passed, 2);
    let denied = denied.assert_problem(429, "quota_exceeded");
    let wait: u32 = denied.header("retry-after").parse().unwrap();
    assert!((1..=31 * 86_400).contains(&wait), "{denied:?}");
    assert_eq!(denied.header("ratelimit-policy"), "\"predictions-month\";q=3");
    assert_eq!(denied.header("ratelimit"), format!("\"predictions-month\";r=0;t={wait}"));
    let problem = denied.json();
    assert_eq!(
        (&problem["quota"]["used"], &problem["quota"]["limit"], &problem["quota"]["per"]),
        (&json!(3), &json!(3), &json!("month"))
    );
    assert!(text(&problem["quota"]["resetsAt"]).ends_with("-01T00:00:00Z"), "{problem}");
    assert_eq!(problem["key"], key.id);
    assert!(text(&problem["message"]).starts_with("Quota exceeded (3 predictions per month)."));
    verify(&api, &key.secret, false).await.assert_problem(429, "quota_exceeded");
    assert_eq!(quota_usage(&api, &key).await, (3, 0));
    // A request without a permission isn't a prediction.
    let alive = json!({ "workspace": SLUG, "spend": true });
    api.server.post("/api/v1/verify", &key.secret, alive).await.ok();
    let free = api.create_key_with(&["inference"]).await;
    assert_eq!(verify(&api, &free.secret, true).await.ok().json()["limits"], json!({}));
    assert_eq!(api.read(&free).await["quotas"], Value::Null);
}

#[tokio::test]
async fn quota_denials_are_counted_without_spending() {
    let api = Api::start().await;
    let key = limited(&api, 2).await;
    let elsewhere = json!({ "workspace": SLUG, "permission": "models:train", "spend": true });
    api.server.post("/api/v1/verify", &key.secret, elsewhere).await.assert_problem(403, "insufficient_scope");
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 2);
    let path = format!("{}/usage", key.path());
    let denied = wait_until("the denial is recorded", async || {
        let items = api.get(&path).await.ok().json()["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["outcome"] == "quota_exceeded")
    })
    .await;
    assert_eq!((&denied["checks"], &denied["permission"]), (&json!(1), &json!("models:predict")));
    let metrics = api.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_key_checks_total{outcome=\"quota_exceeded\"} 1"), "{metrics}");
}

#[tokio::test]
async fn changed_quota_applies_at_once_and_keeps_usage() {
    let api = Api::start().await;
    let key = limited(&api, 1_000).await;
    for _ in 0..20 {
        verify(&api, &key.secret, true).await.ok();
    }
    let change = async |quotas: Value| {
        api.patch(&key.path(), json!({ "restrictions": { "quotas": quotas } })).await.ok();
    };
    // The server holds a block beyond the new limit.
    change(json!([quota("predictions", 10, "month")])).await;
    verify(&api, &key.secret, true).await.assert_problem(429, "quota_exceeded");
    assert_eq!(quota_usage(&api, &key).await, (20, 0));
    change(json!([quota("predictions", 23, "month")])).await;
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 3);
    change(json!([quota("predictions", 25, "month")])).await;
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 2);
    // A new daily quota starts at zero.
    change(json!([quota("predictions", 2, "day"), quota("predictions", 100, "month")])).await;
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 2);
    change(json!([])).await;
    assert_eq!(api.read(&key).await["restrictions"], json!({}));
    verify(&api, &key.secret, true).await.ok();
    change(json!([quota("predictions", 28, "month")])).await;
    assert_eq!(use_until_denied(&api, &key.secret).await.0, 1, "27 were used under a quota");
    let new = api.rotate(&key, "1h").await;
    verify(&api, &new.secret, true).await.assert_problem(429, "quota_exceeded");
}

#[tokio::test]
async fn quota_usage_survives_stop_and_kill() {
    let mut api = Api::start().await;
    let key = limited(&api, 40).await;
    for _ in 0..7 {
        verify(&api, &key.secret, true).await.ok();
    }
    api.server.restart().await;
    assert_eq!(quota_usage(&api, &key).await, (7, 33));
    for _ in 0..7 {
        verify(&api, &key.secret, true).await.ok();
    }
    api.server.kill();
    api.server.restart().await;
    let (used, remaining) = quota_usage(&api, &key).await;
    assert!((14..=16).contains(&used) && used + remaining == 40, "at most one block of two is lost: {used}");
    assert_eq!(u64::from(use_until_denied(&api, &key.secret).await.0), remaining);
}

#[tokio::test]
async fn forward_auth_spends_quota_only_for_predictions() {
    let api = Api::start().await;
    let key = limited(&api, 2).await;
    let pass = async |permission: Option<&str>| {
        let request =
            api.server.request(reqwest::Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
        let request = request.header("x-keyrack-for-workspace", SLUG);
        let request =
            permission.iter().fold(request, |request, name| request.header("x-keyrack-permission", *name));
        crate::harness::send(request).await
    };
    for _ in 0..3 {
        let passed = pass(None).await;
        assert_eq!((passed.status.as_u16(), passed.header("ratelimit")), (204, ""), "the quota is unchanged");
    }
    for remaining in [1, 0] {
        let passed = pass(Some("models:predict")).await;
        let expected = format!("\"predictions-month\";r={remaining};t=");
        assert_eq!(passed.status, 204);
        assert!(passed.header("ratelimit").starts_with(&expected), "{passed:?}");
        assert_eq!(passed.header("ratelimit-policy"), "\"predictions-month\";q=2");
    }
    let denied = pass(Some("models:predict")).await.assert_problem(429, "quota_exceeded");
    assert_eq!(denied.header("x-keyrack-code"), "quota_exceeded");
    pass(Some("models:train")).await.assert_problem(403, "insufficient_scope");
    assert_eq!(quota_usage(&api, &key).await, (2, 0));
}

#[tokio::test]
async fn invalid_quota_is_rejected_by_field() {
    let api = Api::start().await;
    let key = limited(&api, 5).await;
    let good = quota("predictions", 1, "day");
    let with = |field: &str, value: Value| {
        let mut quota = good.clone();
        quota[field] = value;
        json!([quota])
    };
    let numbers = [json!(0), json!(-1), json!(1.5), json!(1_000_000_001_u64), json!(1e300), json!(u64::MAX)];
    let mut wrong: Vec<_> = numbers.map(|number| (with("limit", number), "restrictions.quotas")).into();
    wrong.extend([
        (with("of", json!("guesses")), "restrictions.quotas"),
        (with("per", json!("week")), "restrictions.quotas"),
        (with("limit", json!("5")), "restrictions.quotas[0].limit"),
        (with("limit", json!(null)), "restrictions.quotas[0].limit"),
        (with("of", json!(1)), "restrictions.quotas[0].of"),
        (with("rollover", json!(true)), "restrictions.quotas[0].rollover"),
        (json!([good, good]), "restrictions.quotas"),
        (json!([{ "of": "images", "limit": 1 }]), "restrictions.quotas[0].per"),
        (json!([["predictions", 1, "day"]]), "restrictions.quotas[0]"),
        (json!({ "predictions": 1 }), "restrictions.quotas"),
        (json!("1000/day"), "restrictions.quotas"),
    ]);
    for (quotas, field) in wrong {
        let restrictions = json!({ "quotas": quotas });
        let new = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
        api.post("/api/v1/keys", new).await.assert_problem(422, "invalid").assert_field_error(field);
        let change = json!({ "restrictions": restrictions });
        api.patch(&key.path(), change).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    assert_eq!(api.read(&key).await["revision"], key.body["revision"]);
}

#[tokio::test]
async fn key_cannot_grant_higher_quota_than_its_own() {
    let api = Api::start().await;
    let narrow = |quotas: Value| json!({ "quotas": quotas });
    let held = narrow(json!([quota("predictions", 100, "day")]));
    let by =
        api.create_key(json!({ "name": "m", "scopes": ["keys", "inference"], "restrictions": held })).await;
    let new = |quotas: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": narrow(quotas) });
    let more = quota("predictions", 101, "day");
    for exceeding in [
        json!([]),
        json!([more]),
        json!([quota("images", 1, "day")]),
        json!([quota("predictions", 101, "month")]),
    ] {
        api.server.post("/api/v1/keys", &by.secret, new(exceeding)).await.assert_problem(403, "beyond_key");
    }
    let created = api.create_key_as(&by.secret, new(json!([quota("predictions", 50, "day")]))).await;
    let wider = json!({ "restrictions": {} });
    api.server.patch(&created.path(), &by.secret, wider).await.assert_problem(403, "beyond_key");
    api.create_key_as(&by.secret, new(json!([quota("predictions", 100, "month")]))).await;
}

#[tokio::test]
async fn pages_set_validate_and_show_quotas() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let networks = json!({ "networks": ["127.0.0.0/8"] });
    let key =
        api.create_key(json!({ "name": "gate", "scopes": ["project"], "restrictions": networks })).await;
    let edit = web.keys(&format!("/{}/edit", key.id));
    let save = async |revision: &Value, typed: &[(&str, &str)]| {
        let revision = revision.to_string();
        let all =
            [("name", "gate"), ("scope", "project"), ("expiry", "never"), ("revision", revision.as_str())];
        web.submit(&edit, &[&all[..], typed].concat()).await
    };
    let revision = &key.body["revision"];
    for (field, typed) in [
        ("predictions_day", "0"),
        ("images_month", "many"),
        ("trainings_day", "-1"),
        ("trainings_month", "1000000001"),
        ("visitor_requests", "1.5"),
    ] {
        let again = save(revision, &[(field, typed)]).await;
        assert_eq!(again.status, 422, "{field}");
        assert!(again.text.contains(&format!("id=\"f-{field}-error\"")), "{field}: {}", again.text);
        assert!(again.text.contains(&format!("value=\"{typed}\"")), "the form keeps the input");
    }
    let typed = [
        ("predictions_month", " 40 "),
        ("trainings_day", "2"),
        ("visitor_requests", "10"),
        ("visitor_unit", "hour"),
    ];
    assert_eq!(save(revision, &typed).await.status, 303);
    let now = api.read(&key).await;
    let own = json!({
        "networks": ["127.0.0.0/8"],
        "visitorRate": { "requests": 10, "seconds": 3_600 },
        "quotas": [quota("predictions", 40, "month"), quota("trainings", 2, "day")],
    });
    assert_eq!(now["restrictions"], own);
    for _ in 0..3 {
        let question =
            json!({ "workspace": SLUG, "permission": "models:predict", "spend": true, "ip": "127.0.0.1" });
        api.server.post("/api/v1/verify", &key.secret, question).await.ok();
    }
    let page = web.page(&web.keys(&format!("/{}", key.id))).await.text;
    for expected in [
        "Predictions this month",
        "3 of 40",
        "37 left",
        "<progress class=\"progress\" max=\"40\" value=\"3\"",
        "10 requests per hour",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let list = web.page(&web.keys("")).await.text;
    assert!(list.contains("40 predictions per month") && list.contains("2 training runs per day"), "{list}");
    let form = web.page(&edit).await.text;
    assert!(form.contains("name=\"predictions_month\"") && form.contains("value=\"40\""), "{form}");
    let emptied = [("predictions_month", ""), ("trainings_day", " "), ("visitor_requests", "")];
    assert_eq!(save(&now["revision"], &emptied).await.status, 303);
    assert_eq!(api.read(&key).await["restrictions"], networks);
}
