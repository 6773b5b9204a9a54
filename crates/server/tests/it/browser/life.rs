//! The life of a key in a browser: paused and resumed, an old secret retired, a first call awaited, an end announced.

use super::steps::{INFERENCE, KEYS, PROJECT, UNKNOWN, rights, signed_in};
use super::{Browser, Kind, wait};
use crate::harness::{Server, text};

async fn key_page(server: &Server, browser: &Browser, name: &str) -> String {
    let keys = server.keys(&["list", "--json"]).run().await.json();
    let key = keys["items"].as_array().unwrap().iter().find(|key| key["name"] == name).unwrap();
    let path = format!("{KEYS}/{}", text(&key["id"]));
    browser.goto(&path).await;
    path
}

#[tokio::test]
async fn a_key_is_paused_for_ten_minutes_says_who_was_refused_and_is_resumed() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Project").await;
    browser.click("Pause conveyor 2 counter").await;
    browser.headed("Pause conveyor 2 counter").await;
    browser.sees("Pause a key to see what depends on it").await;
    browser.is_fit_in_each_look("pause").await;
    browser.click("Cancel").await;
    browser.no_dialog().await;
    assert_eq!(rights(&server, &secret).await, PROJECT, "after Cancel");
    browser.click("Pause conveyor 2 counter").await;
    browser.headed("Pause conveyor 2 counter").await;
    // Ten minutes are chosen already.
    browser.click("Pause Key").await;
    browser
        .sees("conveyor 2 counter is paused. It stopped working everywhere: confirmed on 1 of 1 node")
        .await;
    browser.headed("conveyor 2 counter").await;
    browser.sees("No requests since the pause.").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    // Without anybody pressing anything.
    browser.sees("2 calls manage projects (projects:manage)").await;
    browser.is_fit_in_each_look("key-paused").await;
    browser.goto(KEYS).await;
    let row = browser.row("conveyor 2 counter").await;
    assert!(
        row.contains("Paused until 2") || row.contains("Paused until 1") || row.contains("Paused until 3"),
        "{row}"
    );
    browser.is_fit_in_each_look("keys-paused").await;
    browser.click("Paused").await;
    browser.at(&format!("{KEYS}?status=paused")).await;
    browser.row("conveyor 2 counter").await;
    browser.click("Resume conveyor 2 counter").await;
    browser.sees("conveyor 2 counter works again. Confirmed on 1 of 1 node").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    browser.misses("Denied while paused").await;
    browser.goto(&format!("{KEYS}?status=paused")).await;
    browser.sees("No paused keys").await;
    browser.is_fit("no paused keys").await;
}

#[tokio::test]
async fn a_pause_until_resumed_stays_and_one_that_is_over_is_seen_to_be() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.key("conveyor 2 counter", "Inference").await;
    let path = key_page(&server, &browser, "conveyor 2 counter").await;
    browser.click("Pause conveyor 2 counter").await;
    browser.choose("Until you resume it").await;
    browser.click("Pause Key").await;
    browser.sees("Paused until somebody resumes it by Ada").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    // It can be given an end, here by the command line.
    let id = path.rsplit('/').next().unwrap();
    server.keys(&["pause", id, "--for", "3s"]).run().await.succeeded();
    wait("the page says that it works again", async || {
        let text = browser.text().await?;
        if text.contains("All requests with this key are denied.") { Err(text) } else { Ok(()) }
    })
    .await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    browser.is_quiet("a pause that ends").await;
}

#[tokio::test]
async fn the_old_secret_is_retired_from_the_row_and_from_the_keys_page() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let mut old = browser.key("conveyor 2 counter", "Project").await;
    for from_the_row in [true, false] {
        browser.goto(KEYS).await;
        browser.click("Rotate conveyor 2 counter").await;
        browser.click("Rotate Key").await;
        browser.headed("Copy your secret key").await;
        let new = browser.secret("conveyor 2 counter").await;
        browser.click("Copy Secret Key").await;
        browser.click("Done").await;
        browser.no_dialog().await;
        assert_eq!(rights(&server, &old).await, PROJECT);
        if from_the_row {
            browser.is_fit_in_each_look("keys-rotating").await;
        } else {
            key_page(&server, &browser, "conveyor 2 counter").await;
            browser.sees("Rotation in progress").await;
            browser.is_fit_in_each_look("key-rotating").await;
        }
        browser.click("Revoke the old secret of conveyor 2 counter").await;
        browser.headed("Revoke the old secret of conveyor 2 counter?").await;
        browser.sees("called with").await;
        if from_the_row {
            browser.is_fit_in_each_look("retire").await;
        }
        browser.click("Revoke old secret").await;
        browser.sees(&format!("The old secret …{} of conveyor 2 counter was retired.", &old[40..])).await;
        assert_eq!(rights(&server, &old).await, UNKNOWN);
        assert_eq!(rights(&server, &new).await, PROJECT);
        browser.misses("Rotation in progress").await;
        old = new;
    }
}

