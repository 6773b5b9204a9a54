//! JavaScript switched off: every form is a page.

use thirtyfour::Key;

use super::Kind;
use super::steps::{INFERENCE, PROJECT, UNKNOWN, rights, signed_in};

#[tokio::test]
async fn a_key_is_made_used_edited_rotated_and_deleted() {
    let (server, browser) = signed_in(Kind::WithoutScript).await;
    let secret = browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.misses("Copy Secret Key").await;
    // What people do without a button: click into the field, select all of it, copy.
    browser.field("Secret key of conveyor 2 counter").await.click().await.unwrap();
    browser.press_ctrl('a').await;
    browser.press_ctrl('c').await;
    browser.click("Done").await;
    browser.headed("API Keys").await;
    let copied = browser.pasted().await;
    assert_eq!(copied, secret);
    assert_eq!(rights(&server, &copied).await, INFERENCE);

    browser.click("Edit Scopes of conveyor 2 counter").await;
    browser.choose("Project").await;
    browser.click("Save changes").await;
    browser.sees("This change also lets the key:").await;
    browser.click("Save with more access").await;
    browser.sees("conveyor 2 counter was changed.").await;
    assert_eq!(rights(&server, &copied).await, PROJECT);

    browser.click("Rotate conveyor 2 counter").await;
    browser.choose("Revoke immediately").await;
    browser.click("Rotate Key").await;
    let new = browser.secret("conveyor 2 counter").await;
    assert_eq!(rights(&server, &copied).await, UNKNOWN);
    assert_eq!(rights(&server, &new).await, PROJECT);
    browser.click("Done").await;

    browser.click("Delete conveyor 2 counter").await;
    browser.headed("Delete conveyor 2 counter?").await;
    browser.click("Delete Key").await;
    browser
        .sees("conveyor 2 counter was deleted. It stopped working everywhere: confirmed on 1 of 1 node")
        .await;
    assert_eq!(rights(&server, &new).await, UNKNOWN);
}

#[tokio::test]
async fn a_reload_says_already_shown_and_makes_no_second_key() {
    let (_server, browser) = signed_in(Kind::WithoutScript).await;
    let secret = browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.reload().await;
    browser.headed("Already shown").await;
    let is_gone = async |when: &str| {
        let source = browser.driver().source().await.unwrap();
        assert!(!source.contains(&secret[6..]), "the secret is there {when}");
    };
    is_gone("after a reload").await;
    browser.click("Back to API Keys").await;
    browser.headed("API Keys").await;
    browser.sees("1 key").await;
    is_gone("in the list").await;
    browser.back().await;
    is_gone("one page back").await;
    browser.goto(super::steps::KEYS).await;
    let secret = browser.generate_key("nightly upload", "Inference").await;
    browser.click("Done").await;
    browser.headed("API Keys").await;
    browser.back().await;
    let source = browser.driver().source().await.unwrap();
    assert!(!source.contains(&secret[6..]), "the secret is one page back");
}

#[tokio::test]
async fn lists_are_filtered_by_a_button() {
    let (_server, browser) = signed_in(Kind::WithoutScript).await;
    for (name, scope) in [("conveyor 2 counter", "Inference"), ("nightly upload", "Project")] {
        browser.generate_key(name, scope).await;
        browser.click("Done").await;
    }
    browser.fill("Search by name or last 4 characters", "nightly").await;
    browser.click("Find").await;
    browser.sees("1 key").await;
    browser.row("nightly upload").await;
    browser.fill("Search by name or last 4 characters", "").await;
    browser.field("Search by name or last 4 characters").await.send_keys(Key::Enter + "").await.unwrap();
    browser.sees("2 keys").await;
    browser.pick("Scope", "Inference").await;
    browser.click("Find").await;
    browser.sees("1 key").await;
    browser.row("conveyor 2 counter").await;
}
