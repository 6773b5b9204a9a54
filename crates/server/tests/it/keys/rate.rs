//! How often a key may be used. Windows are an hour long, so that nothing comes back while a test runs.

use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, SLUG, until};
use crate::visitor::Visitor;

async fn limited(desk: &Desk, requests: u32) -> Made {
    let rate = json!({ "requests": requests, "seconds": 3_600 });
    desk.make(json!({ "name": "limited", "scopes": ["project"], "restrictions": { "rate": rate } })).await
}

/// Uses the key until it is refused, and says how often that was.
async fn uses(desk: &Desk, secret: &str) -> (u32, Answer) {
    let mut passed = 0;
    loop {
        let answer = desk.projects(secret).await;
        if answer.status != 200 {
            return (passed, answer);
        }
        passed += 1;
    }
}

async fn asks(desk: &Desk, secret: &str, more: Value) -> Answer {
    let mut question = json!({ "workspace": SLUG });
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    desk.server.post("/api/v1/verify", secret, question).await
}

#[tokio::test]
async fn a_limited_key_gets_so_many_requests_through_and_is_told_how_it_stands() {
    let desk = Desk::open().await;
    let key = limited(&desk, 5).await;
    let own = json!({ "rate": { "requests": 5, "seconds": 3_600 } });
    assert_eq!((&key.body["restrictions"], &desk.read(&key).await["restrictions"]), (&own, &own));
    let first = desk.projects(&key.secret).await.ok();
    assert_eq!(first.header("ratelimit-policy"), "\"key\";q=5;w=3600");
    assert_eq!(first.header("ratelimit"), "\"key\";r=4;t=720");
    let (passed, refused) = uses(&desk, &key.secret).await;
    assert_eq!(passed, 4);
    let refused = refused.refused(429, "rate_limited");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=720).contains(&wait), "{refused:?}");
    assert_eq!(refused.header("ratelimit-policy"), "\"key\";q=5;w=3600");
    assert_eq!(refused.header("ratelimit"), format!("\"key\";r=0;t={wait}"));
    assert_eq!(refused.json()["key"], key.id);
    let free = desk.key(&["project"]).await;
    let answer = desk.projects(&free.secret).await.ok();
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), ("", ""));
}

#[tokio::test]
async fn requests_at_the_same_time_get_no_more_through() {
    let desk = Desk::open().await;
    let key = limited(&desk, 7).await;
    let asked = (0..20).map(|_| desk.projects(&key.secret));
    let answers = futures_util::future::join_all(asked).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((passed, refused), (7, 13));
}

#[tokio::test]
async fn what_is_refused_for_another_reason_takes_nothing_and_is_counted_apart() {
    let desk = Desk::open().await;
    let key = limited(&desk, 2).await;
    for _ in 0..3 {
        desk.server.get("/api/v1/keys", &key.secret).await.refused(403, "insufficient_scope");
    }
    assert_eq!(uses(&desk, &key.secret).await.0, 2);
    let path = format!("{}/usage", key.path());
    let items = until("the uses are written down", async || {
        let items = desk.get(&path).await.ok().json()["items"].as_array().unwrap().clone();
        let checks: u64 = items.iter().map(|item| item["checks"].as_u64().unwrap()).sum();
        (checks == 6).then_some(items)
    })
    .await;
    let limited = items.iter().filter(|item| item["outcome"] == "rate_limited");
    assert_eq!(limited.map(|item| item["checks"].as_u64().unwrap()).sum::<u64>(), 1, "{items:?}");
}

#[tokio::test]
async fn renaming_and_rotating_give_nothing_back() {
    let desk = Desk::open().await;
    let key = limited(&desk, 4).await;
    desk.projects(&key.secret).await.ok();
    desk.patch(&key.path(), json!({ "name": "renamed" })).await.ok();
    desk.projects(&key.secret).await.ok();
    let new = desk.rotate(&key, "1h").await;
    desk.projects(&key.secret).await.ok();
    assert_eq!(uses(&desk, &new.secret).await.0, 1, "both secrets are one key");
    desk.projects(&key.secret).await.refused(429, "rate_limited");
    // Half as many an hour: still used up.
    let rate =
        |requests: u32| json!({ "restrictions": { "rate": { "requests": requests, "seconds": 3_600 } } });
    desk.patch(&key.path(), rate(2)).await.ok();
    desk.projects(&new.secret).await.refused(429, "rate_limited");
    let free = desk.patch(&key.path(), json!({ "restrictions": {} })).await.ok();
    assert_eq!(free.json()["restrictions"], json!({}));
    desk.projects(&new.secret).await.ok();
}

