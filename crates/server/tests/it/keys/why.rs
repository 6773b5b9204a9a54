//! Why a request was refused: its id leads to the check that failed, and to the place where that is changed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, SLUG, send, text, until};
use crate::visitor::Visitor;

/// The explanation of a refusal, at once.
async fn why(desk: &Desk, refused: &Answer) -> Value {
    let path = format!("/api/v1/requests/{}", text(&refused.json()["request_id"]));
    desk.get(&path).await.ok().json()
}

fn leads_to(desk: &Desk, key: &Made, place: &str) -> Value {
    json!(format!("{}/w/{SLUG}/settings/api-keys/{}/{place}", desk.server.url, key.id))
}

async fn from(desk: &Desk, key: &Made, address: &str) -> Answer {
    let request =
        desk.server.request(Method::GET, "/api/v1/projects?secret=nothing").bearer_auth(&key.secret);
    send(request.header("x-forwarded-for", address).header("user-agent", "camera/3")).await
}

#[tokio::test]
async fn a_network_that_is_not_allowed_is_explained_and_what_was_changed_since_is_said() {
    let desk = Desk::open().await;
    let restrictions = json!({ "networks": ["10.4.0.0/16"] });
    let key = desk.make(json!({ "name": "gate", "scopes": ["project"], "restrictions": restrictions })).await;
    let refused = from(&desk, &key, "203.0.113.9").await.refused(403, "network_not_allowed");
    assert_eq!(refused.header("x-request-id"), refused.json()["request_id"]);
    let told = why(&desk, &refused).await;
    let fields = [
        "code",
        "failedCheck",
        "actual",
        "expected",
        "address",
        "userAgent",
        "method",
        "route",
        "passesNow",
        "permission",
    ];
    let expected = json!([
        "network_not_allowed",
        "The network is allowed",
        "203.0.113.9",
        "10.4.0.0/16",
        "203.0.113.9",
        "camera/3",
        "GET",
        "/api/v1/projects",
        false,
        "projects:manage"
    ]);
    assert_eq!(json!(fields.map(|field| told[field].clone())), expected, "{told:#}");
    assert_eq!((&told["key"]["id"], &told["key"]["name"]), (&json!(key.id), &json!("gate")));
    assert_eq!(told["manageUrl"], leads_to(&desk, &key, "edit#f-networks"));
    let results: Vec<_> =
        told["checks"].as_array().unwrap().iter().map(|check| text(&check["result"])).collect();
    assert_eq!(results[..4], ["passed", "passed", "passed", "failed"]);
    assert!(results[4..].iter().all(|result| result == "not_reached"));
    let wider = json!({ "restrictions": { "networks": ["10.4.0.0/16", "203.0.113.0/24"] } });
    desk.patch(&key.path(), wider).await.ok();
    assert_eq!(why(&desk, &refused).await["passesNow"], true);
}

#[tokio::test]
async fn each_check_leads_to_the_place_where_it_is_changed() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let told = why(&desk, &desk.projects(&key.secret).await.refused(403, "insufficient_scope")).await;
    assert_eq!(
        (&told["actual"], &told["manageUrl"]),
        (&json!("projects:manage"), &leads_to(&desk, &key, "edit#f-scope"))
    );

    let rate = json!({ "rate": { "requests": 1, "seconds": 3_600 } });
    let limited = desk.make(json!({ "name": "n", "scopes": ["project"], "restrictions": rate })).await;
    desk.projects(&limited.secret).await.ok();
    let told = why(&desk, &desk.projects(&limited.secret).await.refused(429, "rate_limited")).await;
    assert_eq!(told["manageUrl"], leads_to(&desk, &limited, "edit#f-rate_requests"));
    assert_eq!(
        (&told["expected"], &told["passesNow"]),
        (&json!("at most 1 request every 3600 seconds"), &Value::Null)
    );

    let new = desk.rotate(&key, "0s").await;
    let told = why(&desk, &desk.projects(&key.secret).await.refused(401, "retired_secret")).await;
    assert_eq!(told["expected"], format!("the secret that ends in {}", &new.secret[40..]));

    desk.delete(&key.path()).await.ok();
    let told = why(&desk, &desk.projects(&new.secret).await.refused(401, "deleted_key")).await;
    assert_eq!(
        (&told["failedCheck"], &told["passesNow"]),
        (&json!("The key and its secret are alive"), &json!(false))
    );
}

