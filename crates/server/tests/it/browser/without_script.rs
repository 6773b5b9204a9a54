//! With JavaScript disabled, every form is a page.

use thirtyfour::Key;

use super::BrowserKind;
use super::steps::{INFERENCE, PROJECT, UNKNOWN, rights, signed_in};

#[tokio::test]
async fn key_lifecycle_without_javascript_works() {
    let (server, browser) = signed_in(BrowserKind::WithoutScript).await;
    let secret = browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.assert_no_text("Copy Secret Key").await;
    // Without a copy button, users click into the field, select all, and copy.
    browser.field("Secret key of conveyor 2 counter").await.click().await.unwrap();
    browser.press_ctrl('a').await;
    browser.press_ctrl('c').await;
    browser.click("Done").await;
    browser.wait_for_heading("API Keys").await;
    let copied = browser.clipboard_text().await;
    assert_eq!(copied, secret);
    assert_eq!(rights(&server, &copied).await, INFERENCE);

    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.choose("Project").await;
    browser.click("Save changes").await;
    browser.wait_for_text("This change also lets the key:").await;
    browser.click("Save with more access").await;
    browser.wait_for_text("conveyor 2 counter updated.").await;
    assert_eq!(rights(&server, &copied).await, PROJECT);

    browser.click_action("Rotate", "conveyor 2 counter").await;
    browser.choose("Revoke immediately").await;
    browser.click("Rotate Key").await;
    let new = browser.secret("conveyor 2 counter").await;
    assert_eq!(rights(&server, &copied).await, UNKNOWN);
    assert_eq!(rights(&server, &new).await, PROJECT);
    browser.click("Done").await;

    browser.click("Delete conveyor 2 counter").await;
    browser.wait_for_heading("Delete conveyor 2 counter?").await;
    browser.click("Delete Key").await;
    browser
        .wait_for_text("conveyor 2 counter deleted. It no longer works anywhere: confirmed on 1 of 1 node")
        .await;
    assert_eq!(rights(&server, &new).await, UNKNOWN);
}

#[tokio::test]
async fn secret_page_reload_creates_no_second_key() {
    let (_server, browser) = signed_in(BrowserKind::WithoutScript).await;
    let secret = browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.reload().await;
    browser.wait_for_heading("Already shown").await;
    let is_gone = async |when: &str| {
        let source = browser.driver().source().await.unwrap();
        assert!(!source.contains(&secret[6..]), "the page contains the secret {when}");
    };
    is_gone("after a reload").await;
    browser.click("Back to API Keys").await;
    browser.wait_for_heading("API Keys").await;
    browser.wait_for_text("1 key").await;
    is_gone("in the list").await;
    browser.back().await;
    is_gone("one page back").await;
    browser.goto(super::steps::KEYS).await;
    let secret = browser.generate_key("nightly upload", "Inference").await;
    browser.click("Done").await;
    browser.wait_for_heading("API Keys").await;
    browser.back().await;
    let source = browser.driver().source().await.unwrap();
    assert!(!source.contains(&secret[6..]), "the previous page contains the secret");
}

#[tokio::test]
async fn key_list_without_javascript_is_filtered_by_button() {
    let (_server, browser) = signed_in(BrowserKind::WithoutScript).await;
    for (name, scope) in [("conveyor 2 counter", "Inference"), ("nightly upload", "Project")] {
        browser.generate_key(name, scope).await;
        browser.click("Done").await;
    }
    browser.fill("Search by name or last 4 characters", "nightly").await;
    browser.click("Search").await;
    browser.wait_for_text("1 key").await;
    browser.row_text("nightly upload").await;
    browser.fill("Search by name or last 4 characters", "").await;
    browser.field("Search by name or last 4 characters").await.send_keys(Key::Enter + "").await.unwrap();
    browser.wait_for_text("2 keys").await;
    browser.pick("Scope", "Inference").await;
    browser.click("Search").await;
    browser.wait_for_text("1 key").await;
    browser.row_text("conveyor 2 counter").await;
}
