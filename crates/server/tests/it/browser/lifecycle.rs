//! The lifecycle of a key in a browser: pause, resume, retire, first request, expiry warnings.

use super::steps::{INFERENCE, KEYS, PROJECT, UNKNOWN, rights, signed_in};
use super::{Browser, BrowserKind, wait};
use crate::harness::{Server, text};

async fn key_page(server: &Server, browser: &Browser, name: &str) -> String {
    let keys = server.key_command(&["list", "--json"]).run().await.json();
    let key = keys["items"].as_array().unwrap().iter().find(|key| key["name"] == name).unwrap();
    let path = format!("{KEYS}/{}", text(&key["id"]));
    browser.goto(&path).await;
    path
}

#[tokio::test]
async fn paused_key_lists_denied_requests_until_resumed() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Project").await;
    browser.click_action("Pause", "conveyor 2 counter").await;
    browser.wait_for_heading("Pause conveyor 2 counter").await;
    browser.wait_for_text("Pause a key to see what depends on it").await;
    browser.check_page_in_each_viewport("pause").await;
    browser.click("Cancel").await;
    browser.wait_until_dialog_is_closed().await;
    assert_eq!(rights(&server, &secret).await, PROJECT, "after Cancel");
    browser.click_action("Pause", "conveyor 2 counter").await;
    browser.wait_for_heading("Pause conveyor 2 counter").await;
    // Ten minutes are preselected.
    browser.click("Pause Key").await;
    browser
        .wait_for_text("conveyor 2 counter is paused. It no longer works anywhere: confirmed on 1 of 1 node")
        .await;
    browser.wait_for_heading("API Keys").await;
    key_page(&server, &browser, "conveyor 2 counter").await;
    browser.wait_for_text("No requests since the pause.").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    // The page updates without user input.
    browser.wait_for_text("2 requests manage projects (projects:manage)").await;
    browser.check_page_in_each_viewport("key-paused").await;
    browser.goto(KEYS).await;
    browser.wait_for_text("Every key of this workspace is paused, expired, or deleted.").await;
    browser.click("Paused 1").await;
    browser.wait_for_path(&format!("{KEYS}?status=paused")).await;
    assert!(browser.row_text("conveyor 2 counter").await.contains("Paused"));
    browser.check_page_in_each_viewport("keys-paused").await;
    browser.click_action("Resume", "conveyor 2 counter").await;
    browser.wait_for_text("conveyor 2 counter works again. Confirmed on 1 of 1 node").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    browser.assert_no_text("Denied while paused").await;
    browser.goto(&format!("{KEYS}?status=paused")).await;
    browser.wait_for_text("No paused keys").await;
    browser.check_page("no paused keys").await;
}

#[tokio::test]
async fn paused_key_page_updates_after_pause_ends() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Inference").await;
    let path = key_page(&server, &browser, "conveyor 2 counter").await;
    browser.click_action("Pause", "conveyor 2 counter").await;
    browser.choose("Until you resume it").await;
    browser.click("Pause Key").await;
    browser.wait_for_text("Paused until someone resumes it by Ada").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    // The CLI gives the pause an end.
    let id = path.rsplit('/').next().unwrap();
    server.key_command(&["pause", id, "--for", "3s"]).run().await.assert_succeeded();
    wait("the page shows the end of the pause", async || {
        let text = browser.text().await?;
        if text.contains("All requests with this key are denied.") { Err(text) } else { Ok(()) }
    })
    .await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    browser.check_console("the end of a pause").await;
}

#[tokio::test]
async fn old_secret_is_revoked_from_list_and_key_page() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let mut old = browser.key("conveyor 2 counter", "Project").await;
    for from_the_row in [true, false] {
        browser.goto(KEYS).await;
        browser.click_action("Rotate", "conveyor 2 counter").await;
        browser.click("Rotate Key").await;
        browser.wait_for_heading("Copy your secret key").await;
        let new = browser.secret("conveyor 2 counter").await;
        browser.click("Copy Secret Key").await;
        browser.click("Done").await;
        browser.wait_until_dialog_is_closed().await;
        assert_eq!(rights(&server, &old).await, PROJECT);
        if from_the_row {
            browser.check_page_in_each_viewport("keys-rotating").await;
        } else {
            key_page(&server, &browser, "conveyor 2 counter").await;
            browser.wait_for_text("Rotation in progress").await;
            browser.check_page_in_each_viewport("key-rotating").await;
        }
        browser.click_action("Revoke old secret of", "conveyor 2 counter").await;
        browser.wait_for_heading("Revoke the old secret of conveyor 2 counter?").await;
        browser.wait_for_text("Last used").await;
        if from_the_row {
            browser.check_page_in_each_viewport("retire").await;
        }
        browser.click("Revoke old secret").await;
        browser.wait_for_text(&format!("Old secret …{} of conveyor 2 counter revoked.", &old[40..])).await;
        assert_eq!(rights(&server, &old).await, UNKNOWN);
        assert_eq!(rights(&server, &new).await, PROJECT);
        browser.assert_no_text("Rotation in progress").await;
        old = new;
    }
}

