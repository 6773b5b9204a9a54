//! Asking about a key.

use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, SLUG, send, text, until};
use crate::visitor::Visitor;

async fn ask(desk: &Desk, secret: &str, mut question: Value) -> Answer {
    question.as_object_mut().unwrap().entry("workspace").or_insert(SLUG.into());
    desk.server.post("/api/v1/verify", secret, question).await
}

#[tokio::test]
async fn a_key_that_is_let_through_is_told() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    for question in [json!({}), json!({ "permission": "models:predict" })] {
        let answer = ask(&desk, &key.secret, question).await.ok().json();
        assert_eq!(answer["valid"], true);
        assert_eq!(
            answer["key"],
            json!({ "id": key.id, "name": "of a test", "class": "secret", "scopes": ["inference"] })
        );
        let by_id = json!({ "workspace": answer["workspace"] });
        ask(&desk, &key.secret, by_id).await.ok();
    }
}

#[tokio::test]
async fn a_key_that_is_not_is_told_why() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let no = ask(&desk, &key.secret, json!({ "permission": "models:train" })).await;
    assert_eq!(no.refused(403, "insufficient_scope").json()["permission"], "models:train");
    let stranger = keyrack_key::Secret::generate(
        keyrack_key::Brands::default().current(),
        keyrack_key::Class::Secret,
        &mut rand_core::UnwrapErr(getrandom::SysRng),
    );
    ask(&desk, stranger.expose(), json!({})).await.refused(401, "unknown_key");
    ask(&desk, "kr_sk_1", json!({})).await.refused(401, "malformed_key");
    let bare = desk.server.request(reqwest::Method::POST, "/api/v1/verify");
    send(bare.json(&json!({ "workspace": SLUG }))).await.refused(401, "missing_key");
    // Whether there is such a workspace is nobody's business.
    ask(&desk, &key.secret, json!({ "workspace": "nowhere" })).await.refused(401, "unknown_key");
    for field in ["permission", "project", "ip"] {
        ask(&desk, &key.secret, json!({ field: "nonsense" })).await.refused(422, "invalid").names(field);
    }
    desk.delete(&key.path()).await.ok();
    ask(&desk, &key.secret, json!({})).await.refused(401, "deleted_key");
}

#[tokio::test]
async fn a_key_of_another_workspace_is_unknown_whatever_became_of_it() {
    let desk = Desk::open().await;
    let theirs = Visitor::sign_in(&desk.server).await.workspace("Southfield").await;
    let made = theirs.api_key(&["inference"]).await;
    let secret = text(&made["secret"]);
    let question = json!({ "workspace": theirs.slug });
    ask(&desk, &secret, question.clone()).await.ok();
    ask(&desk, &secret, json!({})).await.refused(401, "unknown_key");
    ask(&desk, &secret, json!({ "permission": "keys:manage" })).await.refused(401, "unknown_key");
    theirs.delete_key(&text(&made["id"])).await;
    let here = ask(&desk, &secret, json!({})).await.refused(401, "unknown_key");
    assert!(!here.text.contains(&text(&made["id"])));
    ask(&desk, &secret, question).await.refused(401, "deleted_key");
}

#[tokio::test]
async fn what_the_key_is_restricted_by_and_the_question_leaves_out_is_not_allowed() {
    let desk = Desk::open().await;
    let (inside, outside) = (desk.project("inside").await, desk.project("outside").await);
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
    let node = desk.server.key(&["node"]).await;
    for (restrictions, field, yes, no, code) in cases {
        let wanted = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
        let key = desk.make(wanted).await;
        let ask = async |question: Value| ask_as_service(&desk, &node, &key.secret, question).await;
        ask(json!({ field: yes })).await.ok();
        ask(json!({ field: yes, "spend": true })).await.ok();
        ask(json!({ field: no })).await.refused(403, code);
        ask(json!({})).await.refused(403, code);
    }
}

async fn ask_as_service(desk: &Desk, node: &str, secret: &str, mut question: Value) -> Answer {
    question.as_object_mut().unwrap().entry("workspace").or_insert(SLUG.into());
    desk.server.verify_as_service(node, secret, question).await
}

/// Asks from a place of its own, as the proxy that the server trusts says.
async fn ask_from(
    desk: &Desk,
    secret: &str,
    address: &str,
    origin: Option<&str>,
    mut question: Value,
) -> Answer {
    question["workspace"] = SLUG.into();
    let request = desk.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(secret);
    let request = request.header("x-forwarded-for", address).json(&question);
    send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
}

