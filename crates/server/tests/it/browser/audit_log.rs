//! The Audit log page: sentences about events, their changes, and the verification of the log.

use serde_json::json;

use super::steps::{KEYS, signed_in};
use super::{Browser, BrowserKind};
use crate::harness::{Server, text};

/// The path of the page.
pub(super) const ACTIVITY: &str = "/w/northfield-vision/settings/audit-log";

impl Browser {
    /// The sentences on the page, newest first.
    pub(super) async fn audit_sentences(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('.event-says')].map((one) => one.innerText)";
        self.run(script, vec![]).await
    }
}

#[tokio::test]
async fn audit_log_page_shows_sentences_links_and_changes() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let id = create_and_delete_key(&server, &browser).await;
    browser.click("Audit log").await;
    browser.wait_for_heading("Audit log").await;
    let expected = [
        "Ada deleted the key conveyor 2 counter: “found in a public repository”.",
        "Ada changed the key conveyor 2 counter: scopes.",
        "The CLI rotated the key conveyor 2 counter.",
        "The CLI created the key conveyor 2 counter with the scope Inference.",
        "Ada joined as owner.",
        "Ada created the workspace Northfield Vision.",
    ];
    assert_eq!(browser.audit_sentences().await, expected);
    browser.click("Details of entry 5").await;
    browser.wait_for_text("Scopes from Inference → to Project").await;
    browser.click("Details of entry 4").await;
    browser.wait_for_text("Old secret expires immediately").await;
    browser.check_console("activity").await;
    let link = format!("{KEYS}/{id}");
    let redirect = browser.run::<bool>(
        "return document.querySelector('.event-says a').pathname === arguments[0]",
        vec![json!(link)],
    );
    assert!(redirect.await);
}

/// Creates and rotates a key with the command line, then edits and deletes it on the page.
async fn create_and_delete_key(server: &Server, browser: &Browser) -> String {
    let created =
        server.key_command(&["create", "--name", "conveyor 2 counter", "--scope", "inference", "--json"]);
    let id = text(&created.run().await.json()["id"]);
    server.key_command(&["rotate", &id, "--grace-period", "0s"]).run().await.assert_succeeded();
    browser.goto(KEYS).await;
    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.choose("Project").await;
    browser.click("Save changes").await;
    browser.click("Save with more access").await;
    browser.wait_for_text("updated").await;
    browser.click("Delete conveyor 2 counter").await;
    browser.fill("Reason", "found in a public repository").await;
    browser.click("Delete Key").await;
    browser.wait_for_text(" deleted.").await;
    id
}

#[tokio::test]
async fn audit_log_page_filters_by_actor_event_target_date() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    for name in ["gate", "camera"] {
        server
            .key_command(&["create", "--name", name, "--scope", "inference"])
            .run()
            .await
            .assert_succeeded();
    }
    browser.goto(ACTIVITY).await;
    browser.pick("Actor", "CLI").await;
    browser.wait_for_text("Clear filters").await;
    browser.assert_no_text("created the workspace").await;
    assert_eq!(browser.audit_sentences().await.len(), 2);
    browser.pick("Event", "Key deleted").await;
    browser.wait_for_heading("Audit log").await;
    browser.wait_for_text("No matching entries").await;
    browser.click("Clear filters").await;
    browser.wait_for_text("created the workspace").await;
    browser.fill("Key, project, or model", "CAMERA").await;
    browser.click("Apply filters").await;
    browser.wait_until_text_is_gone("created the workspace").await;
    assert_eq!(browser.audit_sentences().await, ["The CLI created the key camera with the scope Inference."]);
    browser.goto(&format!("{ACTIVITY}?until=2020-01-01")).await;
    browser.wait_for_text("No matching entries").await;
    // The page of a key links to its audit entries.
    browser.goto(KEYS).await;
    browser.click("gate").await;
    browser.click("View audit log").await;
    browser.wait_for_heading("Audit log").await;
    assert_eq!(browser.audit_sentences().await, ["The CLI created the key gate with the scope Inference."]);
}

#[tokio::test]
async fn verify_log_button_opens_dialog_with_result() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Audit log").await;
    browser.click("Verify log").await;
    browser.wait_for_heading("The log is intact").await;
    browser.wait_for_text("All 2 entries verified.").await;
    browser.click("Close").await;
    browser.wait_until_dialog_is_closed().await;
    browser.wait_for_heading("Audit log").await;
}

#[tokio::test]
async fn audit_log_page_without_javascript_filters_and_verifies() {
    let (server, browser) = signed_in(BrowserKind::WithoutScript).await;
    server.create_secret(&["inference"]).await;
    browser.click("Audit log").await;
    browser.pick("Event", "Key created").await;
    browser.click("Apply filters").await;
    browser.wait_for_text("created the key of a test").await;
    browser.assert_no_text("created the workspace").await;
    browser.click("Details of entry 3").await;
    browser.wait_for_text("models:predict").await;
    browser.click("Verify log").await;
    browser.wait_for_heading("The log is intact").await;
    browser.click("Close").await;
    browser.wait_for_heading("Audit log").await;
}
