//! Verifying a key over the API.

use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, SLUG, send, text, wait_until};
use crate::web_client::WebClient;

async fn ask(api: &Api, secret: &str, mut question: Value) -> Answer {
    question.as_object_mut().unwrap().entry("workspace").or_insert(SLUG.into());
    api.server.post("/api/v1/verify", secret, question).await
}

#[tokio::test]
async fn verify_of_allowed_key_returns_its_details() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    for question in [json!({}), json!({ "permission": "models:predict" })] {
        let answer = ask(&api, &key.secret, question).await.ok().json();
        assert_eq!(answer["valid"], true);
        assert_eq!(
            answer["key"],
            json!({ "id": key.id, "name": "of a test", "class": "secret", "scopes": ["inference"] })
        );
        let by_id = json!({ "workspace": answer["workspace"] });
        ask(&api, &key.secret, by_id).await.ok();
    }
}

#[tokio::test]
async fn verify_of_denied_key_returns_reason() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let denied = ask(&api, &key.secret, json!({ "permission": "models:train" })).await;
    assert_eq!(denied.assert_problem(403, "insufficient_scope").json()["permission"], "models:train");
    let stranger = keyrack_key::Secret::generate(
        keyrack_key::Brands::default().current(),
        keyrack_key::Class::Secret,
        &mut rand_core::UnwrapErr(getrandom::SysRng),
    );
    ask(&api, stranger.expose(), json!({})).await.assert_problem(401, "unknown_key");
    ask(&api, "kr_sk_1", json!({})).await.assert_problem(401, "malformed_key");
    let bare = api.server.request(reqwest::Method::POST, "/api/v1/verify");
    send(bare.json(&json!({ "workspace": SLUG }))).await.assert_problem(401, "missing_key");
    // The response doesn't reveal which workspaces exist.
    ask(&api, &key.secret, json!({ "workspace": "nowhere" })).await.assert_problem(401, "unknown_key");
    for field in ["permission", "project", "ip"] {
        ask(&api, &key.secret, json!({ field: "nonsense" }))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(field);
    }
    api.delete(&key.path()).await.ok();
    ask(&api, &key.secret, json!({})).await.assert_problem(401, "deleted_key");
}

#[tokio::test]
async fn verify_of_key_of_other_workspace_is_unknown() {
    let api = Api::start().await;
    let theirs = WebClient::sign_in(&api.server).await.workspace("Southfield").await;
    let created = theirs.api_key(&["inference"]).await;
    let secret = text(&created["secret"]);
    let question = json!({ "workspace": theirs.slug });
    ask(&api, &secret, question.clone()).await.ok();
    ask(&api, &secret, json!({})).await.assert_problem(401, "unknown_key");
    ask(&api, &secret, json!({ "permission": "keys:manage" })).await.assert_problem(401, "unknown_key");
    theirs.delete_key(&text(&created["id"])).await;
    let here = ask(&api, &secret, json!({})).await.assert_problem(401, "unknown_key");
    assert!(!here.text.contains(&text(&created["id"])));
    ask(&api, &secret, question).await.assert_problem(401, "deleted_key");
}

#[tokio::test]
async fn verify_without_restricted_fact_is_denied() {
    let api = Api::start().await;
    let (inside, outside) = (api.project("inside").await, api.project("outside").await);
    let cases = [
        (json!({ "networks": ["10.4.0.0/16"] }), "ip", "10.4.0.1", "10.5.0.1", "network_not_allowed"),
        (
            json!({ "origins": ["https://a.example"] }),
            "origin",
            "https://a.example",
            "https://b.example",
            "origin_not_allowed",
        ),
        (json!({ "projects": [inside] }), "project", &inside, &outside, "outside_key"),
    ];
    let node = api.server.create_secret(&["node"]).await;
    for (restrictions, field, allowed, denied, code) in cases {
        let new_key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
        let key = api.create_key(new_key).await;
        let ask = async |question: Value| ask_as_service(&api, &node, &key.secret, question).await;
        ask(json!({ field: allowed })).await.ok();
        ask(json!({ field: allowed, "spend": true })).await.ok();
        ask(json!({ field: denied })).await.assert_problem(403, code);
        ask(json!({})).await.assert_problem(403, code);
    }
}

async fn ask_as_service(api: &Api, node: &str, secret: &str, mut question: Value) -> Answer {
    question.as_object_mut().unwrap().entry("workspace").or_insert(SLUG.into());
    api.server.verify_as_service(node, secret, question).await
}

/// Verifies the key from a client address, which the trusted proxy reports.
async fn ask_from(
    api: &Api,
    secret: &str,
    address: &str,
    origin: Option<&str>,
    mut question: Value,
) -> Answer {
    question["workspace"] = SLUG.into();
    let request = api.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(secret);
    let request = request.header("x-forwarded-for", address).json(&question);
    send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
}

