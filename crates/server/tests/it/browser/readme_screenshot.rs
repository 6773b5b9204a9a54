//! The screenshot of the API Keys page in the README, from a workspace with months of usage.
//!
//! To update `docs/api-keys.png`, run `apt-get install faketime && cargo test -p keyrack --test it
//! api_keys_page_is_captured -- --ignored`.

use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use tempfile::TempDir;

use super::steps::KEYS;
use super::{Browser, BrowserKind};
use crate::api::CreatedKey;
use crate::harness::{SLUG, Server, send, setup, text};
use crate::usage_history::{DailyUsage, write_usage};

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
    clock.set("-61d");
    let mut server = server(&clock).await;
    setup(&server.data()).run().await.assert_succeeded();
    let browser = Browser::open(BrowserKind::Usual, &server).await;
    browser.set_viewport(1440, 900, "light").await;

    let conveyor = create_key(&server, &browser, "Conveyor 2 counter", "Inference", None).await;
    clock.set("-40d");
    let training = create_key(&server, &browser, "Training pipeline", "Project", Some("In 90 days")).await;
    clock.set("-33d");
    let demo = create_key(&server, &browser, "Demo on the website", "Inference", None).await;
    clock.set("-31d");
    let nightly = create_key(&server, &browser, "Nightly upload", "Project", Some("In one year")).await;
    let edge = create_key(&server, &browser, "Edge gateway 3", "Inference", None).await;
    clock.set("-3d");
    create_key(&server, &browser, "Trial at plant 4", "Inference", Some("In 90 days")).await;

    clock.set("-10h");
    let usual = [(&conveyor, 1_900), (&training, 60), (&demo, 240), (&nightly, 420), (&edge, 880)];
    let days: Vec<_> = usual
        .into_iter()
        .flat_map(|(key, calls)| (1..30).map(move |day| usage_of_day(key, day, calls)))
        .collect();
    write_usage(&mut server, &days).await;
    clock.set("-9h");
    predict_from(&server, &nightly, "198.51.100.20").await;
    clock.set("-2h");
    predict_from(&server, &training, "198.51.100.7").await;
    clock.set("-4m");
    predict_from(&server, &demo, "203.0.113.84").await;
    clock.set("-0");
    predict_from(&server, &conveyor, "198.51.100.31").await;
    // The server has another port since its restart.
    let browser = Browser::open(BrowserKind::Usual, &server).await;
    browser.set_viewport(1440, 900, "light").await;
    browser.sign_in().await;
    super::wait("all last uses are shown", async || {
        browser.goto(KEYS).await;
        let text = browser.text().await?;
        if text.matches("198.51.100.").count() == 3 { Ok(()) } else { Err(text) }
    })
    .await;
    browser.driver().screenshot(Path::new(SCREENSHOT)).await.unwrap();
}

/// About `calls` requests, fewer at weekends and never the same number twice in a row.
fn usage_of_day(key: &CreatedKey, days_ago: u32, calls: u32) -> DailyUsage<'_> {
    let percent = if days_ago % 7 < 2 { 35 } else { 80 + days_ago * 37 % 41 };
    DailyUsage::predictions(key, days_ago, calls * percent / 100)
}

async fn create_key(
    server: &Server,
    browser: &Browser,
    name: &str,
    scope: &str,
    expires: Option<&str>,
) -> CreatedKey {
    // The session has expired by the new time.
    browser.driver().delete_all_cookies().await.unwrap();
    browser.sign_in().await;
    browser.click("Add New Key").await;
    browser.fill("Name", name).await;
    browser.choose(scope).await;
    if let Some(expires) = expires {
        browser.pick("Expiration", expires).await;
    }
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret(name).await;
    browser.click("Copy Secret Key").await;
    browser.wait_for_text("Copied").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let keys = server.key_command(&["list", "--json"]).run().await.json();
    let newest = &keys["items"][0];
    CreatedKey { id: text(&newest["id"]), secret, body: newest.clone() }
}

async fn predict_from(server: &Server, key: &CreatedKey, from: &str) {
    let request = server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
    let request =
        request.header("x-keyrack-for-workspace", SLUG).header("x-keyrack-permission", "models:predict");
    assert_eq!(send(request.header("x-forwarded-for", from)).await.status, StatusCode::NO_CONTENT);
}