/// The fast rate recovers within a second, and the slow one goes on where it was.
#[tokio::test]
async fn a_faster_rate_in_between_gives_nothing_back() {
    let desk = Desk::open().await;
    let key = limited(&desk, 4).await;
    let set = async |requests: u32, seconds: u32| {
        let rate = json!({ "requests": requests, "seconds": seconds });
        desk.patch(&key.path(), json!({ "restrictions": { "rate": rate } })).await.ok();
    };
    assert_eq!(uses(&desk, &key.secret).await.0, 4);
    for _ in 0..2 {
        set(2, 1).await;
        until("the fast rate has recovered", async || {
            (desk.projects(&key.secret).await.status == 200).then_some(())
        })
        .await;
        set(4, 3_600).await;
        assert_eq!(uses(&desk, &key.secret).await.0, 0);
        set(400, 86_400).await;
        assert_eq!(uses(&desk, &key.secret).await.0, 0, "nor does another slow one");
    }
}

#[tokio::test]
async fn a_server_that_starts_anew_begins_with_all() {
    let mut desk = Desk::open().await;
    let key = limited(&desk, 2).await;
    assert_eq!(uses(&desk, &key.secret).await.0, 2);
    desk.server.stop().await;
    desk.server.restart().await;
    assert_eq!(uses(&desk, &key.secret).await.0, 2, "still limited, with nothing used");
}

#[tokio::test]
async fn asking_about_a_key_takes_one_only_when_told_to() {
    let desk = Desk::open().await;
    let key = limited(&desk, 2).await;
    let left = |answer: Answer| answer.ok().json()["limits"]["rate"].clone();
    for _ in 0..5 {
        let rate = left(asks(&desk, &key.secret, json!({})).await);
        assert_eq!(rate, json!({ "requests": 2, "seconds": 3_600, "remaining": 2, "fullInSeconds": 0 }));
    }
    asks(&desk, &key.secret, json!({ "spend": true, "permission": "keys:manage" }))
        .await
        .refused(403, "insufficient_scope");
    assert_eq!(left(asks(&desk, &key.secret, json!({ "spend": true })).await)["remaining"], 1);
    desk.projects(&key.secret).await.ok();
    for spend in [true, false] {
        let refused = asks(&desk, &key.secret, json!({ "spend": spend })).await.refused(429, "rate_limited");
        assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0), "{refused:?}");
    }
    let free = desk.key(&["project"]).await;
    assert_eq!(asks(&desk, &free.secret, json!({ "spend": true })).await.ok().json()["limits"], json!({}));
    asks(&desk, &free.secret, json!({ "spend": 1 })).await.refused(422, "invalid").names("spend");
}

#[tokio::test]
async fn what_is_no_rate_is_refused_by_field_and_changes_nothing() {
    let desk = Desk::open().await;
    let key = limited(&desk, 5).await;
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
        is_refused(&desk, &key, &json!({ "rate": rate }), &format!("restrictions.rate.{field}")).await;
    }
    for (rate, field) in [
        (json!({ "requests": 1 }), "restrictions.rate.seconds"),
        (json!({ "requests": 1, "seconds": 1, "burst": 2 }), "restrictions.rate.burst"),
        (json!([1, 1]), "restrictions.rate"),
        (json!("100/60s"), "restrictions.rate"),
        (json!(100), "restrictions.rate"),
    ] {
        is_refused(&desk, &key, &json!({ "rate": rate }), field).await;
    }
    let two = json!({ "rate": { "requests": 0, "seconds": 0 } });
    let answer = desk.patch(&key.path(), json!({ "restrictions": two })).await.refused(422, "invalid");
    assert_eq!(answer.json()["details"].as_array().unwrap().len(), 2, "each field has its say");
    assert_eq!(desk.read(&key).await["revision"], key.body["revision"]);
    desk.patch(&key.path(), json!({ "restrictions": { "rate": null } })).await.ok();
    assert_eq!(desk.read(&key).await["restrictions"], json!({}));
    for (requests, seconds) in [(1, 86_400), (1_000_000, 1)] {
        let most = json!({ "rate": { "requests": requests, "seconds": seconds } });
        let made = desk.patch(&key.path(), json!({ "restrictions": most })).await.ok();
        assert_eq!(made.json()["restrictions"], most);
    }
}

