//! The workspace's settings, for all eyes and on all screens: a way past each page and dialog, in each width and theme.

use thirtyfour::Key;

use super::activity::ACTIVITY;
use super::general::GENERAL;
use super::looks::looks;
use super::steps::{KEYS, signed_in};
use super::{Browser, Kind};

#[tokio::test]
async fn the_settings_are_fit_for_everybody() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let limited = ["--rate-limit", "100/1m", "--note", "by the door"];
    server.make_key(&["inference"], &limited).await;
    browser.key("Conveyor 2 counter, the one by the door that nobody may touch", "Project").await;
    for (width, theme) in looks() {
        browser.look_as(*width, 900, theme).await;
        let look = format!("{theme}-{width}");
        activity(&browser, &look).await;
        general(&browser, &look).await;
    }
}

async fn stop(browser: &Browser, look: &str, name: &str) {
    browser.picture(&format!("{look}-{name}")).await;
    browser.is_fit(&format!("{name} ({look})")).await;
}

async fn activity(browser: &Browser, look: &str) {
    browser.goto(ACTIVITY).await;
    browser.sees("began the workspace").await;
    stop(browser, look, "activity").await;
    browser.click("Details of entry 3").await;
    browser.sees("Permissions").await;
    stop(browser, look, "activity-details").await;
    browser.click("Verify log").await;
    browser.headed("The log is intact").await;
    stop(browser, look, "activity-verify").await;
    browser.press(Key::Escape).await;
    browser.no_dialog().await;
    browser.goto(&format!("{ACTIVITY}/verify")).await;
    stop(browser, look, "activity-verify-page").await;
    browser.goto(&format!("{ACTIVITY}?until=2020-01-01")).await;
    browser.sees("No matching entries").await;
    stop(browser, look, "activity-no-results").await;
}

/// Sets a policy, and takes it away again for the next look.
async fn general(browser: &Browser, look: &str) {
    browser.goto(GENERAL).await;
    stop(browser, look, "general").await;
    save(browser, "never", "").await;
    browser.error_beside("Rotate keys every (days)").await;
    stop(browser, look, "general-errors").await;
    browser.goto(GENERAL).await;
    save(browser, "180", "45").await;
    browser.sees("The settings were saved.").await;
    browser.sees("Keys outside the policy").await;
    stop(browser, look, "general-policy").await;
    browser.goto(&format!("{GENERAL}/edit")).await;
    stop(browser, look, "general-edit-page").await;
    browser.goto(&format!("{KEYS}/new")).await;
    browser.unfold(".fold").await;
    browser.sees("This workspace lets a key live for 45 days at most.").await;
    stop(browser, look, "new-under-policy").await;
    browser.goto(GENERAL).await;
    save(browser, "", "").await;
    browser.sees("Keys don't expire unless you set an expiration.").await;
}

async fn save(browser: &Browser, rotation_age: &str, longest_life: &str) {
    browser.click("Edit").await;
    browser.headed("Edit settings").await;
    browser.fill("Rotate keys every (days)", rotation_age).await;
    browser.fill("Maximum key lifetime (days)", longest_life).await;
    browser.click("Save changes").await;
}
