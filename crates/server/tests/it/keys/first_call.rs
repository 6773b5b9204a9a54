//! Whether a secret that was just shown has been used: told by secret, and only to people of the workspace.

use reqwest::Method;
use serde_json::json;

use crate::cast::{Browser, Cast};
use crate::harness::{EMAIL, Server, send, until};

const KEYS: &str = "/w/northfield-vision/settings/api-keys";

/// A person on the pages, without a browser's eyes.
struct Person {
    server: Server,
    browser: Browser,
}

/// A secret that a page has shown, and where it says whether it was used.
struct Shown {
    secret: String,
    id: String,
    line: String,
}

impl Person {
    async fn signed_in() -> Self {
        let server = Server::set_up().await;
        let browser = Browser::signed_in(&server, EMAIL).await;
        Self { server, browser }
    }

    async fn page(&self, path: &str) -> String {
        send(self.browser.request(&self.server, Method::GET, path)).await.ok().text
    }

    /// Sends a form of the page at `path`, and reads the secret that the answer shows.
    async fn shown(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let nonce = between(&self.page(path).await, "name=\"nonce\" value=\"", "\"");
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("nonce", &nonce).finish();
        let request = self.browser.request(&self.server, Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let page = send(request.body(body)).await.ok().text;
        assert!(page.contains("Waiting for the first request"), "{page}");
        let line = between(&page, "data-first-call=\"", "\"");
        let id = between(&line, "api-keys/", "/");
        Shown { secret: between(&page, "data-secret>", "<"), id, line }
    }

    async fn make(&self, scope: &str) -> Shown {
        self.shown(&format!("{KEYS}/new"), &[("name", "gate"), ("scope", scope)]).await
    }

    async fn says(&self, shown: &Shown, words: &str) -> String {
        until(words, async || {
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
async fn the_first_call_is_told_with_its_address_and_permission_and_the_secret_is_not_shown_again() {
    let person = Person::signed_in().await;
    let shown = person.make("project").await;
    let waiting = person.says(&shown, "Waiting for the first request").await;
    assert!(waiting.contains("data-stand=\"awaited\"") && waiting.contains("Refresh"), "{waiting}");
    person.server.get("/api/v1/projects", &shown.secret).await.ok();
    let came = person.says(&shown, "It works!").await;
    for words in ["data-stand=\"came\"", "from 127.0.0.1", ": manage projects", "projects:manage"] {
        assert!(came.contains(words), "{words}: {came}");
    }
    assert!(!came.contains(&shown.secret[6..]), "{came}");
    // What comes afterwards does not take it back.
    person.server.post("/api/v1/predict/detect/mdl_0", &shown.secret, json!({})).await;
    person.says(&shown, ": manage projects").await;
}

#[tokio::test]
async fn a_refused_call_is_told_as_such_and_one_that_works_still_waited_for() {
    let person = Person::signed_in().await;
    let shown = person.make("inference").await;
    person.server.get("/api/v1/projects", &shown.secret).await.refused(403, "insufficient_scope");
    let refused = person.says(&shown, "A request was denied:").await;
    for words in ["data-stand=\"refused\"", "lacks the permission projects:manage", "the scope Project"] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    let question = json!({ "workspace": crate::harness::SLUG, "permission": "models:predict" });
    person.server.post("/api/v1/verify", &shown.secret, question).await.ok();
    person.says(&shown, "It works!").await;
}

#[tokio::test]
async fn after_a_rotation_a_call_with_the_old_secret_is_not_the_new_ones() {
    let person = Person::signed_in().await;
    let old = person.make("project").await;
    let rotate = format!("{KEYS}/{}/rotate", old.id);
    let new = person.shown(&rotate, &[("overlap", "24h")]).await;
    person.server.get("/api/v1/projects", &old.secret).await.ok();
    // Both would be told of together.
    person.says(&old, "It works!").await;
    person.says(&new, "Waiting for the first request").await;
    person.server.get("/api/v1/projects", &new.secret).await.ok();
    person.says(&new, "It works!").await;
}

#[tokio::test]
async fn a_call_on_a_node_is_a_call() {
    let person = Person::signed_in().await;
    let shown = person.make("inference").await;
    let credential = person.server.key(&["node"]).await;
    let node = keyrack_guard::NodeBuilder::new(&person.server.url, &credential).start().await.unwrap();
    let request = http::Request::get("/").header("x-api-key", &shown.secret).body(()).unwrap();
    let asked = node.guard().check(&request.into_parts().0, Some(keyrack_guard::Permission::ModelsPredict));
    assert!(asked.is_ok());
    person.says(&shown, "It works!").await;
}

#[tokio::test]
async fn a_secret_that_is_not_waited_for_is_said_to_be_none() {
    let person = Person::signed_in().await;
    let made = person.server.make_key(&["project"], &[]).await;
    let id = made["id"].as_str().unwrap();
    for query in ["", "?secret=", "?secret=zzzz", "?secret=%00%ff", "?secret=a&other=b", "?secret=../../x"] {
        let page = person.page(&format!("{KEYS}/{id}/first-call{query}")).await;
        assert!(page.contains("data-stand=\"not-awaited\""), "{query}: {page}");
    }
    let twice = format!("{KEYS}/{id}/first-call?secret=a&secret=b");
    let answer = send(person.browser.request(&person.server, Method::GET, &twice)).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
}

#[tokio::test]
async fn what_a_node_says_of_keys_of_others_counts_for_nothing() {
    let cast = Cast::assemble().await;
    let node =
        cast.server.post("/api/v1/nodes", &cast.their_key, json!({ "name": "liar" })).await.ok().json();
    let path = format!("/api/v1/nodes/{}/usage", node["id"].as_str().unwrap());
    let owner = cast.member(keyrack_store::Role::Owner);
    let new = "/w/ours/settings/api-keys/new";
    let form = send(owner.request(&cast.server, Method::GET, new)).await.ok().text;
    let nonce = between(&form, "name=\"nonce\" value=\"", "\"");
    let request = owner.request(&cast.server, Method::POST, new);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let page = send(request.body(format!("name=gate&scope=inference&nonce={nonce}"))).await.ok().text;
    let (line, secret) = (between(&page, "data-first-call=\"", "\""), between(&page, "data-secret>", "<"));
    // Even one that knew the digest.
    let brands = keyrack_key::Brands::default();
    let digest = keyrack_key::Presented::parse(secret.as_bytes(), &brands).unwrap().digest();
    let digest = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, digest.as_bytes());
    let last = json!({ "at": "2026-11-26T12:00:00Z", "permission": "models:predict" });
    let uses = |batch: u64, secret: &str| {
        let key = between(&line, "api-keys/", "/");
        json!({ "batch": batch, "keys": [{ "key": key, "secret": secret, "counts": [], "last": last }] })
    };
    assert_eq!(cast.server.post(&path, &cast.their_key, uses(1, &digest)).await.status, 204);
    let says = send(owner.request(&cast.server, Method::GET, &line)).await.ok().text;
    assert!(says.contains("data-stand=\"awaited\""), "{says}");
    for wrong in ["", "x", "AAAA", &"A".repeat(1_000)] {
        cast.server.post(&path, &cast.their_key, uses(2, wrong)).await.names_field("keys");
    }
}
