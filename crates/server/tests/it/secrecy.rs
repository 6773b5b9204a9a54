//! A secret appears in the response that creates it and nowhere else.

mod memory;
mod requests;
mod search;

use regex::Regex;
use serde_json::json;

use crate::api::SECRET_PATTERN;
use crate::harness::{Answer, PASSWORD, Server, text};
use crate::web_client::WebClient;
use search::SecretSearch;

/// The values that must not be found.
pub(crate) struct KnownSecrets {
    pub(crate) secrets: Vec<String>,
    session: String,
    setup: String,
}

impl KnownSecrets {
    /// Each value with a name that a test may print in place of the value.
    fn all(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("the password".to_owned(), PASSWORD.to_owned()),
            ("the session token".to_owned(), self.session.clone()),
            ("the setup token".to_owned(), self.setup.clone()),
        ];
        for (number, secret) in self.secrets.iter().enumerate() {
            let body = &secret[secret.len() - 38..secret.len() - 6];
            all.push((format!("secret {number}"), secret.clone()));
            all.push((format!("the body of secret {number}"), body.to_owned()));
        }
        all
    }
}

#[tokio::test]
async fn secrets_are_nowhere_with_text_log() {
    assert_secrets_are_nowhere(&["--log", "trace"]).await;
}

#[tokio::test]
async fn secrets_are_nowhere_with_json_log() {
    assert_secrets_are_nowhere(&["--log", "trace", "--log-json"]).await;
}

async fn assert_secrets_are_nowhere(args: &[&str]) {
    let mut server = Server::start_with(args, &[]).await;
    let setup = server.setup_link.as_ref().unwrap().rsplit('=').next().unwrap().to_owned();
    let web = WebClient::set_up(&server, crate::harness::WORKSPACE).await;
    let session = web.cookie.split('=').nth(1).unwrap().to_owned();
    let mut known = KnownSecrets { secrets: Vec::new(), session, setup };
    let mut search = SecretSearch::default();

    let ids = create_keys(&server, &web, &mut known, &mut search).await;
    requests::send_all(&server, &known, &mut search).await;
    load_all_pages(&server, &web, &ids, &mut search).await;

    search.folder(&server.data(), "while the server runs");
    server.stop().await;
    search.folder(&server.data(), "after it has stopped");
    search.store(&server).await;
    search.outputs(&server);
    search.assert_contains_none(&known.all());
}

/// Creates keys in all possible ways, rotates each, and returns their IDs.
async fn create_keys(
    server: &Server,
    web: &WebClient<'_>,
    known: &mut KnownSecrets,
    search: &mut SecretSearch,
) -> Vec<String> {
    let form = Regex::new(SECRET_PATTERN).unwrap();
    let mut record_secret = |text: &str| {
        let secret =
            form.find(text).unwrap_or_else(|| panic!("the response has no secret")).as_str().to_owned();
        // A publishable key is public. The store keeps it, and pages show it again.
        if secret.contains("_sk_") {
            known.secrets.push(secret.clone());
        }
        secret
    };
    for scope in ["project", "inference"] {
        let path = web.keys("/new");
        let fields =
            [("name", "by form"), ("scope", scope), ("expiry", "never"), ("nonce", &web.nonce(&path).await)];
        record_secret(&web.submit(&path, &fields).await.text);
        // A repeated submission doesn't show the secret again.
        search.answer("the repeated form", &web.submit(&path, &fields).await);
    }
    let manager_key = record_secret(&web.api_key(&["project", "inference", "keys"]).await.to_string());
    for class in ["secret", "publishable"] {
        let key = json!({ "name": "by API", "scopes": ["inference"], "class": class });
        record_secret(&server.post("/api/v1/keys", &manager_key, key).await.ok().text);
    }
    let created = server
        .key_command(&["create", "--name", "by command", "--scope", "project"])
        .run()
        .await
        .assert_succeeded();
    record_secret(&created.stdout);
    search.text("the command's standard error", &created.stderr);

    let listed = server.get("/api/v1/keys", &manager_key).await.json();
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|key| text(&key["id"])).collect();
    for id in &ids {
        let path = web.keys(&format!("/{id}/rotate"));
        let nonce = web.nonce(&path).await;
        let fields = [("overlap", "24h"), ("nonce", nonce.as_str())];
        record_secret(&web.submit(&path, &fields).await.text);
        search.answer("the repeated form", &web.submit(&path, &fields).await);
        let rotated =
            server.key_command(&["rotate", id, "--grace-period", "1h"]).run().await.assert_succeeded();
        record_secret(&rotated.stdout);
        search.text("the command's standard error", &rotated.stderr);
    }
    ids
}

/// Loads every page and calls every read route with full access.
async fn load_all_pages(server: &Server, web: &WebClient<'_>, ids: &[String], search: &mut SecretSearch) {
    let manager_key = server.create_secret(&["project", "inference", "keys"]).await;
    let mut pages = vec![web.keys(""), web.keys("/new"), web.keys("?status=any")];
    pages.extend(["/docs", "/account", "/", "/sign-in", "/workspaces/new"].map(str::to_owned));
    pages.push(format!("/w/{}/projects", web.slug));
    for id in ids {
        pages.extend(["", "/edit", "/rotate", "/delete"].map(|rest| web.keys(&format!("/{id}{rest}"))));
        search.answer("a key", &server.get(&format!("/api/v1/keys/{id}"), &manager_key).await.ok());
        search.text(
            "a key on the command line",
            &server.key_command(&["show", id, "--json"]).run().await.stdout,
        );
    }
    for path in &pages {
        let page = web.page(path).await;
        assert!(page.status.is_success() || page.status.is_redirection(), "{path}: {page:?}");
        search.answer(path, &page);
    }
    let delete = web.keys(&format!("/{}/delete", ids[0]));
    let deleted = web.submit(&delete, &[("reason", "enough")]).await;
    assert_eq!(deleted.status, 303, "{deleted:?}");
    search.answer("the deletion", &deleted);
    for path in ["/api/v1/keys?limit=200", "/api/v1/projects", "/api/v1/openapi.json", "/api/v1/scopes"] {
        let answer: Answer = server.get(path, &manager_key).await.ok();
        search.answer(path, &answer);
    }
    search.answer("metrics", &server.ops("/metrics").await.ok());
}