/// Panics unless the request was denied because it states this field.
fn assert_untrusted(answer: &Answer, field: &str) {
    let problem = answer.problem(403, "untrusted_facts");
    assert_eq!(problem["details"][0]["field"], field, "{problem}");
}

#[tokio::test]
async fn verify_by_key_holder_uses_its_own_address() {
    let api = Api::start().await;
    let restrictions = json!({ "networks": ["10.4.0.0/16"], "origins": ["https://a.example"] });
    let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    let key = api.create_key(key).await.secret;
    let page = Some("https://a.example");
    ask_from(&api, &key, "10.4.0.1", page, json!({})).await.ok();
    ask_from(&api, &key, "::ffff:10.4.0.1", page, json!({ "ip": "10.4.0.1", "origin": page })).await.ok();
    ask_from(&api, &key, "10.5.0.1", page, json!({})).await.assert_problem(403, "network_not_allowed");
    ask_from(&api, &key, "10.4.0.1", None, json!({})).await.assert_problem(403, "origin_not_allowed");
    let elsewhere = Some("https://b.example");
    ask_from(&api, &key, "10.4.0.1", elsewhere, json!({})).await.assert_problem(403, "origin_not_allowed");
}

/// A thief gets the same response for every stated address, regardless of its own address.
#[tokio::test]
async fn verify_does_not_reveal_allowed_networks() {
    let api = Api::start().await;
    let key =
        json!({ "name": "n", "scopes": ["inference"], "restrictions": { "networks": ["10.4.0.0/16"] } });
    let key = api.create_key(key).await.secret;
    for ip in ["10.4.0.17", "10.5.0.1", "203.0.113.9"] {
        ask_from(&api, &key, "203.0.113.9", None, json!({ "ip": ip }))
            .await
            .assert_problem(403, "network_not_allowed");
    }
    for ip in ["10.4.0.17", "10.5.0.1", "2001:db8::1"] {
        let denied = ask_from(&api, &key, "10.4.0.1", None, json!({ "ip": ip })).await;
        assert_untrusted(&denied, "ip");
    }
    // A client whose address is unknown cannot state one.
    let free = api.create_key_with(&["inference"]).await.secret;
    ask_from(&api, &free, "unknown", None, json!({})).await.ok();
    ask_from(&api, &free, "unknown", None, json!({ "ip": "10.4.0.1" }))
        .await
        .assert_problem(403, "untrusted_facts");
}

/// A page can spend what its own visitor could spend with a prediction, but nothing of other visitors.
#[tokio::test]
async fn verify_with_untrusted_facts_spends_nothing() {
    let api = Api::start().await;
    let hourly = json!({ "requests": 2, "seconds": 3_600 });
    let quotas = json!([{ "of": "predictions", "limit": 3, "per": "day" }]);
    let key = json!({ "name": "public", "class": "publishable", "scopes": ["inference"],
        "restrictions": { "visitorRate": hourly, "quotas": quotas } });
    let key = api.create_key(key).await;
    let project = api.project("any").await;
    let page = Some("https://shop.example");
    let spend = async |from: &str, more: Value| {
        let mut question = json!({ "permission": "models:predict", "spend": true });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask_from(&api, &key.secret, from, page, question).await
    };
    for number in 0..20 {
        let victim = spend("198.51.100.1", json!({ "ip": format!("203.0.113.{number}") })).await;
        assert_untrusted(&victim, "ip");
    }
    assert_untrusted(&spend("198.51.100.1", json!({ "origin": "https://b.example" })).await, "origin");
    assert_untrusted(&spend("198.51.100.1", json!({ "project": project })).await, "project");
    let model = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    assert_untrusted(&spend("198.51.100.1", json!({ "model": model })).await, "model");
    // No limit was spent.
    let remaining = |answer: Answer| {
        let limits = answer.ok().json()["limits"].clone();
        (limits["visitorRate"]["remaining"].clone(), limits["quotas"][0]["used"].clone())
    };
    assert_eq!(remaining(spend("203.0.113.1", json!({})).await), (json!(1), json!(1)));
    assert_eq!(remaining(spend("198.51.100.1", json!({})).await), (json!(1), json!(2)));
    spend("198.51.100.1", json!({ "ip": "198.51.100.1" })).await.ok();
    spend("198.51.100.1", json!({})).await.assert_problem(429, "visitor_rate_limited");
}

