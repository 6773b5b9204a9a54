//! The picture of the API Keys page in the README, of a workspace that has been used for months.
//!
//! It is made anew, into `docs/api-keys.png`, by
//! `apt-get install faketime && cargo test -p keyrack --test it the_picture -- --ignored`.

use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use super::steps::KEYS;
use super::{Browser, Kind};
use crate::harness::{SLUG, Server, send, setup};

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api-keys.png");

/// The server's clock: libfaketime reads from a file how far to set it back.
struct Clock {
    folder: TempDir,
}

impl Clock {
    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Such as `-61d`. Time only goes on: each jump is shorter than the one before.
    fn set(&self, offset: &str) {
        std::fs::write(self.file(), offset).unwrap();
    }
}

async fn server(clock: &Clock) -> Server {
    let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    assert!(Path::new(&library).exists(), "apt-get install faketime");
    let file = clock.file().display().to_string();
    let env = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", &file),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    Server::with(&["--trusted-proxy", "127.0.0.1"], &env).await
}

#[tokio::test]
#[ignore = "makes a picture and wants faketime"]
async fn the_picture_of_the_readme() {
    let clock = Clock { folder: TempDir::new().unwrap() };
    clock.set("-85d");
    let server = server(&clock).await;
    setup(&server.data()).run().await.succeeded();
    let browser = Browser::open(Kind::Usual, &server).await;
    browser.look_as(1440, 900, "light").await;

    let training = made(&browser, "Training pipeline", "Project", Some("In 90 days")).await;
    clock.set("-61d");
    let conveyor = made(&browser, "Conveyor 2 counter", "Inference", None).await;
    clock.set("-23d");
    let demo = made(&browser, "Demo on the website", "Inference", None).await;
    clock.set("-12d");
    let upload = made(&browser, "Nightly upload", "Project", Some("In one year")).await;
    clock.set("-3d");
    made(&browser, "Trial at plant 4", "Inference", Some("In 30 days")).await;

    clock.set("-9h");
    used(&server, &upload, "198.51.100.20").await;
    clock.set("-2h");
    used(&server, &training, "198.51.100.7").await;
    clock.set("-4m");
    used(&server, &demo, "203.0.113.84").await;
    clock.set("-0");
    used(&server, &conveyor, "198.51.100.31").await;
    super::wait("every use is told", async || {
        browser.goto(KEYS).await;
        let text = browser.text().await?;
        if text.matches("198.51.100.").count() == 3 { Ok(()) } else { Err(text) }
    })
    .await;
    browser.driver().screenshot(Path::new(PICTURE)).await.unwrap();
}

async fn made(browser: &Browser, name: &str, scope: &str, expires: Option<&str>) -> String {
    // The session is older than sessions become.
    browser.driver().delete_all_cookies().await.unwrap();
    browser.sign_in().await;
    browser.click("Add New Key").await;
    browser.fill("Name", name).await;
    browser.choose(scope).await;
    if let Some(expires) = expires {
        browser.unfold("dialog .fold").await;
        browser.pick("Expiration", expires).await;
    }
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
    let secret = browser.secret(name).await;
    browser.click("Copy Secret Key").await;
    browser.sees("Copied").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    secret
}

async fn used(server: &Server, secret: &str, from: &str) {
    let asked = server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(secret);
    let asked =
        asked.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:predict");
    assert_eq!(send(asked.header("x-forwarded-for", from)).await.status, StatusCode::NO_CONTENT);
}