#[tokio::test]
async fn a_project_that_the_key_does_not_cover_is_the_check_that_failed() {
    let desk = Desk::open().await;
    let (own, other) = (desk.project("own").await, desk.project("other").await);
    let restrictions = json!({ "projects": [own] });
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions })).await;
    let refused = desk.server.get(&format!("/api/v1/projects/{other}"), &key.secret).await;
    let told = why(&desk, &refused.refused(403, "outside_key")).await;
    assert_eq!((&told["route"], &told["expected"]), (&json!("/api/v1/projects/{id}"), &json!(own)));
    let failed = told["checks"].as_array().unwrap().iter().find(|check| check["result"] == "failed");
    assert_eq!(failed.unwrap()["name"], "The key covers what was asked for");
    assert_eq!(told["manageUrl"], leads_to(&desk, &key, "edit#f-projects"));
}

#[tokio::test]
async fn a_question_about_a_key_is_explained_by_what_was_asked() {
    let desk = Desk::open().await;
    let restrictions = json!({ "origins": ["https://shop.example"] });
    let key = desk.make(json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions })).await;
    let question = json!({ "workspace": SLUG, "permission": "models:predict", "ip": "198.51.100.7", "origin": "https://evil.example" });
    let node = desk.server.key(&["node"]).await;
    let refused = desk.server.verify_as_service(&node, &key.secret, question).await;
    let refused = refused.refused(403, "origin_not_allowed");
    let told = why(&desk, &refused).await;
    let fields = ["actual", "address", "origin", "permission", "route"].map(|field| told[field].clone());
    assert_eq!(
        json!(fields),
        json!([
            "https://evil.example",
            "198.51.100.7",
            "https://evil.example",
            "models:predict",
            "/api/v1/verify"
        ])
    );
    let request = desk.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
    let request =
        request.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:train");
    let refused =
        send(request.header("origin", "https://shop.example").header("x-keyrack-proxy", "nginx")).await;
    let told = why(&desk, &refused.refused(403, "insufficient_scope")).await;
    assert_eq!(
        (&told["permission"], &told["route"]),
        (&json!("models:train"), &json!("/api/v1/forward-auth"))
    );
}

#[tokio::test]
async fn nobody_else_learns_of_a_refusal_and_what_is_no_id_finds_nothing() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let refused = desk.projects(&key.secret).await.refused(403, "insufficient_scope");
    why(&desk, &refused).await;
    let id = text(&refused.json()["request_id"]);
    let visitor = Visitor::sign_in(&desk.server).await.workspace("Elsewhere").await;
    let theirs = visitor.api_key(&["keys"]).await;
    let path = format!("/api/v1/requests/{id}");
    desk.server.get(&path, &text(&theirs["secret"])).await.refused(404, "not_found");
    let page = visitor.page(&visitor.keys(&format!("/refusals/{id}"))).await;
    assert_eq!(page.status, 404, "{page:?}");
    // Requests of nobody are counted and not kept.
    let unknown = desk.projects(&crate::cast::unknown()).await.refused(401, "unknown_key");
    let before = decisions(&desk, "missing_key").await;
    let anonymous = send(desk.server.request(Method::GET, "/api/v1/projects")).await;
    assert_eq!(decisions(&desk, "missing_key").await, before + 1);
    for id in [&unknown, &anonymous]
        .map(|answer| text(&answer.json()["request_id"]))
        .iter()
        .map(String::as_str)
        .chain([
            "req_0",
            "req_",
            "..",
            "%00",
            "req_0198C2F4A1B27C3D8E4F5A6B",
            "'--",
            &key.secret,
            &"a".repeat(2_000),
        ])
    {
        desk.get(&format!("/api/v1/requests/{id}")).await.refused(404, "not_found");
    }
    assert_eq!(decisions(&desk, "unknown_key").await, 1);
}

