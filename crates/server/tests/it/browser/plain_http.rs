//! A plain-http host name: browsers keep the clipboard API and `Sec-Fetch-Site` from it.

use super::steps::{KEYS, PROJECT, UNKNOWN, rights, served_to};
use super::{Browser, Kind};

#[tokio::test]
async fn a_key_is_made_copied_used_and_deleted_where_there_is_no_clipboard_api() {
    let server = served_to(Kind::ByName).await;
    let browser = Browser::open(Kind::ByName, &server).await;
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.fill("Your name", "Ada Lovelace").await;
    browser.fill("Email", "ada@example.org").await;
    browser.fill("Password", "correct horse battery staple").await;
    browser.fill("Workspace name", "Northfield Vision").await;
    browser.click("Create workspace").await;
    browser.headed("API Keys").await;
    browser.at(KEYS).await;
    let missing: bool =
        browser.run("return navigator.clipboard === undefined && !isSecureContext", vec![]).await;
    assert!(missing, "this browser has a clipboard API here: the test shows nothing");

    let secret = browser.generate_key("conveyor 2 counter", "Project").await;
    browser.click("Copy Secret Key").await;
    browser.sees("Copied").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    let copied = browser.pasted().await;
    assert_eq!(copied, secret);
    assert_eq!(rights(&server, &copied).await, PROJECT);
    assert!(!browser.everything().await.contains(&secret[6..]));

    browser.click("Delete conveyor 2 counter").await;
    browser.headed("Delete conveyor 2 counter?").await;
    browser.click("Delete Key").await;
    browser.sees("conveyor 2 counter was deleted.").await;
    assert_eq!(rights(&server, &copied).await, UNKNOWN);
    browser.is_quiet("a plain-http name").await;
}
