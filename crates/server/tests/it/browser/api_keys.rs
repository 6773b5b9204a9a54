//! The steps on the API Keys page: create, copy, edit scopes, rotate, delete.

use super::steps::{INFERENCE, KEYS, PROJECT, UNKNOWN, rights, signed_in, start_server};
use super::{Browser, BrowserKind};

#[tokio::test]
async fn setup_link_leads_to_api_keys_page_after_setup() {
    let server = start_server(BrowserKind::Usual).await;
    let browser = Browser::open(BrowserKind::Usual, &server).await;
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.fill("Your name", "Ada Lovelace").await;
    browser.fill("Email", "ada@example.org").await;
    browser.fill("Password", "correct horse battery staple").await;
    browser.fill("Workspace name", "Northfield Vision").await;
    browser.click("Create workspace").await;
    browser.wait_for_heading("API Keys").await;
    browser.wait_for_path(KEYS).await;
    browser.wait_for_text("Create your first API key").await;
    browser.check_console("setup").await;
}

#[tokio::test]
async fn setup_link_after_setup_shows_no_form() {
    let server = start_server(BrowserKind::Usual).await;
    let link = server.setup_link.clone().unwrap();
    crate::harness::setup(&server.data()).run().await.assert_succeeded();
    let browser = Browser::open(BrowserKind::Usual, &server).await;
    browser.goto(&link).await;
    browser.assert_no_text("Create workspace").await;
}

#[tokio::test]
async fn created_key_is_copied_and_allowed_by_api() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.generate_key("conveyor 2 counter", "Project").await;
    browser
        .wait_for_text(
            "Store it somewhere safe, such as a secrets manager. You won't be able to see it again.",
        )
        .await;
    browser.click("Copy Secret Key").await;
    browser.wait_for_text("Copied").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let row = browser.row_text("conveyor 2 counter").await;
    assert!(row.contains("Project") && row.contains(&secret[40..]), "{row}");
    let copied = browser.clipboard_text().await;
    assert_eq!(copied, secret);
    assert_eq!(rights(&server, &copied).await, PROJECT);
    browser.check_console("key creation").await;
}

#[tokio::test]
async fn shown_secret_is_gone_after_done_reload_and_back() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Inference").await;
    let is_gone = async |when: &str| {
        assert!(!browser.all_content().await.contains(&secret[6..]), "the page contains the secret {when}");
    };
    is_gone("after Done").await;
    browser.reload().await;
    is_gone("after a reload").await;
    browser.back().await;
    is_gone("one page back").await;
    browser.goto(&format!("{KEYS}/new")).await;
    browser.fill("Name", "on a page of its own").await;
    browser.choose("Inference").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret("on a page of its own").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.wait_for_heading("API Keys").await;
    browser.back().await;
    assert!(!browser.all_content().await.contains(&secret[6..]), "the previous page contains the secret");
}

#[tokio::test]
async fn widened_scopes_need_confirmation_and_apply_at_once() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Inference").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.choose("Project").await;
    browser.click("Save changes").await;
    browser.wait_for_text("This change also lets the key:").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE, "before the confirmation");
    browser.click("Save with more access").await;
    browser.wait_for_text("conveyor 2 counter updated.").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.choose("Inference").await;
    browser.click("Save changes").await;
    browser.wait_for_text("conveyor 2 counter updated.").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    assert!(browser.row_text("conveyor 2 counter").await.contains("Inference"));
}

#[tokio::test]
async fn rotated_secret_works_until_grace_period_ends() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let first = browser.key("conveyor 2 counter", "Project").await;
    let second = rotate(&browser, "24 hours").await;
    assert_eq!(rights(&server, &first).await, PROJECT);
    assert_eq!(rights(&server, &second).await, PROJECT);
    let row = browser.row_text("conveyor 2 counter").await;
    assert!(row.contains(&format!("Old secret …{} works until", &first[40..])), "{row}");
    let third = rotate(&browser, "Revoke immediately").await;
    assert_eq!(rights(&server, &first).await, UNKNOWN);
    assert_eq!(rights(&server, &second).await, UNKNOWN);
    assert_eq!(rights(&server, &third).await, PROJECT);
}

async fn rotate(browser: &Browser, overlap: &str) -> String {
    browser.click_action("Rotate", "conveyor 2 counter").await;
    browser.wait_for_heading("Rotate conveyor 2 counter").await;
    browser.choose(overlap).await;
    browser.click("Rotate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret("conveyor 2 counter").await;
    browser.click("Copy Secret Key").await;
    browser.wait_for_text("Copied").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    secret
}

#[tokio::test]
async fn deleted_key_is_denied_after_one_confirmation() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Project").await;
    let kept = browser.key("nightly upload", "Project").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    assert_eq!(browser.name_of_control("Delete conveyor 2 counter").await, "Delete conveyor 2 counter");
    browser.click("Delete conveyor 2 counter").await;
    browser.wait_for_heading("Delete conveyor 2 counter?").await;
    browser.click("Cancel").await;
    browser.wait_until_dialog_is_closed().await;
    assert_eq!(rights(&server, &secret).await, PROJECT, "after Cancel");
    browser.click("Delete conveyor 2 counter").await;
    browser.click("Delete Key").await;
    browser
        .wait_for_text("conveyor 2 counter deleted. It no longer works anywhere: confirmed on 1 of 1 node")
        .await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    assert_eq!(rights(&server, &kept).await, PROJECT);
    browser.reload().await;
    browser.row_text("nightly upload").await;
    browser.assert_no_text("conveyor 2 counter").await;
    browser.click("Deleted 1").await;
    assert!(browser.row_text("conveyor 2 counter").await.contains("Ada"));
}

#[tokio::test]
async fn delete_dialog_shows_last_used_time_and_address() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Project").await;
    browser.click("Delete conveyor 2 counter").await;
    browser.wait_for_text("Last used Never").await;
    browser.press(thirtyfour::Key::Escape).await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    super::wait("the last use is shown", async || {
        browser.reload().await;
        let row = browser.row_text("conveyor 2 counter").await;
        if row.contains("127.0.0.1") { Ok(()) } else { Err(row) }
    })
    .await;
    browser.click("Delete conveyor 2 counter").await;
    browser.wait_for_text("from 127.0.0.1").await;
}