#[tokio::test]
async fn verify_with_invalid_service_key_is_denied() {
    let api = Api::start().await;
    let theirs = WebClient::sign_in(&api.server).await.workspace("Southfield").await;
    let their_node = text(&theirs.api_key(&["node"]).await["secret"]);
    let key = api.create_key_with(&["inference"]).await.secret;
    let node = CreatedKey::of(api.server.create_key(&["node"], &[]).await);
    let question = || json!({ "ip": "198.51.100.7" });
    let ask = async |service: &str, question: Value| ask_as_service(&api, service, &key, question).await;
    ask(&node.secret, question()).await.ok();
    ask(&format!("Bearer {}", node.secret), question()).await.ok();
    for (service, cause) in [
        (api.create_key_with(&["project", "inference", "keys"]).await.secret.as_str(), "insufficient_scope"),
        (&key, "insufficient_scope"),
        (&their_node, "unknown_key"),
        ("nonsense", "malformed_key"),
        ("", "malformed_key"),
    ] {
        // An invalid service key is denied regardless of the stated facts.
        for question in [question(), json!({})] {
            let denied = ask(service, question).await.assert_problem(403, "service_key_denied");
            assert_eq!(denied.json()["service_key_code"], cause);
            assert_eq!(denied.header("www-authenticate"), "");
            assert!(service.is_empty() || !denied.text.contains(service), "{denied:?}");
        }
    }
    // The service doesn't learn which workspaces exist.
    let mut nowhere = question();
    nowhere["workspace"] = "nowhere".into();
    let there = json!({ "workspace": theirs.slug, "ip": "198.51.100.7" });
    let [nowhere, there] = [ask(&node.secret, nowhere).await, ask(&node.secret, there).await];
    assert_eq!(nowhere.json()["message"], there.json()["message"]);
    let request = api.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(&key);
    let twice =
        request.header("x-keyrack-service-key", &node.secret).header("x-keyrack-service-key", &node.secret);
    send(twice.json(&json!({ "workspace": SLUG }))).await.assert_problem(403, "service_key_denied");
    api.delete(&node.path()).await.ok();
    let denied = ask(&node.secret, question()).await.assert_problem(403, "service_key_denied");
    assert_eq!(denied.json()["service_key_code"], "deleted_key");
}

/// A service key is a key: its restrictions, limits, usage, and exposures apply.
#[tokio::test]
async fn service_key_restrictions_apply_to_service() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await.secret;
    let node =
        async |restrictions: &[&str]| CreatedKey::of(api.server.create_key(&["node"], restrictions).await);
    let ask = async |node: &CreatedKey, from: &str, origin: Option<&str>| {
        let request = api.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(&key);
        let request = request.header("x-keyrack-service-key", &node.secret).header("x-forwarded-for", from);
        let request = request.json(&json!({ "workspace": SLUG, "ip": "198.51.100.7" }));
        send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
    };
    let cause = |answer: Answer, status: u16| {
        answer.assert_problem(status, "service_key_denied").json()["service_key_code"].clone()
    };
    let narrow = node(&["--network", "10.4.0.0/16"]).await;
    ask(&narrow, "10.4.0.1", None).await.ok();
    assert_eq!(cause(ask(&narrow, "10.5.0.1", None).await, 403), "network_not_allowed");
    let limited = node(&["--rate-limit", "2/1h"]).await;
    ask(&limited, "10.4.0.1", None).await.ok();
    ask(&limited, "10.4.0.1", None).await.ok();
    let denied = ask(&limited, "10.4.0.1", None).await;
    assert!(denied.header("retry-after").parse::<u32>().unwrap() > 0, "{denied:?}");
    assert_eq!(cause(denied, 429), "rate_limited");
    let exposed = node(&[]).await;
    assert_eq!(cause(ask(&exposed, "10.4.0.1", Some("https://shop.example")).await, 403), "key_in_browser");
    wait_until("the exposure and the last use are recorded", async || {
        let exposures = api.get(&format!("{}/exposures", exposed.path())).await.ok().json();
        let used = api.read(&narrow).await["lastUsed"].clone();
        (exposures["items"][0]["origin"] == "https://shop.example" && used["permission"] == "keys:follow")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn denied_untrusted_facts_are_explained() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let denied = ask(&api, &key.secret, json!({ "ip": "198.51.100.7" })).await;
    let id = text(&denied.assert_problem(403, "untrusted_facts").json()["request_id"]);
    let why = api.get(&format!("/api/v1/requests/{id}")).await.ok().json();
    assert_eq!((&why["code"], &why["address"]), (&json!("untrusted_facts"), &json!("127.0.0.1")));
}

#[tokio::test]
async fn verify_uses_current_key_state() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let question = || json!({ "permission": "projects:manage" });
    ask(&api, &key.secret, question()).await.assert_problem(403, "insufficient_scope");
    api.patch(&key.path(), json!({ "scopes": ["project"] })).await.ok();
    ask(&api, &key.secret, question()).await.ok();
    let new = api.rotate(&key, "0s").await;
    ask(&api, &key.secret, question()).await.assert_problem(401, "retired_secret");
    ask(&api, &new.secret, question()).await.ok();
}
