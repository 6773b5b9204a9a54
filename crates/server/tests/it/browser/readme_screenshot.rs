//! The screenshot of the API Keys page in the README, from a workspace with months of usage.
//!
//! To update `docs/api-keys.png`, run `apt-get install faketime && cargo test -p keyrack --test it
//! api_keys_page_is_captured -- --ignored`.

use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use super::steps::KEYS;
use super::{Browser, BrowserKind};
use crate::harness::{SLUG, Server, send, setup};

const SCREENSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api-keys.png");

/// The server's clock. libfaketime reads the offset from a file.
struct Clock {
    folder: TempDir,
}

impl Clock {
    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Sets the offset, such as `-61d`. Each offset must be smaller than the previous one, so that time moves forward.
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
    Server::start_with(&["--trusted-proxy", "127.0.0.1"], &env).await
}

#[tokio::test]
#[ignore = "updates the screenshot of the README, needs faketime"]
async fn api_keys_page_is_captured_for_readme() {
    let clock = Clock { folder: TempDir::new().unwrap() };
    clock.set("-85d");
    let server = server(&clock).await;
    setup(&server.data()).run().await.assert_succeeded();
    let browser = Browser::open(BrowserKind::Usual, &server).await;
    browser.set_viewport(1440, 900, "light").await;

    let training = create_key(&browser, "Training pipeline", "Project", Some("In 90 days")).await;
    clock.set("-61d");
    let conveyor = create_key(&browser, "Conveyor 2 counter", "Inference", None).await;
    clock.set("-23d");
    let demo = create_key(&browser, "Demo on the website", "Inference", None).await;
    clock.set("-12d");
    let nightly = create_key(&browser, "Nightly upload", "Project", Some("In one year")).await;
    clock.set("-3d");
    create_key(&browser, "Trial at plant 4", "Inference", Some("In 30 days")).await;

    clock.set("-9h");
    predict_from(&server, &nightly, "198.51.100.20").await;
    clock.set("-2h");
    predict_from(&server, &training, "198.51.100.7").await;
    clock.set("-4m");
    predict_from(&server, &demo, "203.0.113.84").await;
    clock.set("-0");
    predict_from(&server, &conveyor, "198.51.100.31").await;
    super::wait("all last uses are shown", async || {
        browser.goto(KEYS).await;
        let text = browser.text().await?;
        if text.matches("198.51.100.").count() == 3 { Ok(()) } else { Err(text) }
    })
    .await;
    browser.driver().screenshot(Path::new(SCREENSHOT)).await.unwrap();
}

async fn create_key(browser: &Browser, name: &str, scope: &str, expires: Option<&str>) -> String {
    // The session has expired by the new time.
    browser.driver().delete_all_cookies().await.unwrap();
    browser.sign_in().await;
    browser.click("Add New Key").await;
    browser.fill("Name", name).await;
    browser.choose(scope).await;
    if let Some(expires) = expires {
        browser.expand("dialog .fold").await;
        browser.pick("Expiration", expires).await;
    }
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret(name).await;
    browser.click("Copy Secret Key").await;
    browser.wait_for_text("Copied").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    secret
}

async fn predict_from(server: &Server, secret: &str, from: &str) {
    let request = server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(secret);
    let request =
        request.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:predict");
    assert_eq!(send(request.header("x-forwarded-for", from)).await.status, StatusCode::NO_CONTENT);
}
