//! How much a key may do in a day or a month. What is asked about predictions (`/verify` with `spend`) takes from the same
//! quota as a prediction does, and takes no time.

use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, SLUG, text, until};
use crate::visitor::Visitor;

fn quota(of: &str, limit: u32, per: &str) -> Value {
    json!({ "of": of, "limit": limit, "per": per })
}

/// A month cannot end while a test runs, or hardly ever.
async fn limited(desk: &Desk, limit: u32) -> Made {
    let quotas = [quota("predictions", limit, "month")];
    desk.make(json!({ "name": "limited", "scopes": ["inference"], "restrictions": { "quotas": quotas } }))
        .await
}

async fn asks(desk: &Desk, secret: &str, spend: bool) -> Answer {
    let question = json!({ "workspace": SLUG, "permission": "models:predict", "spend": spend });
    desk.server.post("/api/v1/verify", secret, question).await
}

/// Predicts until it is refused, and says how often that was.
async fn uses(desk: &Desk, secret: &str) -> (u32, Answer) {
    let mut passed = 0;
    loop {
        let answer = asks(desk, secret, true).await;
        if answer.status != 200 {
            return (passed, answer);
        }
        passed += 1;
    }
}

/// What was used and is left, as the key's own page tells it.
async fn standing(desk: &Desk, key: &Made) -> (u64, u64) {
    let own = desk.read(key).await["quotas"][0].clone();
    (own["used"].as_u64().unwrap(), own["remaining"].as_u64().unwrap())
}

#[tokio::test]
async fn a_key_gets_so_many_predictions_and_is_told_how_it_stands() {
    let desk = Desk::open().await;
    let key = limited(&desk, 3).await;
    let own = json!({ "quotas": [quota("predictions", 3, "month")] });
    assert_eq!((&key.body["restrictions"], &desk.read(&key).await["restrictions"]), (&own, &own));
    let looked = asks(&desk, &key.secret, false).await.ok().json()["limits"]["quotas"][0].clone();
    assert_eq!((&looked["used"], &looked["remaining"]), (&json!(0), &json!(3)), "{looked}");
    let first = asks(&desk, &key.secret, true).await.ok().json()["limits"]["quotas"][0].clone();
    assert_eq!(
        (&first["used"], &first["remaining"], &first["of"]),
        (&json!(1), &json!(2), &json!("predictions"))
    );
    assert_eq!(standing(&desk, &key).await, (1, 2));
    let (passed, refused) = uses(&desk, &key.secret).await;
    assert_eq!(passed, 2);
    let refused = refused.refused(429, "quota_exceeded");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=31 * 86_400).contains(&wait), "{refused:?}");
    assert_eq!(refused.header("ratelimit-policy"), "\"predictions-month\";q=3");
    assert_eq!(refused.header("ratelimit"), format!("\"predictions-month\";r=0;t={wait}"));
    let says = refused.json();
    assert_eq!(
        (&says["quota"]["used"], &says["quota"]["limit"], &says["quota"]["per"]),
        (&json!(3), &json!(3), &json!("month"))
    );
    assert!(text(&says["quota"]["resetsAt"]).ends_with("-01T00:00:00Z"), "{says}");
    assert_eq!(says["key"], key.id);
    assert!(
        text(&says["message"]).starts_with("this API key may make 3 predictions a month, and has used 3;")
    );
    asks(&desk, &key.secret, false).await.refused(429, "quota_exceeded");
    assert_eq!(standing(&desk, &key).await, (3, 0));
    // A question about something else is none about predictions.
    let alive = json!({ "workspace": SLUG, "spend": true });
    desk.server.post("/api/v1/verify", &key.secret, alive).await.ok();
    let free = desk.key(&["inference"]).await;
    assert_eq!(asks(&desk, &free.secret, true).await.ok().json()["limits"], json!({}));
    assert_eq!(desk.read(&free).await["quotas"], Value::Null);
}

