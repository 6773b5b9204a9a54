//! Without a mouse.

use thirtyfour::Key;

use super::steps::{INFERENCE, PROJECT, UNKNOWN, rights, signed_in};
use super::{Browser, Kind, wait};

/// More presses than any page has stops.
const STOPS: usize = 60;

impl Browser {
    /// Presses Tab until the thing of this name has the focus, and demands that each stop on the way has a name.
    async fn tab_to(&self, name: &str) {
        let mut way = Vec::new();
        while way.len() < STOPS {
            self.press(Key::Tab).await;
            let focused = self.focused().await;
            if focused == name {
                return;
            }
            way.push(focused);
        }
        panic!("Tab does not lead to {name:?}: {way:?}");
    }

    async fn focus_is_on(&self, name: &str) {
        wait(name, async || {
            let focused = self.focused().await;
            if focused == name { Ok(()) } else { Err(format!("the focus is on {focused:?}")) }
        })
        .await;
    }

    async fn type_in(&self, text: &str) {
        self.driver().action_chain().send_keys(text).perform().await.unwrap();
    }
}

#[tokio::test]
async fn the_first_stop_skips_to_the_content() {
    let (server, browser) = signed_in(Kind::Usual).await;
    server.key(&["inference"]).await;
    browser.reload().await;
    browser.press(Key::Tab).await;
    browser.focus_is_on("Skip to content").await;
    browser.press(Key::Enter).await;
    browser.press(Key::Tab).await;
    browser.focus_is_on("Add New Key").await;
}

#[tokio::test]
async fn a_key_is_made_copied_edited_and_deleted() {
    let (server, browser) = signed_in(Kind::Usual).await;
    browser.tab_to("Add New Key").await;
    browser.press(Key::Enter).await;
    browser.headed("Add New Key").await;
    browser.focus_is_on("Name").await;
    browser.type_in("conveyor 2 counter").await;
    // Into the group of scopes, where nothing is chosen yet, and to its first choice.
    browser.press(Key::Tab).await;
    browser.press(Key::Space).await;
    browser.tab_to("Generate Key").await;
    browser.press(Key::Enter).await;
    browser.headed("Copy your secret key").await;
    let secret = browser.secret("conveyor 2 counter").await;
    browser.focus_is_on("Copy Secret Key").await;
    browser.press(Key::Enter).await;
    browser.sees("Copied").await;
    browser.tab_to("Done").await;
    browser.press(Key::Enter).await;
    browser.no_dialog().await;
    assert_eq!(browser.pasted().await, secret);
    assert_eq!(rights(&server, &secret).await, PROJECT);

    browser.tab_to("Edit Scopes of conveyor 2 counter").await;
    browser.press(Key::Enter).await;
    browser.headed("Edit Scopes").await;
    browser.press(Key::Tab).await;
    browser.press(Key::Right).await;
    browser.tab_to("Save changes").await;
    browser.press(Key::Enter).await;
    browser.sees("conveyor 2 counter was changed.").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);

    browser.tab_to("Delete conveyor 2 counter").await;
    browser.press(Key::Enter).await;
    browser.headed("Delete conveyor 2 counter?").await;
    browser.focus_is_on("Delete Key").await;
    browser.press(Key::Enter).await;
    browser.sees("conveyor 2 counter was deleted.").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
}

#[tokio::test]
async fn closing_a_dialog_gives_the_focus_back() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.key("conveyor 2 counter", "Inference").await;
    for opener in [
        "Add New Key",
        "Edit Scopes of conveyor 2 counter",
        "Pause conveyor 2 counter",
        "Rotate conveyor 2 counter",
        "Delete conveyor 2 counter",
    ] {
        browser.goto(super::steps::KEYS).await;
        browser.tab_to(opener).await;
        browser.press(Key::Enter).await;
        browser.sees("Cancel").await;
        browser.press(Key::Escape).await;
        browser.no_dialog().await;
        browser.focus_is_on(opener).await;
        browser.press(Key::Enter).await;
        browser.sees("Cancel").await;
        browser.tab_to("Cancel").await;
        browser.press(Key::Enter).await;
        browser.no_dialog().await;
        browser.focus_is_on(opener).await;
    }
}

#[tokio::test]
async fn closing_before_copying_asks_once() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.misses("You haven't copied the secret key.").await;
    browser.press(Key::Escape).await;
    browser.sees("You haven't copied the secret key.").await;
    browser.headed("Copy your secret key").await;
    browser.focus_is_on("Copy Secret Key").await;
    browser.press(Key::Escape).await;
    browser.no_dialog().await;
    browser.row("conveyor 2 counter").await;

    let second = browser.generate_key("nightly upload", "Inference").await;
    browser.click("Done").await;
    browser.sees("You haven't copied the secret key.").await;
    browser.press(Key::Enter).await;
    browser.loses("You haven't copied the secret key.").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    assert_eq!(browser.pasted().await, second);
}

#[tokio::test]
async fn arrows_move_between_the_snippets() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.generate_key("conveyor 2 counter", "Project").await;
    browser.tab_to("curl").await;
    browser.sees("curl http").await;
    browser.press(Key::Right).await;
    browser.focus_is_on("Python").await;
    browser.sees("import requests").await;
    browser.press(Key::Left).await;
    browser.press(Key::Left).await;
    browser.focus_is_on("JavaScript").await;
    browser.sees("await fetch").await;
}
