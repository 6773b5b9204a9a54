//! Steps that several browser tests share.

use reqwest::StatusCode;
use serde_json::json;

use super::{Browser, BrowserKind};
use crate::harness::{EMAIL, PASSWORD, Server, setup};

/// The path of the API Keys page in the test workspace.
pub(super) const KEYS: &str = "/w/northfield-vision/settings/api-keys";
pub(super) const MODELS: &str = "/w/northfield-vision/models";
pub(super) const PROJECTS: &str = "/w/northfield-vision/projects";

/// Starts a server with an owner, and a browser on the API Keys page in which the owner is signed in.
pub(super) async fn signed_in(kind: BrowserKind) -> (Server, Browser) {
    let server = start_server(kind).await;
    setup(&server.data()).run().await.assert_succeeded();
    let browser = Browser::open(kind, &server).await;
    browser.sign_in().await;
    (server, browser)
}

/// Starts a server with an empty data folder, which accepts the host name that this kind of browser uses.
pub(super) async fn start_server(kind: BrowserKind) -> Server {
    match kind {
        BrowserKind::ByName => Server::start_with(&["--public-url", super::chromium::PLAIN_NAME], &[]).await,
        BrowserKind::Usual | BrowserKind::WithoutScript => Server::start().await,
    }
}

impl Browser {
    /// Signs in and opens the API Keys page.
    pub(super) async fn sign_in(&self) {
        self.goto(KEYS).await;
        self.wait_for_heading("Sign in").await;
        self.fill("Email", EMAIL).await;
        self.fill("Password", PASSWORD).await;
        self.click("Sign in").await;
        self.wait_for_heading("API Keys").await;
    }

    /// Creates a key up to the dialog that shows the secret, and returns the secret.
    pub(super) async fn generate_key(&self, name: &str, scope: &str) -> String {
        self.click("Add New Key").await;
        self.wait_for_heading("Add New Key").await;
        self.fill("Name", name).await;
        self.choose(scope).await;
        self.click("Generate Key").await;
        self.wait_for_heading("Copy your secret key").await;
        self.secret(name).await
    }

    /// The secret that the page shows.
    pub(super) async fn secret(&self, name: &str) -> String {
        let secret = self.value(&format!("Secret key of {name}")).await;
        assert!(secret.starts_with("kr_sk_") && secret.len() == 44, "no secret: {secret}");
        secret
    }

    /// Creates a key, closes the dialog, and returns the secret.
    pub(super) async fn key(&self, name: &str, scope: &str) -> String {
        let secret = self.generate_key(name, scope).await;
        self.click("Copy Secret Key").await;
        self.wait_for_text("Copied").await;
        self.click("Done").await;
        self.wait_until_dialog_is_closed().await;
        self.wait_for_heading("API Keys").await;
        secret
    }
}

/// The statuses of two requests with this secret: list the projects, and create an invalid project.
pub(super) async fn rights(server: &Server, secret: &str) -> (StatusCode, StatusCode) {
    let list = server.get("/api/v1/projects", secret).await.status;
    let wrong = server.post("/api/v1/projects", secret, json!({})).await.status;
    (list, wrong)
}

pub(super) const UNKNOWN: (StatusCode, StatusCode) = (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED);
/// A key with the scope Project is allowed; only the body of the second request is invalid.
pub(super) const PROJECT: (StatusCode, StatusCode) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
/// A key with the scope Inference is known but denied.
pub(super) const INFERENCE: (StatusCode, StatusCode) = (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN);