async fn is_refused(desk: &Desk, key: &Made, restrictions: &Value, field: &str) {
    let new = json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions });
    desk.post("/api/v1/keys", new).await.refused(422, "invalid").names(field);
    let change = json!({ "restrictions": restrictions });
    desk.patch(&key.path(), change).await.refused(422, "invalid").names(field);
}

#[tokio::test]
async fn a_limited_key_hands_on_no_higher_rate() {
    let desk = Desk::open().await;
    let rate = |requests: u32, seconds: u32| json!({ "rate": { "requests": requests, "seconds": seconds } });
    let held = json!({ "name": "m", "scopes": ["keys", "inference"], "restrictions": rate(100, 3_600) });
    let by = desk.make(held).await;
    let new =
        |restrictions: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    for beyond in [json!({}), rate(101, 86_400), rate(100, 3_599), rate(1, 1)] {
        desk.server.post("/api/v1/keys", &by.secret, new(beyond)).await.refused(403, "beyond_key");
    }
    let made = desk.make_by(&by.secret, new(rate(50, 3_600))).await;
    let wider = json!({ "restrictions": {} });
    desk.server.patch(&made.path(), &by.secret, wider.clone()).await.refused(403, "beyond_key");
    desk.server.patch(&by.path(), &by.secret, wider).await.refused(403, "beyond_key");
    desk.server.patch(&made.path(), &by.secret, json!({ "restrictions": rate(100, 3_600) })).await.ok();
}

#[tokio::test]
async fn the_pages_set_a_rate_show_it_and_leave_the_other_restrictions_alone() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let networks = json!({ "networks": ["127.0.0.0/8"] });
    let key = json!({ "name": "gate", "scopes": ["project"], "restrictions": networks });
    let key = desk.make(key).await;
    let edit = visitor.keys(&format!("/{}/edit", key.id));
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
        visitor.submit(&edit, &fields).await
    };
    let revision = &key.body["revision"];
    for (typed, says) in [
        (["0", "1", "minute"], "Expected a whole number from 1 to 1000000."),
        (["ten", "1", "minute"], "Expected a whole number from 1 to 1000000."),
        (["10", "25", "hour"], "Expected a whole number, and at most 24 hours."),
        (["10", "-1", "second"], "Expected a whole number, and at most 24 hours."),
        (["10", "1", "fortnight"], "Pick seconds, minutes or hours."),
    ] {
        let again = save(revision, typed).await;
        assert_eq!(again.status, 422, "{typed:?}");
        assert!(again.text.contains(says), "{typed:?}: {}", again.text);
    }
    assert_eq!(save(revision, ["10", "", "hour"]).await.status, 303);
    let now = desk.read(&key).await;
    let own = json!({ "networks": ["127.0.0.0/8"], "rate": { "requests": 10, "seconds": 3_600 } });
    assert_eq!(now["restrictions"], own);
    for page in [visitor.keys(""), visitor.keys(&format!("/{}", key.id))] {
        assert!(visitor.page(&page).await.text.contains("10 requests every hour"), "{page}");
    }
    let form = visitor.page(&edit).await.text;
    assert!(form.contains("name=\"rate_requests\"") && form.contains("value=\"10\""), "{form}");
    assert!(form.contains("<option value=\"hour\" selected>"), "{form}");
    assert_eq!(save(&now["revision"], ["", "1", "hour"]).await.status, 303);
    assert_eq!(desk.read(&key).await["restrictions"], networks);
}