#[tokio::test]
async fn refusals_are_counted_apart_and_take_nothing() {
    let desk = Desk::open().await;
    let key = limited(&desk, 2).await;
    let elsewhere = json!({ "workspace": SLUG, "permission": "models:train", "spend": true });
    desk.server.post("/api/v1/verify", &key.secret, elsewhere).await.refused(403, "insufficient_scope");
    assert_eq!(uses(&desk, &key.secret).await.0, 2);
    let path = format!("{}/usage", key.path());
    let refused = until("the refusal is written down", async || {
        let items = desk.get(&path).await.ok().json()["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["outcome"] == "quota_exceeded")
    })
    .await;
    assert_eq!((&refused["checks"], &refused["permission"]), (&json!(1), &json!("models:predict")));
    let metrics = desk.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_key_checks_total{outcome=\"quota_exceeded\"} 1"), "{metrics}");
}

#[tokio::test]
async fn another_quota_counts_at_once_and_what_was_used_stays_used() {
    let desk = Desk::open().await;
    let key = limited(&desk, 1_000).await;
    for _ in 0..20 {
        asks(&desk, &key.secret, true).await.ok();
    }
    let change = async |quotas: Value| {
        desk.patch(&key.path(), json!({ "restrictions": { "quotas": quotas } })).await.ok();
    };
    // The server holds a block that reaches beyond this.
    change(json!([quota("predictions", 10, "month")])).await;
    asks(&desk, &key.secret, true).await.refused(429, "quota_exceeded");
    assert_eq!(standing(&desk, &key).await, (20, 0));
    change(json!([quota("predictions", 23, "month")])).await;
    assert_eq!(uses(&desk, &key.secret).await.0, 3);
    change(json!([quota("predictions", 25, "month")])).await;
    assert_eq!(uses(&desk, &key.secret).await.0, 2);
    // A day's beside it counts from now on.
    change(json!([quota("predictions", 2, "day"), quota("predictions", 100, "month")])).await;
    assert_eq!(uses(&desk, &key.secret).await.0, 2);
    change(json!([])).await;
    assert_eq!(desk.read(&key).await["restrictions"], json!({}));
    asks(&desk, &key.secret, true).await.ok();
    change(json!([quota("predictions", 28, "month")])).await;
    assert_eq!(uses(&desk, &key.secret).await.0, 1, "27 were used while there was a quota");
    let new = desk.rotate(&key, "1h").await;
    asks(&desk, &new.secret, true).await.refused(429, "quota_exceeded");
}

#[tokio::test]
async fn a_clean_stop_loses_nothing_and_a_kill_gives_nothing_away() {
    let mut desk = Desk::open().await;
    let key = limited(&desk, 40).await;
    for _ in 0..7 {
        asks(&desk, &key.secret, true).await.ok();
    }
    desk.server.restart().await;
    assert_eq!(standing(&desk, &key).await, (7, 33));
    for _ in 0..7 {
        asks(&desk, &key.secret, true).await.ok();
    }
    desk.server.kill();
    desk.server.restart().await;
    let (used, left) = standing(&desk, &key).await;
    assert!((14..=16).contains(&used) && used + left == 40, "a block of two at the most is lost: {used}");
    assert_eq!(u64::from(uses(&desk, &key.secret).await.0), left);
}

#[tokio::test]
async fn what_passes_a_proxy_to_be_predicted_counts_and_nothing_else_there() {
    let desk = Desk::open().await;
    let key = limited(&desk, 2).await;
    let pass = async |permission: Option<&str>| {
        let request =
            desk.server.request(reqwest::Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
        let request = request.header("x-keyrack-for-workspace", SLUG);
        let request =
            permission.iter().fold(request, |request, name| request.header("x-keyrack-permission", *name));
        crate::harness::send(request).await
    };
    for _ in 0..3 {
        let passed = pass(None).await;
        assert_eq!((passed.status.as_u16(), passed.header("ratelimit")), (204, ""), "nothing was counted");
    }
    for left in [1, 0] {
        let passed = pass(Some("models:predict")).await;
        let told = format!("\"predictions-month\";r={left};t=");
        assert_eq!(passed.status, 204);
        assert!(passed.header("ratelimit").starts_with(&told), "{passed:?}");
        assert_eq!(passed.header("ratelimit-policy"), "\"predictions-month\";q=2");
    }
    let refused = pass(Some("models:predict")).await.refused(429, "quota_exceeded");
    assert_eq!(refused.header("x-keyrack-code"), "quota_exceeded");
    pass(Some("models:train")).await.refused(403, "insufficient_scope");
    assert_eq!(standing(&desk, &key).await, (2, 0));
}

#[tokio::test]
async fn what_is_no_quota_is_refused_by_field_and_changes_nothing() {
    let desk = Desk::open().await;
    let key = limited(&desk, 5).await;
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
        desk.post("/api/v1/keys", new).await.refused(422, "invalid").names(field);
        let change = json!({ "restrictions": restrictions });
        desk.patch(&key.path(), change).await.refused(422, "invalid").names(field);
    }
    assert_eq!(desk.read(&key).await["revision"], key.body["revision"]);
}