#[tokio::test]
async fn first_request_status_updates_after_first_request() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let secret = browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.wait_for_text("Waiting for the first request…").await;
    browser.check_page_in_each_viewport("first-call-awaited").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    browser.wait_for_text("A request was denied: it needs the permission projects:manage").await;
    browser.check_page_in_each_viewport("first-call-refused").await;
    let question = serde_json::json!({ "workspace": crate::harness::SLUG, "permission": "models:predict" });
    server.post("/api/v1/verify", &secret, question).await.ok();
    browser
        .wait_for_text("It works! First request just now from 127.0.0.1: make predictions (models:predict).")
        .await;
    browser.check_page_in_each_viewport("first-call-came").await;
    let expected: (String, String) = browser
        .run(
            "const line = document.querySelector('dialog [data-first-call]');
             return [line.getAttribute('aria-live'), getComputedStyle(line).backgroundColor];",
            vec![],
        )
        .await;
    assert_eq!(expected.0, "polite");
    let line: String =
        browser.run("return document.querySelector('[data-first-call]').dataset.firstCall;", vec![]).await;
    // The secret can still be copied. After Done, it is gone.
    assert_eq!(browser.secret("conveyor 2 counter").await, secret);
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    assert!(!browser.all_content().await.contains(&secret[6..]));
    browser.goto(&line).await;
    browser.wait_for_heading("First request with conveyor 2 counter").await;
    browser.check_page_in_each_viewport("first-call-page").await;
    assert!(!browser.all_content().await.contains(&secret[6..]));
}

#[tokio::test]
async fn first_request_status_after_rotation_ignores_old_secret() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let old = browser.key("conveyor 2 counter", "Project").await;
    browser.click_action("Rotate", "conveyor 2 counter").await;
    browser.click("Rotate Key").await;
    browser.wait_for_heading("Copy your secret key").await;
    let new = browser.secret("conveyor 2 counter").await;
    assert_eq!(rights(&server, &old).await, PROJECT);
    // The usage of the old secret is recorded by now.
    wait("the last use is recorded", async || {
        let keys = server.key_command(&["list", "--json"]).run().await.json();
        if keys["items"][0]["lastUsed"].is_object() { Ok(()) } else { Err(keys.to_string()) }
    })
    .await;
    browser.wait_for_text("Waiting for the first request…").await;
    assert_eq!(rights(&server, &new).await, PROJECT);
    browser.wait_for_text("It works!").await;
}

#[tokio::test]
async fn key_actions_without_javascript_work() {
    let (server, browser) = signed_in(BrowserKind::WithoutScript).await;
    let secret = browser.generate_key("conveyor 2 counter", "Project").await;
    browser.wait_for_text("Check for the first request").await;
    let link = browser.driver().find(thirtyfour::By::Css("noscript a")).await.unwrap();
    assert_eq!(
        link.attr("target").await.unwrap().as_deref(),
        Some("_blank"),
        "the page with the secret stays open"
    );
    let waiting = link.attr("href").await.unwrap().unwrap();
    browser.goto(&waiting).await;
    browser.wait_for_heading("First request with conveyor 2 counter").await;
    browser.wait_for_text("Waiting for the first request…").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    wait("the request is shown", async || {
        browser.click("Refresh").await;
        let text = browser.text().await?;
        if text.contains("It works!") { Ok(()) } else { Err(text) }
    })
    .await;
    assert!(!browser.driver().source().await.unwrap().contains(&secret[6..]));

    browser.goto(KEYS).await;
    browser.click_action("Pause", "conveyor 2 counter").await;
    browser.choose("Until you resume it").await;
    browser.click("Pause Key").await;
    browser.wait_for_text("conveyor 2 counter is paused.").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    browser.goto(&format!("{KEYS}?status=paused")).await;
    browser.click_action("Resume", "conveyor 2 counter").await;
    browser.wait_for_text("conveyor 2 counter works again.").await;
    browser.click_action("Rotate", "conveyor 2 counter").await;
    browser.click("Rotate Key").await;
    let new = browser.secret("conveyor 2 counter").await;
    browser.goto(KEYS).await;
    browser.click_action("Revoke old secret of", "conveyor 2 counter").await;
    browser.click("Revoke old secret").await;
    browser.wait_for_text(" revoked.").await;
    assert_eq!((rights(&server, &secret).await, rights(&server, &new).await), (UNKNOWN, PROJECT));
}

#[tokio::test]
async fn expiring_keys_are_announced_before_expiry() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    for (name, expires) in [("gate", "40d"), ("line 3", "25d")] {
        server
            .key_command(&["create", "--name", name, "--scope", "inference", "--expires", expires])
            .run()
            .await
            .assert_succeeded();
    }
    browser.goto(KEYS).await;
    browser.row_text("line 3").await;
    browser.assert_no_text("within 7 days").await;
    for (name, expires) in [("night shift", "6d"), ("demo", "20h")] {
        server
            .key_command(&["create", "--name", name, "--scope", "project", "--expires", expires])
            .run()
            .await
            .assert_succeeded();
    }
    browser.goto(KEYS).await;
    browser.wait_for_text("2 keys expire within 7 days").await;
    browser.check_page_in_each_viewport("keys-expiring").await;
    browser.click("View").await;
    browser.wait_for_text("Keys that expire within 7 days").await;
    assert!(browser.row_text("demo").await.contains("in 20 hours"));
    browser.row_text("night shift").await;
    browser.assert_no_text("line 3").await;
    browser.goto(&format!("{KEYS}?q=gate")).await;
    browser.row_text("gate").await;
    browser.assert_no_text("within 7 days").await;
}

#[tokio::test]
async fn expiry_choice_shows_resulting_date() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.expand("dialog .fold").await;
    assert_eq!(browser.value("Expiration").await, "never", "never is preselected");
    browser.wait_for_text("The key works until you delete it").await;
    browser.check_page_in_each_viewport("new-expiry").await;
    browser.pick("Expiration", "In 90 days").await;
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(90 * 24);
    let then = then.strftime("%-d %b %Y").to_string();
    browser.wait_for_text(&format!("Expires {then}. This page shows a warning in the last 7 days.")).await;
    browser.assert_no_text("The key works until you delete it").await;
    browser.pick("Expiration", "On a date").await;
    browser.wait_for_text("The key expires at the end of this day (UTC).").await;
    browser.check_page("an expiry on a date").await;
}
