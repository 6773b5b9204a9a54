//! The Activity page: what happened in sentences, what changed, and whether it is as it was written.

use serde_json::json;

use super::steps::{KEYS, signed_in};
use super::{Browser, Kind};
use crate::harness::{Server, text};

/// Where the page is.
pub(super) const ACTIVITY: &str = "/w/northfield-vision/settings/activity";

impl Browser {
    /// The sentences of the page, the newest first.
    pub(super) async fn told(&self) -> Vec<String> {
        let said = "return [...document.querySelectorAll('.event-says')].map((one) => one.innerText)";
        self.run(said, vec![]).await
    }
}

#[tokio::test]
async fn what_happened_is_told_in_sentences_with_links_and_what_changed() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let id = a_short_life(&server, &browser).await;
    browser.click("Audit log").await;
    browser.headed("Audit log").await;
    let expected = [
        "Ada deleted the key conveyor 2 counter: “found in a public repository”.",
        "Ada changed the key conveyor 2 counter: scopes.",
        "The command line gave the key conveyor 2 counter a new secret.",
        "The command line made the key conveyor 2 counter with the scope Inference.",
        "Ada joined as owner.",
        "Ada began the workspace Northfield Vision.",
    ];
    assert_eq!(browser.told().await, expected);
    browser.click("Details of entry 5").await;
    browser.sees("Scopes from Inference → to Project").await;
    browser.click("Details of entry 4").await;
    browser.sees("Old secret ends at once").await;
    browser.is_quiet("activity").await;
    let link = format!("{KEYS}/{id}");
    let led = browser.run::<bool>(
        "return document.querySelector('.event-says a').pathname === arguments[0]",
        vec![json!(link)],
    );
    assert!(led.await);
}

/// A key that is made and rotated by the command line, and edited and deleted on the page.
async fn a_short_life(server: &Server, browser: &Browser) -> String {
    let made = server.keys(&["create", "--name", "conveyor 2 counter", "--scope", "inference", "--json"]);
    let id = text(&made.run().await.json()["id"]);
    server.keys(&["rotate", &id, "--grace-period", "0s"]).run().await.succeeded();
    browser.goto(KEYS).await;
    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.choose("Project").await;
    browser.click("Save changes").await;
    browser.click("Save with more access").await;
    browser.sees("was changed").await;
    browser.click("Delete conveyor 2 counter").await;
    browser.fill("Reason", "found in a public repository").await;
    browser.click("Delete Key").await;
    browser.sees("was deleted.").await;
    id
}

#[tokio::test]
async fn entries_are_found_by_who_what_whom_and_when() {
    let (server, browser) = signed_in(Kind::Usual).await;
    for name in ["gate", "camera"] {
        server.keys(&["create", "--name", name, "--scope", "inference"]).run().await.succeeded();
    }
    browser.goto(ACTIVITY).await;
    browser.pick("Actor", "The command line").await;
    browser.sees("Clear filters").await;
    browser.misses("began the workspace").await;
    assert_eq!(browser.told().await.len(), 2);
    browser.pick("Event", "Key deleted").await;
    browser.headed("Audit log").await;
    browser.sees("No matching entries").await;
    browser.click("Clear filters").await;
    browser.sees("began the workspace").await;
    browser.fill("Key, project, or model", "CAMERA").await;
    browser.click("Apply filters").await;
    browser.loses("began the workspace").await;
    assert_eq!(browser.told().await, ["The command line made the key camera with the scope Inference."]);
    browser.goto(&format!("{ACTIVITY}?until=2020-01-01")).await;
    browser.sees("No matching entries").await;
    // From a key to what happened to it.
    browser.goto(KEYS).await;
    browser.click("gate").await;
    browser.click("View activity").await;
    browser.headed("Audit log").await;
    assert_eq!(browser.told().await, ["The command line made the key gate with the scope Inference."]);
}

#[tokio::test]
async fn verifying_says_in_a_dialog_that_the_chain_holds() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Audit log").await;
    browser.click("Verify log").await;
    browser.headed("The log is intact").await;
    browser.sees("All 2 entries verified.").await;
    browser.click("Close").await;
    browser.no_dialog().await;
    browser.headed("Audit log").await;
}

#[tokio::test]
async fn without_javascript_it_is_the_same() {
    let (server, browser) = signed_in(Kind::WithoutScript).await;
    server.key(&["inference"]).await;
    browser.click("Audit log").await;
    browser.pick("Event", "Key made").await;
    browser.click("Apply filters").await;
    browser.sees("made the key of a test").await;
    browser.misses("began the workspace").await;
    browser.click("Details of entry 3").await;
    browser.sees("models:predict").await;
    browser.click("Verify log").await;
    browser.headed("The log is intact").await;
    browser.click("Close").await;
    browser.headed("Audit log").await;
}