#[tokio::test]
async fn a_limited_key_hands_on_no_higher_quota() {
    let desk = Desk::open().await;
    let narrow = |quotas: Value| json!({ "quotas": quotas });
    let held = narrow(json!([quota("predictions", 100, "day")]));
    let by = desk.make(json!({ "name": "m", "scopes": ["keys", "inference"], "restrictions": held })).await;
    let new = |quotas: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": narrow(quotas) });
    let more = quota("predictions", 101, "day");
    for beyond in [
        json!([]),
        json!([more]),
        json!([quota("images", 1, "day")]),
        json!([quota("predictions", 101, "month")]),
    ] {
        desk.server.post("/api/v1/keys", &by.secret, new(beyond)).await.refused(403, "beyond_key");
    }
    let made = desk.make_by(&by.secret, new(json!([quota("predictions", 50, "day")]))).await;
    let wider = json!({ "restrictions": {} });
    desk.server.patch(&made.path(), &by.secret, wider).await.refused(403, "beyond_key");
    desk.make_by(&by.secret, new(json!([quota("predictions", 100, "month")]))).await;
}

#[tokio::test]
async fn the_pages_set_limits_say_what_is_wrong_with_them_and_show_how_a_key_stands() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let networks = json!({ "networks": ["127.0.0.0/8"] });
    let key = desk.make(json!({ "name": "gate", "scopes": ["project"], "restrictions": networks })).await;
    let edit = visitor.keys(&format!("/{}/edit", key.id));
    let save = async |revision: &Value, typed: &[(&str, &str)]| {
        let revision = revision.to_string();
        let all =
            [("name", "gate"), ("scope", "project"), ("expiry", "never"), ("revision", revision.as_str())];
        visitor.submit(&edit, &[&all[..], typed].concat()).await
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
        assert!(again.text.contains(&format!("value=\"{typed}\"")), "what was typed is still there");
    }
    let typed = [
        ("predictions_month", " 40 "),
        ("trainings_day", "2"),
        ("visitor_requests", "10"),
        ("visitor_unit", "hour"),
    ];
    assert_eq!(save(revision, &typed).await.status, 303);
    let now = desk.read(&key).await;
    let own = json!({
        "networks": ["127.0.0.0/8"],
        "visitorRate": { "requests": 10, "seconds": 3_600 },
        "quotas": [quota("predictions", 40, "month"), quota("trainings", 2, "day")],
    });
    assert_eq!(now["restrictions"], own);
    for _ in 0..3 {
        let question =
            json!({ "workspace": SLUG, "permission": "models:predict", "spend": true, "ip": "127.0.0.1" });
        desk.server.post("/api/v1/verify", &key.secret, question).await.ok();
    }
    let page = visitor.page(&visitor.keys(&format!("/{}", key.id))).await.text;
    for says in [
        "Predictions this month",
        "3 of 40",
        "37 left",
        "<progress class=\"progress\" max=\"40\" value=\"3\"",
        "10 requests every hour",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let list = visitor.page(&visitor.keys("")).await.text;
    assert!(list.contains("40 predictions a month") && list.contains("2 training runs a day"), "{list}");
    let form = visitor.page(&edit).await.text;
    assert!(form.contains("name=\"predictions_month\"") && form.contains("value=\"40\""), "{form}");
    let emptied = [("predictions_month", ""), ("trainings_day", " "), ("visitor_requests", "")];
    assert_eq!(save(&now["revision"], &emptied).await.status, 303);
    assert_eq!(desk.read(&key).await["restrictions"], networks);
}
