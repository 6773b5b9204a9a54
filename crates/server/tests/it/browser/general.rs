//! The General page: the workspace's name and the policy for its keys.

use super::BrowserKind;
use super::steps::{KEYS, signed_in};

/// The path of the page.
pub(super) const GENERAL: &str = "/w/northfield-vision/settings/general";

#[tokio::test]
async fn key_form_shows_maximum_lifetime_after_policy_change() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("for ever", "Inference").await;
    browser.click("General").await;
    browser.wait_for_heading("General").await;
    browser.fill("Maximum key lifetime (days)", "a mo").await;
    browser.fill("Name", "Northfield 2").await;
    browser.click("Save changes").await;
    let expected = browser.error_beside("Maximum key lifetime (days)").await;
    assert!(expected.contains("a number of days from 1 to 3,650"), "{expected}");
    browser.focus_is_on("Maximum key lifetime (days) optional").await;
    assert_eq!(browser.value("Name").await, "Northfield 2", "the page keeps the input");
    browser.fill("Maximum key lifetime (days)", "45").await;
    browser.fill("Rotate keys every (days)", "30").await;
    browser.click("Save changes").await;
    browser.wait_for_text("Settings saved.").await;
    browser.wait_for_path(GENERAL).await;
    browser.wait_for_text("Northfield 2").await;
    assert_eq!(browser.value("Maximum key lifetime (days)").await, "45");
    // Existing keys stay unchanged, and the page names them.
    browser.wait_for_text("Keys outside the policy").await;
    browser.click("for ever").await;
    browser.wait_for_heading("for ever").await;

    browser.goto(KEYS).await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.wait_for_text("Keys in this workspace expire within 45 days.").await;
    let offered: Vec<String> = browser
        .run(
            "return [...document.querySelectorAll('dialog #f-expiry option')].map((one) => one.text)",
            vec![],
        )
        .await;
    assert_eq!(offered, ["In 30 days", "In 45 days (maximum)", "On a date"]);
    browser.fill("Name", "as usual").await;
    browser.choose("Inference").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let row = browser.row_text("as usual").await;
    assert!(row.contains("in 45 days"), "{row}");

    browser.click("Edit Scopes of for ever").await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.fill("Name", "still for ever").await;
    browser.click("Save changes").await;
    browser.wait_for_text("still for ever updated.").await;
    let row = browser.row_text("still for ever").await;
    // The key was never used and never expires.
    assert_eq!(row.matches("Never").count(), 2, "{row}");
    browser.check_console("a policy").await;
}

#[tokio::test]
async fn policy_without_javascript_rejects_later_expiry() {
    let (_server, browser) = signed_in(BrowserKind::WithoutScript).await;
    browser.click("General").await;
    browser.fill("Maximum key lifetime (days)", "7").await;
    browser.click("Save changes").await;
    browser.wait_for_text("Settings saved.").await;
    assert_eq!(browser.value("Maximum key lifetime (days)").await, "7");
    browser.click("API Keys").await;
    browser.click("Add New Key").await;
    browser.expand(".fold").await;
    browser.fill("Name", "too long").await;
    browser.choose("Inference").await;
    browser.pick("Expiration", "On a date").await;
    // A date field expects month, day, and year in the order of the locale.
    browser.field("Expiration date (UTC)").await.send_keys("12312030").await.unwrap();
    browser.click("Generate Key").await;
    let expected = browser.error_beside("Expiration date (UTC)").await;
    assert!(expected.contains("within 7 days"), "{expected}");
}
