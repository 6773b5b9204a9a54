//! The steps of the mission's document, as several tests take them.

use reqwest::StatusCode;
use serde_json::json;

use super::{Browser, Kind};
use crate::harness::{EMAIL, PASSWORD, Server, setup};

/// Where the API Keys page of the tests' workspace is.
pub(super) const KEYS: &str = "/w/northfield-vision/settings/api-keys";
pub(super) const MODELS: &str = "/w/northfield-vision/models";
pub(super) const PROJECTS: &str = "/w/northfield-vision/projects";

/// A server with an owner, and a browser in which the owner is signed in, on the API Keys page.
pub(super) async fn signed_in(kind: Kind) -> (Server, Browser) {
    let server = served_to(kind).await;
    setup(&server.data()).run().await.succeeded();
    let browser = Browser::open(kind, &server).await;
    browser.sign_in().await;
    (server, browser)
}

/// A server on an empty folder that answers to the name by which this kind of browser calls it.
pub(super) async fn served_to(kind: Kind) -> Server {
    match kind {
        Kind::ByName => Server::with(&["--public-url", super::chromium::PLAIN_NAME], &[]).await,
        Kind::Usual | Kind::WithoutScript => Server::start().await,
    }
}

impl Browser {
    /// Signs in on the way to the API Keys page.
    pub(super) async fn sign_in(&self) {
        self.goto(KEYS).await;
        self.headed("Sign in").await;
        self.fill("Email", EMAIL).await;
        self.fill("Password", PASSWORD).await;
        self.click("Sign in").await;
        self.headed("API Keys").await;
    }

    /// Add New Key, Name, Scope, Generate Key: up to where the secret is shown, and the secret.
    pub(super) async fn generate_key(&self, name: &str, scope: &str) -> String {
        self.click("Add New Key").await;
        self.headed("Add New Key").await;
        self.fill("Name", name).await;
        self.choose(scope).await;
        self.click("Generate Key").await;
        self.headed("Copy your secret key").await;
        self.secret(name).await
    }

    /// The secret as it stands on the page.
    pub(super) async fn secret(&self, name: &str) -> String {
        let secret = self.value(&format!("Secret key of {name}")).await;
        assert!(secret.starts_with("kr_sk_") && secret.len() == 44, "no secret: {secret}");
        secret
    }

    /// A new key of which only the secret is wanted.
    pub(super) async fn key(&self, name: &str, scope: &str) -> String {
        let secret = self.generate_key(name, scope).await;
        self.click("Copy Secret Key").await;
        self.sees("Copied").await;
        self.click("Done").await;
        self.no_dialog().await;
        self.headed("API Keys").await;
        secret
    }
}

/// What the API says to this secret: about projects, and about making one.
pub(super) async fn rights(server: &Server, secret: &str) -> (StatusCode, StatusCode) {
    let list = server.get("/api/v1/projects", secret).await.status;
    let wrong = server.post("/api/v1/projects", secret, json!({})).await.status;
    (list, wrong)
}

pub(super) const UNKNOWN: (StatusCode, StatusCode) = (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED);
/// Project: the list, and a complaint about the body alone.
pub(super) const PROJECT: (StatusCode, StatusCode) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
/// Inference: known, and not enough.
pub(super) const INFERENCE: (StatusCode, StatusCode) = (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN);
