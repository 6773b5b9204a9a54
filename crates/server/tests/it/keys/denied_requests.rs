//! Explanations of denied requests: the request ID leads to the failed check and to the setting that causes it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, SLUG, send, text, wait_until};
use crate::web_client::WebClient;

/// The explanation of a denied request.
async fn explain(api: &Api, denied: &Answer) -> Value {
    let path = format!("/api/v1/requests/{}", text(&denied.json()["request_id"]));
    api.get(&path).await.ok().json()
}

fn manage_url(api: &Api, key: &CreatedKey, place: &str) -> Value {
    json!(format!("{}/w/{SLUG}/settings/api-keys/{}/{place}", api.server.url, key.id))
}

async fn request_from(api: &Api, key: &CreatedKey, address: &str) -> Answer {
    let request = api.server.request(Method::GET, "/api/v1/projects?secret=nothing").bearer_auth(&key.secret);
    send(request.header("x-forwarded-for", address).header("user-agent", "camera/3")).await
}

#[tokio::test]
async fn denial_by_network_is_explained_with_current_result() {
    let api = Api::start().await;
    let restrictions = json!({ "networks": ["10.4.0.0/16"] });
    let key =
        api.create_key(json!({ "name": "gate", "scopes": ["project"], "restrictions": restrictions })).await;
    let denied = request_from(&api, &key, "203.0.113.9").await.assert_problem(403, "network_not_allowed");
    assert_eq!(denied.header("x-request-id"), denied.json()["request_id"]);
    let explanation = explain(&api, &denied).await;
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
        "IP address allowed",
        "203.0.113.9",
        "10.4.0.0/16",
        "203.0.113.9",
        "camera/3",
        "GET",
        "/api/v1/projects",
        false,
        "projects:manage"
    ]);
    assert_eq!(json!(fields.map(|field| explanation[field].clone())), expected, "{explanation:#}");
    assert_eq!((&explanation["key"]["id"], &explanation["key"]["name"]), (&json!(key.id), &json!("gate")));
    assert_eq!(explanation["manageUrl"], manage_url(&api, &key, "edit#f-networks"));
    let results: Vec<_> =
        explanation["checks"].as_array().unwrap().iter().map(|check| text(&check["result"])).collect();
    assert_eq!(results[..4], ["passed", "passed", "passed", "failed"]);
    assert!(results[4..].iter().all(|result| result == "not_reached"));
    let wider = json!({ "restrictions": { "networks": ["10.4.0.0/16", "203.0.113.0/24"] } });
    api.patch(&key.path(), wider).await.ok();
    assert_eq!(explain(&api, &denied).await["passesNow"], true);
}

#[tokio::test]
async fn denial_explanation_links_to_failed_setting() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let explanation =
        explain(&api, &api.projects(&key.secret).await.assert_problem(403, "insufficient_scope")).await;
    assert_eq!(
        (&explanation["actual"], &explanation["manageUrl"]),
        (&json!("projects:manage"), &manage_url(&api, &key, "edit#f-scope"))
    );

    let rate = json!({ "rate": { "requests": 1, "seconds": 3_600 } });
    let limited = api.create_key(json!({ "name": "n", "scopes": ["project"], "restrictions": rate })).await;
    api.projects(&limited.secret).await.ok();
    let explanation =
        explain(&api, &api.projects(&limited.secret).await.assert_problem(429, "rate_limited")).await;
    assert_eq!(explanation["manageUrl"], manage_url(&api, &limited, "edit#f-rate_requests"));
    assert_eq!(
        (&explanation["expected"], &explanation["passesNow"]),
        (&json!("1 request per hour or fewer"), &Value::Null)
    );

    let new = api.rotate(&key, "0s").await;
    let explanation =
        explain(&api, &api.projects(&key.secret).await.assert_problem(401, "retired_secret")).await;
    assert_eq!(explanation["expected"], format!("Secret key that ends in {}", &new.secret[40..]));

    api.delete(&key.path()).await.ok();
    let explanation =
        explain(&api, &api.projects(&new.secret).await.assert_problem(401, "deleted_key")).await;
    assert_eq!(
        (&explanation["failedCheck"], &explanation["passesNow"]),
        (&json!("Key is active"), &json!(false))
    );
}

#[tokio::test]
async fn denial_by_project_names_coverage_check() {
    let api = Api::start().await;
    let (own, other) = (api.project("own").await, api.project("other").await);
    let restrictions = json!({ "projects": [own] });
    let key =
        api.create_key(json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions })).await;
    let denied = api.server.get(&format!("/api/v1/projects/{other}"), &key.secret).await;
    let explanation = explain(&api, &denied.assert_problem(403, "outside_key")).await;
    assert_eq!(
        (&explanation["route"], &explanation["expected"]),
        (&json!("/api/v1/projects/{id}"), &json!(own))
    );
    let failed = explanation["checks"].as_array().unwrap().iter().find(|check| check["result"] == "failed");
    assert_eq!(failed.unwrap()["name"], "Project and model access");
    assert_eq!(explanation["manageUrl"], manage_url(&api, &key, "edit#f-projects"));
}

#[tokio::test]
async fn denied_verify_is_explained_by_stated_facts() {
    let api = Api::start().await;
    let restrictions = json!({ "origins": ["https://shop.example"] });
    let key =
        api.create_key(json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions })).await;
    let question = json!({ "workspace": SLUG, "permission": "models:predict", "ip": "198.51.100.7", "origin": "https://evil.example" });
    let node = api.server.create_secret(&["node"]).await;
    let denied = api.server.verify_as_service(&node, &key.secret, question).await;
    let denied = denied.assert_problem(403, "origin_not_allowed");
    let explanation = explain(&api, &denied).await;
    let fields =
        ["actual", "address", "origin", "permission", "route"].map(|field| explanation[field].clone());
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
    let request = api.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
    let request =
        request.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:train");
    let denied =
        send(request.header("origin", "https://shop.example").header("x-keyrack-proxy", "nginx")).await;
    let explanation = explain(&api, &denied.assert_problem(403, "insufficient_scope")).await;
    assert_eq!(
        (&explanation["permission"], &explanation["route"]),
        (&json!("models:train"), &json!("/api/v1/forward-auth"))
    );
}

