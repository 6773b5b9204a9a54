//! A plain-HTTP host name, for which browsers disable the clipboard API and don't send `Sec-Fetch-Site`.

use super::steps::{KEYS, PROJECT, UNKNOWN, rights, start_server};
use super::{Browser, BrowserKind};

#[tokio::test]
async fn key_is_copied_and_deleted_without_clipboard_api() {
    let server = start_server(BrowserKind::ByName).await;
    let browser = Browser::open(BrowserKind::ByName, &server).await;
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.fill("Your name", "Ada Lovelace").await;
    browser.fill("Email", "ada@example.org").await;
    browser.fill("Password", "correct horse battery staple").await;
    browser.fill("Workspace name", "Northfield Vision").await;
    browser.click("Create workspace").await;
    browser.wait_for_heading("API Keys").await;
    browser.wait_for_path(KEYS).await;
    let missing: bool =
        browser.run("return navigator.clipboard === undefined && !isSecureContext", vec![]).await;
    assert!(missing, "this browser has a clipboard API, so the test proves nothing");

    let secret = browser.generate_key("conveyor 2 counter", "Project").await;
    browser.click("Copy Secret Key").await;
    browser.wait_for_text("Copied").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let copied = browser.clipboard_text().await;
    assert_eq!(copied, secret);
    assert_eq!(rights(&server, &copied).await, PROJECT);
    assert!(!browser.all_content().await.contains(&secret[6..]));

    browser.click("Delete conveyor 2 counter").await;
    browser.wait_for_heading("Delete conveyor 2 counter?").await;
    browser.click("Delete Key").await;
    browser.wait_for_text("conveyor 2 counter deleted.").await;
    assert_eq!(rights(&server, &copied).await, UNKNOWN);
    browser.check_console("a plain-http name").await;
}
