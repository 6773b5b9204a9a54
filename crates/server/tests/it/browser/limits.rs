//! Limits, from the page: they are set when a key is made, wrong ones are named beside their field, and the key's page shows
//! how it stands.

use serde_json::json;

use super::Kind;
use super::steps::{KEYS, signed_in};
use crate::harness::SLUG;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_set_with_a_key_corrected_and_seen_to_be_used_up() {
    let (server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.headed("Add New Key").await;
    browser.fill("Name", "counter").await;
    browser.choose("Inference").await;
    browser.unfold("dialog .fold").await;
    browser.fill("Rate limit", "100").await;
    browser.fill("Rate limit per visitor", "ten").await;
    browser.fill("Predictions per month", "0").await;
    browser.fill("Training runs per day", "2").await;
    browser.click("Generate Key").await;
    let says = browser.error_beside("Rate limit per visitor").await;
    assert!(says.contains("whole number from 1 to 1000000"), "{says}");
    let says = browser.error_beside("Predictions per month").await;
    assert!(says.contains("whole number from 1 to 1000000000"), "{says}");
    assert_eq!(browser.value("Training runs per day").await, "2", "nothing typed is lost");
    browser.is_fit_in_each_look("limits-wrong").await;
    browser.fill("Rate limit per visitor", "10").await;
    browser.fill("Predictions per month", "40").await;
    browser.fill("Training runs per day", "").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
    let secret = browser.secret("counter").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    let row = browser.row("counter").await;
    assert!(
        row.contains("40 predictions a month") && row.contains("10 requests every minute for each visitor"),
        "{row}"
    );
    let node = server.key(&["node"]).await;
    for visitor in 0..4 {
        let question = json!({
            "workspace": SLUG, "permission": "models:predict", "spend": true, "ip": format!("198.51.100.{visitor}"),
        });
        for _ in 0..10 {
            server.verify_as_service(&node, &secret, question.clone()).await.ok();
        }
        if visitor == 1 {
            see(&browser, "20 of 40 used", "20 left. Resets", "half").await;
        }
    }
    see(&browser, "40 of 40 used", "Quota reached. Resets", "all").await;
    browser.click("Edit Scopes of counter").await;
    browser.headed("Edit Scopes").await;
    assert_eq!(
        browser.value("Predictions per month").await,
        "40",
        "the fold stands open, and says what is set"
    );
    browser.fill("Predictions per month", "50").await;
    browser.click("Save changes").await;
    browser.sees("counter was changed").await;
    see(&browser, "40 of 50", "10 left", "raised").await;
    browser.is_quiet("limits").await;
}

/// The key's own page says this, in every look.
async fn see(browser: &super::Browser, used: &str, left: &str, name: &str) {
    browser.goto(KEYS).await;
    browser.click("counter").await;
    browser.sees("Predictions this month").await;
    browser.sees(used).await;
    browser.sees(left).await;
    browser.is_fit_in_each_look(&format!("quota-{name}")).await;
}