/// That the question was denied because it states this field.
fn is_untrusted(answer: &Answer, field: &str) {
    let problem = answer.problem(403, "untrusted_facts");
    assert_eq!(problem["details"][0]["field"], field, "{problem}");
}

#[tokio::test]
async fn whoever_holds_the_key_is_judged_by_where_it_asks_from() {
    let desk = Desk::open().await;
    let restrictions = json!({ "networks": ["10.4.0.0/16"], "origins": ["https://a.example"] });
    let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    let key = desk.make(key).await.secret;
    let page = Some("https://a.example");
    ask_from(&desk, &key, "10.4.0.1", page, json!({})).await.ok();
    ask_from(&desk, &key, "::ffff:10.4.0.1", page, json!({ "ip": "10.4.0.1", "origin": page })).await.ok();
    ask_from(&desk, &key, "10.5.0.1", page, json!({})).await.refused(403, "network_not_allowed");
    ask_from(&desk, &key, "10.4.0.1", None, json!({})).await.refused(403, "origin_not_allowed");
    let elsewhere = Some("https://b.example");
    ask_from(&desk, &key, "10.4.0.1", elsewhere, json!({})).await.refused(403, "origin_not_allowed");
}

/// However many addresses a thief tries, each is answered alike, wherever it asks from.
#[tokio::test]
async fn whoever_holds_a_key_cannot_try_which_networks_it_is_restricted_to() {
    let desk = Desk::open().await;
    let key =
        json!({ "name": "n", "scopes": ["inference"], "restrictions": { "networks": ["10.4.0.0/16"] } });
    let key = desk.make(key).await.secret;
    for ip in ["10.4.0.17", "10.5.0.1", "203.0.113.9"] {
        ask_from(&desk, &key, "203.0.113.9", None, json!({ "ip": ip }))
            .await
            .refused(403, "network_not_allowed");
    }
    for ip in ["10.4.0.17", "10.5.0.1", "2001:db8::1"] {
        let refused = ask_from(&desk, &key, "10.4.0.1", None, json!({ "ip": ip })).await;
        is_untrusted(&refused, "ip");
    }
    // A client whose address is unknown has none to state.
    let free = desk.key(&["inference"]).await.secret;
    ask_from(&desk, &free, "unknown", None, json!({})).await.ok();
    ask_from(&desk, &free, "unknown", None, json!({ "ip": "10.4.0.1" }))
        .await
        .refused(403, "untrusted_facts");
}

/// A page may spend what its visitor could spend with a prediction, and nothing of what is another visitor's.
#[tokio::test]
async fn a_public_key_spends_nothing_on_the_word_of_its_holder() {
    let desk = Desk::open().await;
    let hourly = json!({ "requests": 2, "seconds": 3_600 });
    let quotas = json!([{ "of": "predictions", "limit": 3, "per": "day" }]);
    let key = json!({ "name": "public", "class": "publishable", "scopes": ["inference"],
        "restrictions": { "visitorRate": hourly, "quotas": quotas } });
    let key = desk.make(key).await;
    let project = desk.project("any").await;
    let page = Some("https://shop.example");
    let spend = async |from: &str, more: Value| {
        let mut question = json!({ "permission": "models:predict", "spend": true });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask_from(&desk, &key.secret, from, page, question).await
    };
    for number in 0..20 {
        let victim = spend("198.51.100.1", json!({ "ip": format!("203.0.113.{number}") })).await;
        is_untrusted(&victim, "ip");
    }
    is_untrusted(&spend("198.51.100.1", json!({ "origin": "https://b.example" })).await, "origin");
    is_untrusted(&spend("198.51.100.1", json!({ "project": project })).await, "project");
    let model = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    is_untrusted(&spend("198.51.100.1", json!({ "model": model })).await, "model");
    // Nothing was taken, of anybody.
    let left = |answer: Answer| {
        let limits = answer.ok().json()["limits"].clone();
        (limits["visitorRate"]["remaining"].clone(), limits["quotas"][0]["used"].clone())
    };
    assert_eq!(left(spend("203.0.113.1", json!({})).await), (json!(1), json!(1)));
    assert_eq!(left(spend("198.51.100.1", json!({})).await), (json!(1), json!(2)));
    spend("198.51.100.1", json!({ "ip": "198.51.100.1" })).await.ok();
    spend("198.51.100.1", json!({})).await.refused(429, "visitor_rate_limited");
}

