//! Nodes on the API Keys page: a node's key is created, the node is listed, and the key is deleted.

use keyrack_guard::{NodeBuilder, OfflinePolicy};

use super::steps::{KEYS, signed_in};
use super::{BrowserKind, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_is_listed_until_its_key_is_deleted() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.fill("Name", "counter service").await;
    browser.expand("dialog .fold").await;
    browser.choose("Verify keys in your own services (Node)").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let secret = browser.secret("counter service").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let node = NodeBuilder::new(&server.url, &secret).name("counter 3").offline_policy(OfflinePolicy::Deny);
    let node = node.start().await.unwrap();
    browser.goto(KEYS).await;
    browser.wait_for_text("Nodes").await;
    browser.wait_for_text("counter 3 Up to date").await;
    browser.check_page_in_each_viewport("nodes").await;
    browser.click("View key").await;
    browser.wait_for_heading("counter service").await;
    browser.click("Delete counter service").await;
    browser.wait_for_text("Requests with this key will fail immediately.").await;
    browser.click("Delete Key").await;
    browser.wait_for_text("confirmed on 2 of 2 nodes").await;
    wait("the node denies all requests", async || {
        if node.is_ready() { Err("the node is still ready".to_owned()) } else { Ok(()) }
    })
    .await;
    browser.check_console("nodes").await;
}
