//! Sign-in and sign-out, in this browser and another one.

use super::steps::{KEYS, signed_in};
use super::{Browser, BrowserKind};
use crate::harness::{EMAIL, PASSWORD};

#[tokio::test]
async fn sign_in_with_wrong_password_keeps_email() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Sign out").await;
    browser.wait_for_heading("Sign in").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", "not the password at all").await;
    browser.click("Sign in").await;
    browser.wait_for_text("Incorrect email or password.").await;
    assert_eq!(browser.value("Email").await, EMAIL);
    assert_eq!(browser.value("Password").await, "");
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.wait_for_heading("API Keys").await;
    browser.check_console("signing in").await;
}

#[tokio::test]
async fn sign_in_returns_to_requested_page() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Sign out").await;
    browser.wait_for_heading("Sign in").await;
    browser.goto("/account").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.wait_for_heading("Account").await;
}

#[tokio::test]
async fn back_button_after_sign_out_shows_no_page() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("conveyor 2 counter", "Inference").await;
    browser.click("Sign out").await;
    browser.wait_for_heading("Sign in").await;
    browser.back().await;
    browser.wait_for_heading("Sign in").await;
    browser.assert_no_text("conveyor 2 counter").await;
    browser.goto(KEYS).await;
    browser.wait_for_heading("Sign in").await;
}

#[tokio::test]
async fn session_revoked_from_other_browser_must_sign_in() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let other = Browser::open(BrowserKind::Usual, &server).await;
    other.sign_in().await;
    other.goto("/account").await;
    other.wait_for_text("This device").await;
    other.click("Sign out Chrome on Linux at 127.0.0.1").await;
    other.wait_for_text("Browser signed out.").await;
    other.assert_no_text("Sign out Chrome").await;
    browser.click("Projects").await;
    browser.wait_for_heading("Sign in").await;
    other.goto(KEYS).await;
    other.wait_for_heading("API Keys").await;
}