#[tokio::test]
async fn only_a_node_key_of_the_workspace_makes_a_trusted_service_and_its_denial_is_not_the_keys() {
    let desk = Desk::open().await;
    let theirs = Visitor::sign_in(&desk.server).await.workspace("Southfield").await;
    let their_node = text(&theirs.api_key(&["node"]).await["secret"]);
    let key = desk.key(&["inference"]).await.secret;
    let node = Made::of(desk.server.make_key(&["node"], &[]).await);
    let question = || json!({ "ip": "198.51.100.7" });
    let ask = async |service: &str, question: Value| ask_as_service(&desk, service, &key, question).await;
    ask(&node.secret, question()).await.ok();
    ask(&format!("Bearer {}", node.secret), question()).await.ok();
    for (service, cause) in [
        (desk.key(&["project", "inference", "keys"]).await.secret.as_str(), "insufficient_scope"),
        (&key, "insufficient_scope"),
        (&their_node, "unknown_key"),
        ("nonsense", "malformed_key"),
        ("", "malformed_key"),
    ] {
        // Whatever the question states: a header that is there means something.
        for question in [question(), json!({})] {
            let denied = ask(service, question).await.refused(403, "service_key_denied");
            assert_eq!(denied.json()["service_key_code"], cause);
            assert_eq!(denied.header("www-authenticate"), "");
            assert!(service.is_empty() || !denied.text.contains(service), "{denied:?}");
        }
    }
    // It does not learn which workspaces there are.
    let mut nowhere = question();
    nowhere["workspace"] = "nowhere".into();
    let there = json!({ "workspace": theirs.slug, "ip": "198.51.100.7" });
    let [nowhere, there] = [ask(&node.secret, nowhere).await, ask(&node.secret, there).await];
    assert_eq!(nowhere.json()["message"], there.json()["message"]);
    let request = desk.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(&key);
    let twice =
        request.header("x-keyrack-service-key", &node.secret).header("x-keyrack-service-key", &node.secret);
    send(twice.json(&json!({ "workspace": SLUG }))).await.refused(403, "service_key_denied");
    desk.delete(&node.path()).await.ok();
    let denied = ask(&node.secret, question()).await.refused(403, "service_key_denied");
    assert_eq!(denied.json()["service_key_code"], "deleted_key");
}

/// It is a key like any other: restricted, limited, counted, and seen where it is seen.
#[tokio::test]
async fn the_key_of_a_service_is_judged_by_where_the_service_asks_from() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await.secret;
    let node = async |restrictions: &[&str]| Made::of(desk.server.make_key(&["node"], restrictions).await);
    let ask = async |node: &Made, from: &str, origin: Option<&str>| {
        let request = desk.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(&key);
        let request = request.header("x-keyrack-service-key", &node.secret).header("x-forwarded-for", from);
        let request = request.json(&json!({ "workspace": SLUG, "ip": "198.51.100.7" }));
        send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
    };
    let cause = |answer: Answer, status: u16| {
        answer.refused(status, "service_key_denied").json()["service_key_code"].clone()
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
    let seen = node(&[]).await;
    assert_eq!(cause(ask(&seen, "10.4.0.1", Some("https://shop.example")).await, 403), "key_in_browser");
    until("it is marked as exposed, and its use is counted", async || {
        let sightings = desk.get(&format!("{}/exposures", seen.path())).await.ok().json();
        let used = desk.read(&narrow).await["lastUsed"].clone();
        (sightings["items"][0]["origin"] == "https://shop.example" && used["permission"] == "keys:follow")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_question_that_states_too_much_is_kept_and_explained() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let refused = ask(&desk, &key.secret, json!({ "ip": "198.51.100.7" })).await;
    let id = text(&refused.refused(403, "untrusted_facts").json()["request_id"]);
    let why = desk.get(&format!("/api/v1/requests/{id}")).await.ok().json();
    assert_eq!((&why["code"], &why["address"]), (&json!("untrusted_facts"), &json!("127.0.0.1")));
}

#[tokio::test]
async fn asking_is_answered_by_what_the_key_is_now() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let question = || json!({ "permission": "projects:manage" });
    ask(&desk, &key.secret, question()).await.refused(403, "insufficient_scope");
    desk.patch(&key.path(), json!({ "scopes": ["project"] })).await.ok();
    ask(&desk, &key.secret, question()).await.ok();
    let new = desk.rotate(&key, "0s").await;
    ask(&desk, &key.secret, question()).await.refused(401, "retired_secret");
    ask(&desk, &new.secret, question()).await.ok();
}
