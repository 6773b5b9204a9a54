//! The mission's document, step by step, with its words on the buttons.

use super::steps::{INFERENCE, KEYS, PROJECT, UNKNOWN, rights, served_to, signed_in};
use super::{Browser, Kind};

#[tokio::test]
async fn the_printed_link_leads_to_the_api_keys_page() {
    let server = served_to(Kind::Usual).await;
    let browser = Browser::open(Kind::Usual, &server).await;
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.fill("Your name", "Ada Lovelace").await;
    browser.fill("Email", "ada@example.org").await;
    browser.fill("Password", "correct horse battery staple").await;
    browser.fill("Workspace name", "Northfield Vision").await;
    browser.click("Create workspace").await;
    browser.headed("API Keys").await;
    browser.at(KEYS).await;
    browser.sees("Create your first API key").await;
    browser.is_quiet("setup").await;
}

#[tokio::test]
async fn the_link_works_once() {
    let server = served_to(Kind::Usual).await;
    let link = server.setup_link.clone().unwrap();
    crate::harness::setup(&server.data()).run().await.succeeded();
    let browser = Browser::open(Kind::Usual, &server).await;
    browser.goto(&link).await;
    browser.misses("Create workspace").await;
}

#[tokio::test]
async fn a_key_is_made_copied_and_opens_the_api() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.generate_key("conveyor 2 counter", "Project").await;
    browser
        .sees("Store it somewhere safe, such as a secrets manager. You won't be able to see it again.")
        .await;
    browser.click("Copy Secret Key").await;
    browser.sees("Copied").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    let row = browser.row("conveyor 2 counter").await;
    assert!(row.contains("Project") && row.contains(&secret[40..]), "{row}");
    let copied = browser.pasted().await;
    assert_eq!(copied, secret);
    assert_eq!(rights(&server, &copied).await, PROJECT);
    browser.is_quiet("making a key").await;
}

#[tokio::test]
async fn a_secret_that_was_shown_is_nowhere_afterwards() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Inference").await;
    let is_gone = async |when: &str| {
        assert!(!browser.everything().await.contains(&secret[6..]), "the secret is there {when}");
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
    browser.headed("Copy your secret key").await;
    let secret = browser.secret("on a page of its own").await;
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.headed("API Keys").await;
    browser.back().await;
    assert!(!browser.everything().await.contains(&secret[6..]), "the secret is one page back");
}

#[tokio::test]
async fn edit_scopes_asks_before_it_widens_and_holds_at_once() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Inference").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.headed("Edit Scopes").await;
    browser.choose("Project").await;
    browser.click("Save changes").await;
    browser.sees("This change also lets the key:").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE, "before the person said yes");
    browser.click("Save with more access").await;
    browser.sees("conveyor 2 counter was changed.").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.headed("Edit Scopes").await;
    browser.choose("Inference").await;
    browser.click("Save changes").await;
    browser.sees("conveyor 2 counter was changed.").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    assert!(browser.row("conveyor 2 counter").await.contains("Inference"));
}

#[tokio::test]
async fn rotate_shows_a_new_secret_and_lets_the_old_one_live_as_long_as_was_said() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let first = browser.key("conveyor 2 counter", "Project").await;
    let second = rotate(&browser, "24 hours").await;
    assert_eq!(rights(&server, &first).await, PROJECT);
    assert_eq!(rights(&server, &second).await, PROJECT);
    let row = browser.row("conveyor 2 counter").await;
    assert!(row.contains(&format!("old secret …{} works until", &first[40..])), "{row}");
    let third = rotate(&browser, "Revoke immediately").await;
    assert_eq!(rights(&server, &first).await, UNKNOWN);
    assert_eq!(rights(&server, &second).await, UNKNOWN);
    assert_eq!(rights(&server, &third).await, PROJECT);
}

async fn rotate(browser: &Browser, overlap: &str) -> String {
    browser.click("Rotate conveyor 2 counter").await;
    browser.headed("Rotate conveyor 2 counter").await;
    browser.choose(overlap).await;
    browser.click("Rotate Key").await;
    browser.headed("Copy your secret key").await;
    let secret = browser.secret("conveyor 2 counter").await;
    browser.click("Copy Secret Key").await;
    browser.sees("Copied").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    secret
}

#[tokio::test]
async fn the_trash_icon_asks_once_and_the_key_is_refused_at_once() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Project").await;
    let kept = browser.key("nightly upload", "Project").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    assert_eq!(browser.name_of_control("Delete conveyor 2 counter").await, "Delete conveyor 2 counter");
    browser.click("Delete conveyor 2 counter").await;
    browser.headed("Delete conveyor 2 counter?").await;
    browser.click("Cancel").await;
    browser.no_dialog().await;
    assert_eq!(rights(&server, &secret).await, PROJECT, "after Cancel");
    browser.click("Delete conveyor 2 counter").await;
    browser.click("Delete Key").await;
    browser
        .sees("conveyor 2 counter was deleted. It stopped working everywhere: confirmed on 1 of 1 node")
        .await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    assert_eq!(rights(&server, &kept).await, PROJECT);
    browser.reload().await;
    browser.row("nightly upload").await;
    browser.misses("conveyor 2 counter").await;
    browser.click("Deleted").await;
    browser.sees("by Ada").await;
    assert!(browser.row("conveyor 2 counter").await.contains("by Ada"));
}

#[tokio::test]
async fn the_delete_dialog_says_when_and_from_where_a_key_was_last_used() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Project").await;
    browser.click("Delete conveyor 2 counter").await;
    browser.sees("Last used Never").await;
    browser.press(thirtyfour::Key::Escape).await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    super::wait("the use is told", async || {
        browser.reload().await;
        let row = browser.row("conveyor 2 counter").await;
        if row.contains("127.0.0.1") { Ok(()) } else { Err(row) }
    })
    .await;
    browser.click("Delete conveyor 2 counter").await;
    browser.sees("from 127.0.0.1").await;
}
