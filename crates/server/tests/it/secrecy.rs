//! A secret is in the one answer that hands it out and nowhere else, whatever is done with it.

mod memory;
mod places;
mod uses;

use regex::Regex;
use serde_json::json;

use crate::desk::FORM;
use crate::harness::{Answer, PASSWORD, Server, text};
use crate::visitor::Visitor;
use places::Searched;

/// What must not be found.
pub(crate) struct Needles {
    pub(crate) secrets: Vec<String>,
    session: String,
    setup: String,
}

impl Needles {
    /// Each with a name that may stand in a test's output: the secret itself would be a fine thing to print there.
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
async fn no_secret_is_found_anywhere_when_the_log_is_text() {
    no_secret_is_found_anywhere(&["--log", "trace"]).await;
}

#[tokio::test]
async fn no_secret_is_found_anywhere_when_the_log_is_json() {
    no_secret_is_found_anywhere(&["--log", "trace", "--log-json"]).await;
}

async fn no_secret_is_found_anywhere(args: &[&str]) {
    let mut server = Server::with(args, &[]).await;
    let setup = server.setup_link.as_ref().unwrap().rsplit('=').next().unwrap().to_owned();
    let visitor = Visitor::set_up(&server, crate::harness::WORKSPACE).await;
    let session = visitor.cookie.split('=').nth(1).unwrap().to_owned();
    let mut needles = Needles { secrets: Vec::new(), session, setup };
    let mut searched = Searched::default();

    let ids = make_keys(&server, &visitor, &mut needles, &mut searched).await;
    uses::well_and_badly(&server, &needles, &mut searched).await;
    look_at_everything(&server, &visitor, &ids, &mut searched).await;

    searched.folder(&server.data(), "while the server runs");
    server.stop().await;
    searched.folder(&server.data(), "after it has stopped");
    searched.store(&server).await;
    searched.outputs(&server);
    searched.hold_none_of(&needles.all());
}

/// Makes keys in every way that there is, and gives each a new secret. Their ids.
async fn make_keys(
    server: &Server,
    visitor: &Visitor<'_>,
    needles: &mut Needles,
    searched: &mut Searched,
) -> Vec<String> {
    let form = Regex::new(FORM).unwrap();
    let mut hand = |text: &str| {
        let secret =
            form.find(text).unwrap_or_else(|| panic!("no secret was handed out")).as_str().to_owned();
        needles.secrets.push(secret.clone());
        secret
    };
    for scope in ["project", "inference"] {
        let path = visitor.keys("/new");
        let fields = [
            ("name", "by form"),
            ("scope", scope),
            ("expiry", "never"),
            ("nonce", &visitor.nonce(&path).await),
        ];
        hand(&visitor.submit(&path, &fields).await.text);
        // Sent again: the secret is not shown a second time.
        searched.answer("the form again", &visitor.submit(&path, &fields).await);
    }
    let master = hand(&visitor.api_key(&["project", "inference", "keys"]).await.to_string());
    for class in ["secret", "publishable"] {
        let key = json!({ "name": "by API", "scopes": ["inference"], "class": class });
        hand(&server.post("/api/v1/keys", &master, key).await.ok().text);
    }
    let made = server.keys(&["create", "--name", "by command", "--scope", "project"]).run().await.succeeded();
    hand(&made.stdout);
    searched.text("what the command says to people", &made.stderr);

    let listed = server.get("/api/v1/keys", &master).await.json();
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|key| text(&key["id"])).collect();
    for id in &ids {
        let path = visitor.keys(&format!("/{id}/rotate"));
        let nonce = visitor.nonce(&path).await;
        let fields = [("overlap", "24h"), ("nonce", nonce.as_str())];
        hand(&visitor.submit(&path, &fields).await.text);
        searched.answer("the form again", &visitor.submit(&path, &fields).await);
        let rotated = server.keys(&["rotate", id, "--grace-period", "1h"]).run().await.succeeded();
        hand(&rotated.stdout);
        searched.text("what the command says to people", &rotated.stderr);
    }
    ids
}

/// Every page and every reading call, as somebody who may see it all.
async fn look_at_everything(server: &Server, visitor: &Visitor<'_>, ids: &[String], searched: &mut Searched) {
    let master = server.key(&["project", "inference", "keys"]).await;
    let mut pages = vec![visitor.keys(""), visitor.keys("/new"), visitor.keys("?status=any")];
    pages.extend(["/docs", "/account", "/", "/sign-in", "/workspaces/new"].map(str::to_owned));
    pages.push(format!("/w/{}/projects", visitor.slug));
    for id in ids {
        pages.extend(["", "/edit", "/rotate", "/delete"].map(|rest| visitor.keys(&format!("/{id}{rest}"))));
        searched.answer("a key", &server.get(&format!("/api/v1/keys/{id}"), &master).await.ok());
        searched.text("a key on the command line", &server.keys(&["show", id, "--json"]).run().await.stdout);
    }
    for path in &pages {
        let page = visitor.page(path).await;
        assert!(page.status.is_success() || page.status.is_redirection(), "{path}: {page:?}");
        searched.answer(path, &page);
    }
    let delete = visitor.keys(&format!("/{}/delete", ids[0]));
    let deleted = visitor.submit(&delete, &[("reason", "enough")]).await;
    assert_eq!(deleted.status, 303, "{deleted:?}");
    searched.answer("the deletion", &deleted);
    for path in ["/api/v1/keys?limit=200", "/api/v1/projects", "/api/v1/openapi.json", "/api/v1/scopes"] {
        let answer: Answer = server.get(path, &master).await.ok();
        searched.answer(path, &answer);
    }
    searched.answer("metrics", &server.ops("/metrics").await.ok());
}