/// How often it was decided so.
async fn decisions(desk: &Desk, decision: &str) -> u64 {
    let metrics = desk.server.ops("/metrics").await.text;
    let counted = format!("keyrack_key_checks_total{{outcome=\"{decision}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&counted)).map_or(0, |number| number.parse().unwrap())
}

#[tokio::test]
async fn what_a_proxy_asked_for_is_known_whatever_the_reason() {
    let desk = Desk::open().await;
    let key = async |restrictions: Value| {
        desk.make(json!({ "name": "cats", "scopes": ["inference"], "restrictions": restrictions })).await
    };
    let paused = key(json!({})).await;
    desk.post(&format!("{}/pause", paused.path()), json!({})).await.ok();
    let of_nothing = key(json!({ "models": [] })).await;
    let spent = key(json!({ "quotas": [{ "of": "predictions", "limit": 1, "per": "day" }] })).await;
    let ask = async |key: &Made| {
        let ask = desk.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
        let ask =
            ask.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:predict");
        send(ask.header("user-agent", "nginx")).await
    };
    ask(&spent).await.ok();
    for (key, status, code) in
        [(paused, 401, "paused_key"), (of_nothing, 403, "model_outside_key"), (spent, 429, "quota_exceeded")]
    {
        let told = why(&desk, &ask(&key).await.refused(status, code)).await;
        let fields = ["permission", "userAgent", "route"].map(|field| told[field].clone());
        assert_eq!(json!(fields), json!(["models:predict", "nginx", "/api/v1/forward-auth"]), "{code}");
    }
}

#[tokio::test]
async fn refusals_are_kept_over_a_stop_and_written_down_where_nobody_asks() {
    let mut desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let first = desk.projects(&key.secret).await.refused(403, "insufficient_scope");
    let visitor = Visitor::sign_in(&desk.server).await;
    let place = format!("/refusals/{}", text(&first.json()["request_id"]));
    until("the key's page tells of it", async || {
        let own = visitor.page(&visitor.keys(&format!("/{}", key.id))).await;
        own.text.contains(&place).then_some(())
    })
    .await;
    let last = desk.projects(&key.secret).await.refused(403, "insufficient_scope");
    desk.server.restart().await;
    assert_eq!(why(&desk, &last).await["code"], "insufficient_scope");
}

#[tokio::test]
async fn the_page_finds_a_refusal_by_its_id_and_keeps_to_itself_what_is_none() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let refused = desk.projects(&key.secret).await.refused(403, "insufficient_scope");
    why(&desk, &refused).await;
    let id = text(&refused.json()["request_id"]);
    let visitor = Visitor::sign_in(&desk.server).await;
    let form = visitor.keys("/refusals");
    let led = visitor.submit(&form, &[("request", &format!("  {id} "))]).await;
    assert_eq!(
        (led.status.as_u16(), led.header("location")),
        (303, visitor.keys(&format!("/refusals/{id}")).as_str())
    );
    let page = visitor.page(led.header("location")).await;
    for words in [
        "The scopes hold the permission",
        "projects:manage",
        &format!("{}/edit#f-scope", key.id),
        "GET /api/v1/projects",
    ] {
        assert!(page.text.contains(words), "{words}: {page:?}");
    }
    let edit = visitor.page(&visitor.keys(&format!("/{}/edit", key.id))).await;
    assert!(edit.text.contains("id=\"f-scope\""), "the place is there");
    for wrong in ["", "nonsense", &key.secret, "req_000000000000000000000000", "<b>"] {
        let answer = visitor.submit(&form, &[("request", wrong)]).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(!answer.text.contains(&key.secret[6..]) && !answer.text.contains("<b>"), "{answer:?}");
    }
    let own = visitor.page(&visitor.keys(&format!("/{}", key.id))).await;
    assert!(own.text.contains("Recently denied") && own.text.contains(&format!("/refusals/{id}")), "{own:?}");
}
