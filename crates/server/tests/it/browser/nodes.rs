//! A service that follows the keys, from the page: its credential is made, it is shown, it is cut off.

use keyrack_guard::{NodeBuilder, OfflinePolicy};

use super::steps::{KEYS, signed_in};
use super::{Kind, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_follows_with_a_key_of_the_page_until_it_is_deleted_there() {
    let (server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.headed("Add New Key").await;
    browser.fill("Name", "counter service").await;
    browser.unfold("dialog .fold").await;
    browser.choose("Verify keys in your own services (Node)").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
    let secret = browser.secret("counter service").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    let node = NodeBuilder::new(&server.url, &secret).name("counter 3").offline_policy(OfflinePolicy::Deny);
    let node = node.start().await.unwrap();
    browser.goto(KEYS).await;
    browser.sees("Nodes").await;
    browser.sees("counter 3 Up to date").await;
    browser.is_fit_in_each_look("nodes").await;
    browser.click("View key").await;
    browser.headed("counter service").await;
    browser.click("Delete counter service").await;
    browser.sees("Requests with this key will fail immediately.").await;
    browser.click("Delete Key").await;
    browser.sees("confirmed on 2 of 2 nodes").await;
    wait(
        "it refuses everything",
        async || {
            if node.is_ready() { Err("it does not".to_owned()) } else { Ok(()) }
        },
    )
    .await;
    browser.is_quiet("following").await;
}
