//! Signing in and out, here and elsewhere.

use super::steps::{KEYS, signed_in};
use super::{Browser, Kind};
use crate::harness::{EMAIL, PASSWORD};

#[tokio::test]
async fn a_wrong_password_is_said_and_the_email_is_kept() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Sign out").await;
    browser.headed("Sign in").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", "not the password at all").await;
    browser.click("Sign in").await;
    browser.sees("That email and password do not match.").await;
    assert_eq!(browser.value("Email").await, EMAIL);
    assert_eq!(browser.value("Password").await, "");
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.headed("API Keys").await;
    browser.is_quiet("signing in").await;
}

#[tokio::test]
async fn signing_in_leads_to_the_page_that_was_asked_for() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Sign out").await;
    browser.headed("Sign in").await;
    browser.goto("/account").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.headed("Account").await;
}

#[tokio::test]
async fn whoever_signed_out_sees_no_page_again_not_even_by_the_back_button() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.key("conveyor 2 counter", "Inference").await;
    browser.click("Sign out").await;
    browser.headed("Sign in").await;
    browser.back().await;
    browser.headed("Sign in").await;
    browser.misses("conveyor 2 counter").await;
    browser.goto(KEYS).await;
    browser.headed("Sign in").await;
}

#[tokio::test]
async fn a_session_is_revoked_from_another_browser() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let other = Browser::open(Kind::Usual, &server).await;
    other.sign_in().await;
    other.goto("/account").await;
    other.sees("This device").await;
    other.click("Sign out Chrome on Linux at 127.0.0.1").await;
    other.sees("That browser was signed out.").await;
    other.misses("Sign out Chrome").await;
    browser.click("Projects").await;
    browser.headed("Sign in").await;
    other.goto(KEYS).await;
    other.headed("API Keys").await;
}
