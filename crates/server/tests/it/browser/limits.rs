//! Limits of a key on its pages: they are set at creation, errors are shown beside their fields, and the page of the key
//! shows their usage.

use serde_json::json;

use super::BrowserKind;
use super::steps::{KEYS, signed_in};
use crate::harness::SLUG;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_limits_are_validated_and_show_usage() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.fill("Name", "counter").await;
    browser.choose("Inference").await;
    browser.expand("dialog .fold").await;
    browser.fill("Rate limit", "100").await;
    browser.fill("Rate limit per visitor", "ten").await;
    browser.fill("Predictions per month", "0").await;
    browser.fill("Training runs per day", "2").await;
    browser.click("Generate Key").await;
    let expected = browser.error_beside("Rate limit per visitor").await;
    assert!(expected.contains("whole number from 1 to 1,000,000"), "{expected}");
    let expected = browser.error_beside("Predictions per month").await;
    assert!(expected.contains("whole number from 1 to 1,000,000,000"), "{expected}");
    assert_eq!(browser.value("Training runs per day").await, "2", "the form keeps the input");
    browser.check_page_in_each_viewport("limits-wrong").await;
    browser.fill("Rate limit per visitor", "10").await;
    browser.fill("Predictions per month", "40").await;
    browser.fill("Training runs per day", "").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret("counter").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let row = browser.row_text("counter").await;
    assert!(
        row.contains("40 predictions per month") && row.contains("10 requests per minute per visitor"),
        "{row}"
    );
    let node = server.create_secret(&["node"]).await;
    for visitor in 0..4 {
        let question = json!({
            "workspace": SLUG, "permission": "models:predict", "spend": true, "ip": format!("198.51.100.{visitor}"),
        });
        for _ in 0..10 {
            server.verify_as_service(&node, &secret, question.clone()).await.ok();
        }
        if visitor == 1 {
            check_quota(&browser, "20 of 40 used", "20 left. Resets", "half").await;
        }
    }
    check_quota(&browser, "40 of 40 used", "Quota reached. Resets", "all").await;
    browser.click("Edit Scopes of counter").await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.wait_for_text("Limits 3 limits").await;
    browser.expand("dialog .fold").await;
    assert_eq!(browser.value("Predictions per month").await, "40");
    browser.fill("Predictions per month", "50").await;
    browser.click("Save changes").await;
    browser.wait_for_text("counter updated").await;
    check_quota(&browser, "40 of 50", "10 left", "raised").await;
    browser.check_console("limits").await;
}

/// Checks the usage on the page of the key in each viewport.
async fn check_quota(browser: &super::Browser, used: &str, left: &str, name: &str) {
    browser.goto(KEYS).await;
    browser.click("counter").await;
    browser.wait_for_text("Predictions this month").await;
    browser.wait_for_text(used).await;
    browser.wait_for_text(left).await;
    browser.check_page_in_each_viewport(&format!("quota-{name}")).await;
}