#[tokio::test]
async fn denial_explanation_is_hidden_from_other_workspace() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let denied = api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
    explain(&api, &denied).await;
    let id = text(&denied.json()["request_id"]);
    let web = WebClient::sign_in(&api.server).await.workspace("Elsewhere").await;
    let theirs = web.api_key(&["keys"]).await;
    let path = format!("/api/v1/requests/{id}");
    api.server.get(&path, &text(&theirs["secret"])).await.assert_problem(404, "not_found");
    let page = web.page(&web.keys(&format!("/denied-requests/{id}"))).await;
    assert_eq!(page.status, 404, "{page:?}");
    // Denials without a known key are counted but not stored.
    let unknown = api.projects(&crate::fixtures::unknown_secret()).await.assert_problem(401, "unknown_key");
    let before = check_count(&api, "missing_key").await;
    let anonymous = send(api.server.request(Method::GET, "/api/v1/projects")).await;
    assert_eq!(check_count(&api, "missing_key").await, before + 1);
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
        api.get(&format!("/api/v1/requests/{id}")).await.assert_problem(404, "not_found");
    }
    assert_eq!(check_count(&api, "unknown_key").await, 1);
}

/// The number of checks with this outcome, from the metrics.
async fn check_count(api: &Api, decision: &str) -> u64 {
    let metrics = api.server.ops("/metrics").await.text;
    let counted = format!("keyrack_key_checks_total{{outcome=\"{decision}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&counted)).map_or(0, |number| number.parse().unwrap())
}

#[tokio::test]
async fn denied_forward_auth_is_explained_with_permission() {
    let api = Api::start().await;
    let key = async |restrictions: Value| {
        api.create_key(json!({ "name": "cats", "scopes": ["inference"], "restrictions": restrictions })).await
    };
    let paused = key(json!({})).await;
    api.post(&format!("{}/pause", paused.path()), json!({})).await.ok();
    let of_nothing = key(json!({ "models": [] })).await;
    let spent = key(json!({ "quotas": [{ "of": "predictions", "limit": 1, "per": "day" }] })).await;
    let ask = async |key: &CreatedKey| {
        let ask = api.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
        let ask =
            ask.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:predict");
        send(ask.header("user-agent", "nginx")).await
    };
    ask(&spent).await.ok();
    for (key, status, code) in
        [(paused, 401, "paused_key"), (of_nothing, 403, "model_outside_key"), (spent, 429, "quota_exceeded")]
    {
        let explanation = explain(&api, &ask(&key).await.assert_problem(status, code)).await;
        let fields = ["permission", "userAgent", "route"].map(|field| explanation[field].clone());
        assert_eq!(json!(fields), json!(["models:predict", "nginx", "/api/v1/forward-auth"]), "{code}");
    }
}

#[tokio::test]
async fn denials_survive_stop() {
    let mut api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let first = api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
    let web = WebClient::sign_in(&api.server).await;
    let place = format!("/denied-requests/{}", text(&first.json()["request_id"]));
    wait_until("the page of the key shows the denial", async || {
        let own = web.page(&web.keys(&format!("/{}", key.id))).await;
        own.text.contains(&place).then_some(())
    })
    .await;
    let last = api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
    api.server.restart().await;
    assert_eq!(explain(&api, &last).await["code"], "insufficient_scope");
}

#[tokio::test]
async fn denial_page_finds_request_id_and_hides_invalid_input() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let denied = api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
    explain(&api, &denied).await;
    let id = text(&denied.json()["request_id"]);
    let web = WebClient::sign_in(&api.server).await;
    let form = web.keys("/denied-requests");
    let redirect = web.submit(&form, &[("request", &format!("  {id} "))]).await;
    assert_eq!(
        (redirect.status.as_u16(), redirect.header("location")),
        (303, web.keys(&format!("/denied-requests/{id}")).as_str())
    );
    let page = web.page(redirect.header("location")).await;
    for words in
        ["Permission granted", "projects:manage", &format!("{}/edit#f-scope", key.id), "GET /api/v1/projects"]
    {
        assert!(page.text.contains(words), "{words}: {page:?}");
    }
    let edit = web.page(&web.keys(&format!("/{}/edit", key.id))).await;
    assert!(edit.text.contains("id=\"f-scope\""), "the linked field exists");
    for wrong in ["", "nonsense", &key.secret, "req_000000000000000000000000", "<b>"] {
        let answer = web.submit(&form, &[("request", wrong)]).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(!answer.text.contains(&key.secret[6..]) && !answer.text.contains("<b>"), "{answer:?}");
    }
    let typo = web.submit(&form, &[("request", "req_0000 ")]).await;
    assert!(typo.text.contains("value=\"req_0000\""), "a typing error can be corrected: {typo:?}");
    for part in [&key.secret[..20], &key.secret.to_uppercase()[..20], &key.secret[6..]] {
        let answer = web.submit(&form, &[("request", part)]).await;
        assert!(!answer.text.contains(&part[6..]), "a part of a secret isn't repeated: {answer:?}");
    }
    let own = web.page(&web.keys(&format!("/{}", key.id))).await;
    assert!(
        own.text.contains("Recently denied") && own.text.contains(&format!("/denied-requests/{id}")),
        "{own:?}"
    );
}
