//! Asking about a key.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, SLUG, send, text};
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
    for (restrictions, field, yes, no, code) in cases {
        let wanted = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
        let key = desk.make(wanted).await;
        ask(&desk, &key.secret, json!({ field: yes })).await.ok();
        ask(&desk, &key.secret, json!({ field: no })).await.refused(403, code);
        ask(&desk, &key.secret, json!({})).await.refused(403, code);
        // Where the question itself comes from does not count.
        let request = desk.server.request(reqwest::Method::POST, "/api/v1/verify").bearer_auth(&key.secret);
        let request = request.header("x-forwarded-for", "10.4.0.1").header("origin", "https://a.example");
        send(request.json(&json!({ "workspace": SLUG }))).await.refused(403, code);
    }
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
