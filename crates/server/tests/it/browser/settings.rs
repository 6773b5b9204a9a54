//! The settings pages and dialogs pass the page checks in each viewport.

use thirtyfour::Key;

use super::audit_log::ACTIVITY;
use super::general::GENERAL;
use super::steps::{KEYS, signed_in};
use super::viewports::viewports;
use super::{Browser, BrowserKind};

#[tokio::test]
async fn settings_pages_in_each_viewport_pass_page_checks() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let limited = ["--rate-limit", "100/1m", "--note", "by the door"];
    server.create_key(&["inference"], &limited).await;
    browser.key("Conveyor 2 counter, the one by the door that nobody may touch", "Project").await;
    for (width, theme) in viewports() {
        browser.set_viewport(*width, 900, theme).await;
        let viewport = format!("{theme}-{width}");
        activity(&browser, &viewport).await;
        general(&browser, &viewport).await;
    }
}

async fn check(browser: &Browser, viewport: &str, name: &str) {
    browser.save_screenshot(&format!("{viewport}-{name}")).await;
    browser.check_page(&format!("{name} ({viewport})")).await;
}

async fn activity(browser: &Browser, viewport: &str) {
    browser.goto(ACTIVITY).await;
    browser.wait_for_text("created the workspace").await;
    check(browser, viewport, "activity").await;
    browser.click("Details of entry 3").await;
    browser.wait_for_text("Permissions").await;
    check(browser, viewport, "activity-details").await;
    browser.click("Verify log").await;
    browser.wait_for_heading("The log is intact").await;
    check(browser, viewport, "activity-verify").await;
    browser.press(Key::Escape).await;
    browser.wait_until_dialog_is_closed().await;
    browser.goto(&format!("{ACTIVITY}/verify")).await;
    check(browser, viewport, "activity-verify-page").await;
    browser.goto(&format!("{ACTIVITY}?until=2020-01-01")).await;
    browser.wait_for_text("No matching entries").await;
    check(browser, viewport, "activity-no-results").await;
}

/// Sets a policy and removes it again for the next viewport.
async fn general(browser: &Browser, viewport: &str) {
    browser.goto(GENERAL).await;
    check(browser, viewport, "general").await;
    save(browser, "x", "").await;
    browser.error_beside("Rotate keys every (days)").await;
    check(browser, viewport, "general-errors").await;
    browser.goto(GENERAL).await;
    save(browser, "180", "45").await;
    browser.wait_for_text("Settings saved.").await;
    browser.wait_for_text("Keys outside the policy").await;
    check(browser, viewport, "general-policy").await;
    browser.goto(&format!("{KEYS}/new")).await;
    browser.expand(".fold").await;
    browser.wait_for_text("Keys in this workspace expire within 45 days.").await;
    check(browser, viewport, "new-under-policy").await;
    browser.goto(GENERAL).await;
    save(browser, "", "").await;
    browser.wait_for_text("Settings saved.").await;
    browser.assert_no_text("Keys outside the policy").await;
}

async fn save(browser: &Browser, rotation_age: &str, longest_life: &str) {
    browser.fill("Rotate keys every (days)", rotation_age).await;
    browser.fill("Maximum key lifetime (days)", longest_life).await;
    browser.click("Save changes").await;
}
