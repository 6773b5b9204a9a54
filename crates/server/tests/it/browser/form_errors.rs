//! A form with invalid input shows each error beside its field and keeps what the user typed.

use super::BrowserKind;
use super::steps::{KEYS, PROJECTS, signed_in};

#[tokio::test]
async fn key_form_without_name_or_scope_shows_errors() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.click("Generate Key").await;
    browser.wait_for_text("Choose Project or Inference.").await;
    assert!(!browser.error_beside("Name").await.is_empty());
    browser.fill("Name", "conveyor 2 counter").await;
    browser.click("Generate Key").await;
    super::wait("the name is valid", async || {
        let invalid =
            browser.field("Name").await.attr("aria-invalid").await.map_err(|error| error.to_string())?;
        if invalid.is_none() { Ok(()) } else { Err("the name is invalid".to_owned()) }
    })
    .await;
    browser.wait_for_text("Choose Project or Inference.").await;
    assert_eq!(browser.value("Name").await, "conveyor 2 counter");
    browser.choose("Inference").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
}

#[tokio::test]
async fn key_form_with_too_long_name_keeps_input() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.goto(&format!("{KEYS}/new")).await;
    let long = "x".repeat(101);
    // The field accepts at most 100 characters; an older browser might accept more.
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
async fn key_form_with_past_expiry_keeps_input() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "conveyor 2 counter").await;
    browser.choose("Inference").await;
    browser.expand("dialog .fold").await;
    browser.pick("Expiration", "On a date").await;
    let date = browser.field("Expiration date (UTC)").await;
    date.send_keys("01312020").await.unwrap();
    browser.click("Generate Key").await;
    browser.wait_for_text("Choose a date in the future.").await;
    assert!(browser.error_beside("Expiration date (UTC)").await.contains("in the future"));
    assert_eq!(browser.value("Expiration date (UTC)").await, "2020-01-31");
    assert_eq!(browser.value("Name").await, "conveyor 2 counter");
    browser.pick("Expiration", "In 30 days").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
}

#[tokio::test]
async fn key_form_with_invalid_rate_limit_keeps_input() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "conveyor 2 counter").await;
    browser.choose("Inference").await;
    browser.expand("dialog .fold").await;
    browser.fill("Rate limit", "none").await;
    browser.fill("requests per", "5").await;
    browser.click("Generate Key").await;
    assert!(browser.error_beside("Rate limit").await.contains("from 1 to 1,000,000"));
    assert_eq!(
        (browser.value("Rate limit").await, browser.value("requests per").await),
        ("none".into(), "5".into())
    );
    browser.fill("Rate limit", "100").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    browser.goto(KEYS).await;
    let row = browser.row_text("conveyor 2 counter").await;
    assert!(row.contains("100 requests per 5 minutes"), "{row}");
}

#[tokio::test]
async fn project_form_with_taken_name_shows_error() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    for already_there in [false, true] {
        browser.goto(PROJECTS).await;
        browser.click("New project").await;
        browser.wait_for_heading("New project").await;
        browser.fill("Name", "Bottle caps").await;
        browser.choose("Classification").await;
        browser.click("Create project").await;
        if already_there {
            browser.wait_for_text("New project").await;
            assert!(!browser.error_beside("Name").await.is_empty());
            assert_eq!(browser.value("Name").await, "Bottle caps");
        } else {
            browser.wait_until_dialog_is_closed().await;
            browser.wait_for_text("Bottle caps").await;
        }
    }
}

#[tokio::test]
async fn setup_form_with_errors_keeps_input_except_password() {
    let server = super::steps::start_server(BrowserKind::Usual).await;
    let browser = super::Browser::open(BrowserKind::Usual, &server).await;
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
