//! What is wrong stands beside its field, and what was typed is kept.

use super::Kind;
use super::steps::{KEYS, PROJECTS, signed_in};

#[tokio::test]
async fn a_key_without_a_name_or_a_scope_is_not_made() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.click("Generate Key").await;
    browser.sees("Pick Project or Inference.").await;
    assert!(!browser.error_beside("Name").await.is_empty());
    browser.fill("Name", "conveyor 2 counter").await;
    browser.click("Generate Key").await;
    super::wait("the name is fine", async || {
        let invalid =
            browser.field("Name").await.attr("aria-invalid").await.map_err(|error| error.to_string())?;
        if invalid.is_none() { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    browser.sees("Pick Project or Inference.").await;
    assert_eq!(browser.value("Name").await, "conveyor 2 counter");
    browser.choose("Inference").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
}

#[tokio::test]
async fn a_name_that_is_too_long_is_kept_and_said() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.goto(&format!("{KEYS}/new")).await;
    let long = "x".repeat(101);
    // The field itself takes a hundred characters only; an older browser might not.
    browser
        .run::<serde_json::Value>("document.getElementById('f-name').removeAttribute('maxlength')", vec![])
        .await;
    browser.fill("Name", &long).await;
    browser.choose("Project").await;
    browser.click("Generate Key").await;
    assert!(browser.error_beside("Name").await.contains("100"));
    assert_eq!(browser.value("Name").await, long);
    let chosen = browser.driver().find(thirtyfour::By::Css("input[value=project]")).await.unwrap();
    assert!(chosen.is_selected().await.unwrap());
}

#[tokio::test]
async fn a_date_in_the_past_is_kept_and_said() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "conveyor 2 counter").await;
    browser.choose("Inference").await;
    browser.unfold("dialog .fold").await;
    browser.pick("Expiration", "On a date").await;
    let date = browser.field("Expiration date (UTC)").await;
    date.send_keys("01312020").await.unwrap();
    browser.click("Generate Key").await;
    browser.sees("Pick a date that lies ahead.").await;
    assert!(browser.error_beside("Expiration date (UTC)").await.contains("lies ahead"));
    assert_eq!(browser.value("Expiration date (UTC)").await, "2020-01-31");
    assert_eq!(browser.value("Name").await, "conveyor 2 counter");
    browser.pick("Expiration", "In 30 days").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
}

#[tokio::test]
async fn a_rate_that_is_none_is_kept_and_said_and_one_that_is_is_shown() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "conveyor 2 counter").await;
    browser.choose("Inference").await;
    browser.unfold("dialog .fold").await;
    browser.fill("Rate limit", "none").await;
    browser.fill("requests per", "5").await;
    browser.click("Generate Key").await;
    assert!(browser.error_beside("Rate limit").await.contains("from 1 to 1000000"));
    assert_eq!(
        (browser.value("Rate limit").await, browser.value("requests per").await),
        ("none".into(), "5".into())
    );
    browser.fill("Rate limit", "100").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your secret key").await;
    browser.goto(KEYS).await;
    browser.sees("all projects · any network · 100 requests every 5 minutes").await;
}

#[tokio::test]
async fn a_project_that_cannot_be_made_says_why_beside_the_field() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    for already_there in [false, true] {
        browser.goto(PROJECTS).await;
        browser.click("New project").await;
        browser.headed("New project").await;
        browser.fill("Name", "Bottle caps").await;
        browser.choose("Classification").await;
        browser.click("Create project").await;
        if already_there {
            browser.sees("New project").await;
            assert!(!browser.error_beside("Name").await.is_empty());
            assert_eq!(browser.value("Name").await, "Bottle caps");
        } else {
            browser.no_dialog().await;
            browser.sees("Bottle caps").await;
        }
    }
}

#[tokio::test]
async fn the_setup_form_keeps_what_was_typed_but_the_password() {
    let server = super::steps::served_to(Kind::Usual).await;
    let browser = super::Browser::open(Kind::Usual, &server).await;
    browser.goto(server.setup_link.as_deref().unwrap()).await;
    browser.fill("Your name", "Ada Lovelace").await;
    browser.fill("Email", "ada").await;
    browser.fill("Password", "short").await;
    browser.click("Create workspace").await;
    for field in ["Email", "Password", "Workspace name"] {
        assert!(!browser.error_beside(field).await.is_empty(), "{field}");
    }
    assert_eq!(browser.value("Your name").await, "Ada Lovelace");
    assert_eq!(browser.value("Email").await, "ada");
    assert_eq!(browser.value("Password").await, "");
}
