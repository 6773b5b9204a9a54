//! The pages are usable with a keyboard alone.

use thirtyfour::Key;

use super::steps::{INFERENCE, PROJECT, UNKNOWN, rights, signed_in};
use super::{Browser, BrowserKind, wait};

/// More Tab presses than any page needs.
const TAB_STOPS_MAX: usize = 60;

impl Browser {
    /// Presses Tab until the element with this name has the focus. Each element on the way must have a name.
    async fn tab_to(&self, name: &str) {
        let mut visited = Vec::new();
        while visited.len() < TAB_STOPS_MAX {
            self.press(Key::Tab).await;
            let focused = self.focused_name().await;
            if focused == name {
                return;
            }
            visited.push(focused);
        }
        panic!("Tab does not reach {name:?}: {visited:?}");
    }

    pub(super) async fn focus_is_on(&self, name: &str) {
        wait(name, async || {
            let focused = self.focused_name().await;
            if focused == name { Ok(()) } else { Err(format!("the focus is on {focused:?}")) }
        })
        .await;
    }

    async fn type_in(&self, text: &str) {
        self.driver().action_chain().send_keys(text).perform().await.unwrap();
    }
}

#[tokio::test]
async fn first_tab_stop_skips_to_content() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    server.create_secret(&["inference"]).await;
    browser.reload().await;
    browser.press(Key::Tab).await;
    browser.focus_is_on("Skip to content").await;
    browser.press(Key::Enter).await;
    browser.press(Key::Tab).await;
    browser.focus_is_on("Add New Key").await;
}

#[tokio::test]
async fn key_is_created_edited_and_deleted_by_keyboard() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.tab_to("Add New Key").await;
    browser.press(Key::Enter).await;
    browser.wait_for_heading("Add New Key").await;
    browser.focus_is_on("Name").await;
    browser.type_in("conveyor 2 counter").await;
    // Tab moves into the group of scopes; Space selects its first choice.
    browser.press(Key::Tab).await;
    browser.press(Key::Space).await;
    browser.tab_to("Generate Key").await;
    browser.press(Key::Enter).await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret("conveyor 2 counter").await;
    browser.focus_is_on("Copy Secret Key").await;
    browser.press(Key::Enter).await;
    browser.wait_for_text("Copied").await;
    browser.tab_to("Done").await;
    browser.press(Key::Enter).await;
    // The list is loaded again with the new key.
    browser.focus_is_on("conveyor 2 counter").await;
    assert_eq!(browser.clipboard_text().await, secret);
    assert_eq!(rights(&server, &secret).await, PROJECT);

    browser.tab_to("Edit Scopes of conveyor 2 counter").await;
    browser.press(Key::Enter).await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.press(Key::Tab).await;
    browser.press(Key::Right).await;
    browser.tab_to("Save changes").await;
    browser.press(Key::Enter).await;
    browser.wait_for_text("conveyor 2 counter updated.").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);

    browser.tab_to("Delete conveyor 2 counter").await;
    browser.press(Key::Enter).await;
    browser.wait_for_heading("Delete conveyor 2 counter?").await;
    browser.focus_is_on("Delete Key").await;
    browser.press(Key::Enter).await;
    browser.wait_for_text("conveyor 2 counter deleted.").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
}

#[tokio::test]
async fn closed_dialog_returns_focus_to_opener() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("conveyor 2 counter", "Inference").await;
    for opener in ["Add New Key", "Edit Scopes of conveyor 2 counter", "Delete conveyor 2 counter"] {
        browser.goto(super::steps::KEYS).await;
        browser.tab_to(opener).await;
        browser.press(Key::Enter).await;
        browser.wait_for_text("Cancel").await;
        browser.press(Key::Escape).await;
        browser.wait_until_dialog_is_closed().await;
        browser.focus_is_on(opener).await;
        browser.press(Key::Enter).await;
        browser.wait_for_text("Cancel").await;
        browser.tab_to("Cancel").await;
        browser.press(Key::Enter).await;
        browser.wait_until_dialog_is_closed().await;
        browser.focus_is_on(opener).await;
    }
}

#[tokio::test]
async fn secret_dialog_closed_before_copy_asks_once() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.assert_no_text("You haven't copied the secret key.").await;
    browser.press(Key::Escape).await;
    browser.wait_for_text("You haven't copied the secret key.").await;
    browser.wait_for_heading("Copy your secret key").await;
    browser.focus_is_on("Copy Secret Key").await;
    browser.press(Key::Escape).await;
    browser.wait_until_dialog_is_closed().await;
    browser.row_text("conveyor 2 counter").await;

    let second = browser.generate_key("nightly upload", "Inference").await;
    browser.click("Done").await;
    browser.wait_for_text("You haven't copied the secret key.").await;
    browser.press(Key::Enter).await;
    browser.wait_until_text_is_gone("You haven't copied the secret key.").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    assert_eq!(browser.clipboard_text().await, second);
}

#[tokio::test]
async fn arrow_keys_move_between_code_snippets() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.generate_key("conveyor 2 counter", "Project").await;
    browser.tab_to("curl").await;
    browser.wait_for_text("curl http").await;
    browser.press(Key::Right).await;
    browser.focus_is_on("Python").await;
    browser.wait_for_text("import requests").await;
    browser.press(Key::Left).await;
    browser.press(Key::Left).await;
    browser.focus_is_on(".env").await;
    browser.wait_for_text("KEYRACK_KEY=kr_sk_").await;
}