#[tokio::test]
async fn the_line_turns_green_at_the_first_call_and_says_so() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let secret = browser.generate_key("conveyor 2 counter", "Inference").await;
    browser.sees("Waiting for the first request…").await;
    browser.is_fit_in_each_look("first-call-awaited").await;
    assert_eq!(rights(&server, &secret).await, INFERENCE);
    browser.sees("A request was denied: this key lacks the permission projects:manage").await;
    browser.is_fit_in_each_look("first-call-refused").await;
    let question = serde_json::json!({ "workspace": crate::harness::SLUG, "permission": "models:predict" });
    server.post("/api/v1/verify", &secret, question).await.ok();
    browser.sees("It works! First request just now from 127.0.0.1: make predictions (models:predict).").await;
    browser.is_fit_in_each_look("first-call-came").await;
    let says: (String, String) = browser
        .run(
            "const line = document.querySelector('dialog [data-first-call]');
             return [line.getAttribute('aria-live'), getComputedStyle(line).backgroundColor];",
            vec![],
        )
        .await;
    assert_eq!(says.0, "polite");
    let line: String =
        browser.run("return document.querySelector('[data-first-call]').dataset.firstCall;", vec![]).await;
    // The secret is still there to be copied, and gone when it is done.
    assert_eq!(browser.secret("conveyor 2 counter").await, secret);
    browser.click("Copy Secret Key").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    assert!(!browser.everything().await.contains(&secret[6..]));
    browser.goto(&line).await;
    browser.headed("First request with conveyor 2 counter").await;
    browser.is_fit_in_each_look("first-call-page").await;
    assert!(!browser.everything().await.contains(&secret[6..]));
}

#[tokio::test]
async fn after_a_rotation_the_line_waits_for_the_new_secret() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let old = browser.key("conveyor 2 counter", "Project").await;
    browser.click("Rotate conveyor 2 counter").await;
    browser.click("Rotate Key").await;
    browser.headed("Copy your secret key").await;
    let new = browser.secret("conveyor 2 counter").await;
    assert_eq!(rights(&server, &old).await, PROJECT);
    // The old one's uses are told by now.
    wait("the use is written down", async || {
        let keys = server.keys(&["list", "--json"]).run().await.json();
        if keys["items"][0]["lastUsed"].is_object() { Ok(()) } else { Err(keys.to_string()) }
    })
    .await;
    browser.sees("Waiting for the first request…").await;
    assert_eq!(rights(&server, &new).await, PROJECT);
    browser.sees("It works!").await;
}

#[tokio::test]
async fn without_script_a_link_looks_again_and_buttons_pause_resume_and_retire() {
    let (server, browser) = signed_in(Kind::WithoutScript).await;
    let secret = browser.generate_key("conveyor 2 counter", "Project").await;
    browser.sees("Check for the first request").await;
    let link = browser.driver().find(thirtyfour::By::Css("noscript a")).await.unwrap();
    assert_eq!(link.attr("target").await.unwrap().as_deref(), Some("_blank"), "the secret stays where it is");
    let waiting = link.attr("href").await.unwrap().unwrap();
    browser.goto(&waiting).await;
    browser.headed("First request with conveyor 2 counter").await;
    browser.sees("Waiting for the first request…").await;
    assert_eq!(rights(&server, &secret).await, PROJECT);
    wait("the call is told", async || {
        browser.click("Refresh").await;
        let text = browser.text().await?;
        if text.contains("It works!") { Ok(()) } else { Err(text) }
    })
    .await;
    assert!(!browser.driver().source().await.unwrap().contains(&secret[6..]));

    browser.goto(KEYS).await;
    browser.click("Pause conveyor 2 counter").await;
    browser.choose("Until you resume it").await;
    browser.click("Pause Key").await;
    browser.sees("conveyor 2 counter is paused.").await;
    assert_eq!(rights(&server, &secret).await, UNKNOWN);
    browser.click("Resume conveyor 2 counter").await;
    browser.sees("conveyor 2 counter works again.").await;
    browser.click("Rotate conveyor 2 counter").await;
    browser.click("Rotate Key").await;
    let new = browser.secret("conveyor 2 counter").await;
    browser.goto(KEYS).await;
    browser.click("Revoke the old secret of conveyor 2 counter").await;
    browser.click("Revoke old secret").await;
    browser.sees("was retired.").await;
    assert_eq!((rights(&server, &secret).await, rights(&server, &new).await), (UNKNOWN, PROJECT));
}

#[tokio::test]
async fn what_ends_before_long_is_said_a_month_a_week_and_a_day_ahead() {
    let (server, browser) = signed_in(Kind::Usual).await;
    for (name, expires) in [("gate", "40d"), ("line 3", "25d")] {
        server
            .keys(&["create", "--name", name, "--scope", "inference", "--expires", expires])
            .run()
            .await
            .succeeded();
    }
    browser.goto(KEYS).await;
    browser.sees("line 3 expires in 25 days").await;
    browser.misses("gate expires").await;
    browser.is_fit_in_each_look("keys-ending-calm").await;
    for (name, expires) in [("night shift", "6d"), ("demo", "20h")] {
        server
            .keys(&["create", "--name", name, "--scope", "project", "--expires", expires])
            .run()
            .await
            .succeeded();
    }
    browser.goto(KEYS).await;
    browser.sees("demo expires in 20 hours").await;
    browser.sees("night shift expires in 6 days").await;
    browser.is_fit_in_each_look("keys-ending").await;
    browser.goto(&format!("{KEYS}?q=gate")).await;
    browser.misses("stops working").await;
}

#[tokio::test]
async fn an_expiry_says_in_words_what_it_comes_to() {
    let (_server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.headed("Add New Key").await;
    browser.unfold("dialog .fold").await;
    assert_eq!(browser.value("Expiration").await, "never", "never is chosen already");
    browser.sees("It works until somebody deletes it").await;
    browser.is_fit_in_each_look("new-expiry").await;
    browser.pick("Expiration", "In 90 days").await;
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(90 * 24);
    let then = then.strftime("%-d %B %Y").to_string();
    browser.sees(&format!("It stops working on {then}. API Keys says so 30, 7 and 1 days ahead.")).await;
    browser.misses("It works until somebody deletes it").await;
    browser.pick("Expiration", "On a date").await;
    browser.sees("It works to the end of that day.").await;
    browser.is_fit("an expiry on a date").await;
}
