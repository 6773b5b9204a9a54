//! The first request with a new secret: its status is tracked for each secret and shown only to members of the workspace.

use reqwest::Method;
use serde_json::json;

use crate::fixtures::{AccessFixture, Session};
use crate::harness::{EMAIL, Server, send, wait_until};

const KEYS: &str = "/w/northfield-vision/settings/api-keys";

/// A signed-in user of the pages.
struct PageUser {
    server: Server,
    session: Session,
}

/// A secret that a page has shown, and the path of its first-request status.
struct ShownSecret {
    secret: String,
    id: String,
    line: String,
}

impl PageUser {
    async fn signed_in() -> Self {
        let server = Server::set_up().await;
        let session = Session::signed_in(&server, EMAIL).await;
        Self { server, session }
    }

    async fn page(&self, path: &str) -> String {
        send(self.session.request(&self.server, Method::GET, path)).await.ok().text
    }

    /// Submits the form at `path` and reads the secret from the response.
    async fn submit_form(&self, path: &str, fields: &[(&str, &str)]) -> ShownSecret {
        let nonce = between(&self.page(path).await, "name=\"nonce\" value=\"", "\"");
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("nonce", &nonce).finish();
        let request = self.session.request(&self.server, Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let page = send(request.body(body)).await.ok().text;
        assert!(page.contains("Waiting for the first request"), "{page}");
        let line = between(&page, "data-first-call=\"", "\"");
        let id = between(&line, "api-keys/", "/");
        ShownSecret { secret: between(&page, "data-secret>", "<"), id, line }
    }

    async fn create_key(&self, scope: &str) -> ShownSecret {
        self.submit_form(&format!("{KEYS}/new"), &[("name", "gate"), ("scope", scope)]).await
    }

    async fn wait_for_status(&self, shown: &ShownSecret, words: &str) -> String {
        wait_until(words, async || {
            let page = self.page(&shown.line).await;
            page.contains(words).then_some(page)
        })
        .await
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    text[start..][..text[start..].find(after).unwrap()].to_owned()
}

#[tokio::test]
async fn first_request_is_shown_with_address_and_permission() {
    let user = PageUser::signed_in().await;
    let shown = user.create_key("project").await;
    let waiting = user.wait_for_status(&shown, "Waiting for the first request").await;
    assert!(waiting.contains("data-stand=\"awaited\"") && waiting.contains("Refresh"), "{waiting}");
    user.server.get("/api/v1/projects", &shown.secret).await.ok();
    let page = user.wait_for_status(&shown, "It works!").await;
    for words in ["data-stand=\"came\"", "from 127.0.0.1", ": manage projects", "projects:manage"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(&shown.secret[6..]), "{page}");
    // Later requests don't change the status.
    user.server.post("/api/v1/predict/detect/mdl_0", &shown.secret, json!({})).await;
    user.wait_for_status(&shown, ": manage projects").await;
}

#[tokio::test]
async fn denied_first_request_is_shown_until_one_is_allowed() {
    let user = PageUser::signed_in().await;
    let shown = user.create_key("inference").await;
    user.server.get("/api/v1/projects", &shown.secret).await.assert_problem(403, "insufficient_scope");
    let denied = user.wait_for_status(&shown, "A request was denied:").await;
    for words in ["data-stand=\"refused\"", "it needs the permission projects:manage", "(scope: Project)"] {
        assert!(denied.contains(words), "{words}: {denied}");
    }
    let question = json!({ "workspace": crate::harness::SLUG, "permission": "models:predict" });
    user.server.post("/api/v1/verify", &shown.secret, question).await.ok();
    user.wait_for_status(&shown, "It works!").await;
}

#[tokio::test]
async fn first_request_with_old_secret_is_ignored_after_rotation() {
    let user = PageUser::signed_in().await;
    let old = user.create_key("project").await;
    let rotate = format!("{KEYS}/{}/rotate", old.id);
    let new = user.submit_form(&rotate, &[("overlap", "24h")]).await;
    user.server.get("/api/v1/projects", &old.secret).await.ok();
    // The server records both requests together.
    user.wait_for_status(&old, "It works!").await;
    user.wait_for_status(&new, "Waiting for the first request").await;
    user.server.get("/api/v1/projects", &new.secret).await.ok();
    user.wait_for_status(&new, "It works!").await;
}

#[tokio::test]
async fn first_request_on_node_is_shown() {
    let user = PageUser::signed_in().await;
    let shown = user.create_key("inference").await;
    let credential = user.server.create_secret(&["node"]).await;
    let node = keyrack_guard::NodeBuilder::new(&user.server.url, &credential).start().await.unwrap();
    let request = http::Request::get("/").header("x-api-key", &shown.secret).body(()).unwrap();
    let result = node.guard().check(&request.into_parts().0, Some(keyrack_guard::Permission::ModelsPredict));
    assert!(result.is_ok());
    user.wait_for_status(&shown, "It works!").await;
}

#[tokio::test]
async fn first_request_page_with_unknown_secret_shows_not_awaited() {
    let user = PageUser::signed_in().await;
    let created = user.server.create_key(&["project"], &[]).await;
    let id = created["id"].as_str().unwrap();
    for query in ["", "?secret=", "?secret=zzzz", "?secret=%00%ff", "?secret=a&other=b", "?secret=../../x"] {
        let page = user.page(&format!("{KEYS}/{id}/first-request{query}")).await;
        assert!(page.contains("data-stand=\"not-awaited\""), "{query}: {page}");
    }
    let twice = format!("{KEYS}/{id}/first-request?secret=a&secret=b");
    let answer = send(user.session.request(&user.server, Method::GET, &twice)).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
}

#[tokio::test]
async fn first_request_reported_by_foreign_node_is_ignored() {
    let fixture = AccessFixture::start().await;
    let node =
        fixture.server.post("/api/v1/nodes", &fixture.their_key, json!({ "name": "liar" })).await.ok().json();
    let path = format!("/api/v1/nodes/{}/usage", node["id"].as_str().unwrap());
    let owner = fixture.member(keyrack_store::Role::Owner);
    let new = "/w/ours/settings/api-keys/new";
    let form = send(owner.request(&fixture.server, Method::GET, new)).await.ok().text;
    let nonce = between(&form, "name=\"nonce\" value=\"", "\"");
    let request = owner.request(&fixture.server, Method::POST, new);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let page = send(request.body(format!("name=gate&scope=inference&nonce={nonce}"))).await.ok().text;
    let (line, secret) = (between(&page, "data-first-call=\"", "\""), between(&page, "data-secret>", "<"));
    // Even a node that knows the digest cannot report foreign keys.
    let brands = keyrack_key::Brands::default();
    let digest = keyrack_key::Presented::parse(secret.as_bytes(), &brands).unwrap().digest();
    let digest = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, digest.as_bytes());
    let last = json!({ "at": "2026-11-26T12:00:00Z", "permission": "models:predict" });
    let uses = |batch: u64, secret: &str| {
        let key = between(&line, "api-keys/", "/");
        json!({ "batch": batch, "keys": [{ "key": key, "secret": secret, "counts": [], "last": last }] })
    };
    assert_eq!(fixture.server.post(&path, &fixture.their_key, uses(1, &digest)).await.status, 204);
    let page_text = send(owner.request(&fixture.server, Method::GET, &line)).await.ok().text;
    assert!(page_text.contains("data-stand=\"awaited\""), "{page_text}");
    for wrong in ["", "x", "AAAA", &"A".repeat(1_000)] {
        fixture.server.post(&path, &fixture.their_key, uses(2, wrong)).await.check_field_error("keys");
    }
}
