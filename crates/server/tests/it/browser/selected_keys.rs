//! Selecting several keys in the list, with and without JavaScript.

use super::steps::{KEYS, UNKNOWN, rights, signed_in};
use super::{Browser, BrowserKind, wait};
use crate::harness::Server;

/// A server with the keys "gate", "kiosk", and "camera", and a browser on their list.
async fn three_keys(kind: BrowserKind) -> (Server, Browser, String) {
    let (server, browser) = signed_in(kind).await;
    let gate = server.create_named_secret("gate", "project").await;
    for name in ["kiosk", "camera"] {
        server.create_named_secret(name, "project").await;
    }
    browser.goto(KEYS).await;
    browser.wait_for_text("3 keys").await;
    (server, browser, gate)
}

impl Server {
    async fn create_named_secret(&self, name: &str, scope: &str) -> String {
        let arguments = ["create", "--json", "--name", name, "--scope", scope];
        crate::harness::text(&self.key_command(&arguments).run().await.json()["secret"])
    }
}

impl Browser {
    /// Waits until the bar with the actions is visible, or hidden.
    async fn wait_for_bar(&self, is_shown: bool) {
        wait("the bar", async || {
            let script = "return document.getElementById('selection').checkVisibility()";
            let shown: bool = self.driver().execute(script, vec![]).await.unwrap().convert().unwrap();
            if shown == is_shown { Ok(()) } else { Err(format!("the bar is shown: {shown}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn selected_keys_are_paused_and_deleted_in_dialogs() {
    let (server, browser, gate) = three_keys(BrowserKind::Usual).await;
    browser.wait_for_bar(false).await;
    browser.choose("Select gate").await;
    browser.wait_for_text("1 key selected").await;
    browser.choose("Select all on this page").await;
    browser.wait_for_text("3 keys selected").await;
    browser.check_page_in_each_viewport("keys-selected").await;
    browser.choose("Select camera").await;
    browser.wait_for_text("2 keys selected").await;
    browser.click("Pause").await;
    browser.wait_for_heading("Pause 2 keys").await;
    browser.check_page_in_each_viewport("keys-selected-pause").await;
    browser.choose("Until you resume it").await;
    browser.click("Pause 2 keys").await;
    browser.wait_for_text("2 keys paused. They no longer work anywhere").await;
    assert_eq!(rights(&server, &gate).await, UNKNOWN);
    browser.goto(&format!("{KEYS}?status=paused")).await;
    browser.choose("Select gate").await;
    browser.choose("Select kiosk").await;
    browser.click("Delete").await;
    browser.wait_for_heading("Delete 2 keys?").await;
    browser.wait_for_text("No requests in 7 days.").await;
    browser.check_page_in_each_viewport("keys-selected-delete").await;
    browser.click("Delete 2 keys").await;
    browser.wait_for_text("2 keys deleted.").await;
    browser.wait_for_text("No paused keys").await;
    browser.wait_for_path(&format!("{KEYS}?status=paused")).await;
    browser.check_console("selection").await;
}

#[tokio::test]
async fn selected_keys_that_cannot_be_changed_are_listed_in_the_dialog() {
    let (server, browser, _gate) = three_keys(BrowserKind::Usual).await;
    browser.choose("Select gate").await;
    browser.choose("Select kiosk").await;
    browser.click("Delete").await;
    browser.wait_for_heading("Delete 2 keys?").await;
    let list = server.key_command(&["list", "--json"]).run().await.json();
    let kiosk = list["items"].as_array().unwrap().iter().find(|key| key["name"] == "kiosk").unwrap();
    server.key_command(&["delete", kiosk["id"].as_str().unwrap()]).run().await.assert_succeeded();
    browser.click("Delete 2 keys").await;
    browser.wait_for_heading("1 of 2 keys deleted").await;
    browser.wait_for_text("kiosk: This key was deleted already.").await;
    browser.click("Back to API Keys").await;
    browser.wait_for_text("1 key").await;
    browser.row_text("camera").await;
}

#[tokio::test]
async fn live_search_starts_a_new_selection() {
    let (_server, browser, _gate) = three_keys(BrowserKind::Usual).await;
    browser.choose("Select gate").await;
    browser.wait_for_bar(true).await;
    browser.fill("Search by name or last 4 characters", "kio").await;
    browser.wait_for_text("1 key").await;
    browser.wait_for_bar(false).await;
    browser.choose("Select kiosk").await;
    browser.wait_for_text("1 key selected").await;
    // An export is a download, and the page remains usable.
    browser.click("Export").await;
    browser.click("Delete").await;
    browser.wait_for_heading("Delete 1 key?").await;
    browser.click("Cancel").await;
    browser.wait_until_dialog_is_closed().await;
    browser.wait_for_text("1 key selected").await;
}

#[tokio::test]
async fn selected_keys_without_javascript_are_paused_and_deleted() {
    let (server, browser, gate) = three_keys(BrowserKind::WithoutScript).await;
    browser.choose("Select gate").await;
    browser.choose("Select camera").await;
    browser.click("Pause").await;
    browser.wait_for_heading("Pause 2 keys").await;
    browser.click("Pause 2 keys").await;
    browser.wait_for_text("2 keys paused.").await;
    assert_eq!(rights(&server, &gate).await, UNKNOWN);
    browser.choose("Select kiosk").await;
    browser.click("Delete").await;
    browser.wait_for_heading("Delete 1 key?").await;
    browser.click("Delete 1 key").await;
    browser.wait_for_text("1 key deleted.").await;
    browser.wait_for_text("No active keys").await;
}
