//! The page of a key: its figures, its chart, and its note.

use serde_json::{Value, json};
use thirtyfour::{By, Key};

use super::steps::{KEYS, signed_in};
use super::usage::MonthOfUsage;
use super::{Browser, BrowserKind, wait};
use crate::harness::text;

/// The lines with the values of the chart. Empty if they are hidden.
async fn chart_values(browser: &Browser) -> Vec<String> {
    let script = "
        const value = document.querySelector('.chart-value');
        return value.checkVisibility() ? [...value.children].map((line) => line.textContent) : [];";
    browser.run(script, vec![]).await
}

/// Waits until the chart shows the values of the day that many days ago.
async fn wait_for_day(browser: &Browser, days_ago: i64) -> Vec<String> {
    let day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_ago);
    let day = day.strftime("%-d %b").to_string();
    wait("the chart shows the values of the day", async || {
        let values = chart_values(browser).await;
        if values.first() == Some(&day) { Ok(values) } else { Err(format!("not {day}: {values:?}")) }
    })
    .await
}

#[tokio::test]
async fn key_page_shows_figures_before_chart_callers_and_access() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::Usual).await;
    browser.set_viewport(1440, 900, "light").await;
    browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
    browser.wait_for_text("Active").await;
    let parts: Vec<String> = browser
        .run(
            "return [...document.querySelectorAll('main :is(h1, dt, h2)')].filter((one) => !one.closest('.facts'))
                .map((one) => one.innerText);",
            vec![],
        )
        .await;
    let figures = ["Requests, 30 days", "Denied", "Last used", "Expires"];
    let sections = ["Usage", "Callers", "Details", "Access"];
    assert_eq!(parts, [&["Conveyor 2 counter"][..], &figures, &sections].concat());
    // Callers and Details are beside each other.
    let tops: (f64, f64) = browser
        .run(
            "return ['callers-title', 'facts-title'].map((id) => document.getElementById(id).getBoundingClientRect().top);",
            vec![],
        )
        .await;
    assert!((tops.0 - tops.1).abs() < 1.0, "{tops:?}");
}

#[tokio::test]
async fn chart_shows_values_to_keyboard_and_pointer() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::Usual).await;
    browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
    browser.wait_for_text("allowed").await;
    assert!(chart_values(&browser).await.is_empty());
    let chart = browser.driver().find(By::Css("[data-chart]")).await.unwrap();
    browser.run::<Value>("document.querySelector('[data-chart]').focus();", vec![]).await;
    browser.focus_is_on("Requests over time").await;
    let today = wait_for_day(&browser, 0).await;
    assert_eq!(today[1..], ["make predictions: 900"]);
    browser.press(Key::Left).await;
    browser.press(Key::Left).await;
    let before = wait_for_day(&browser, 2).await;
    // 900 + 2 × 137 predictions were allowed and 42 denied.
    assert_eq!(before[1..], ["make predictions: 1,174", "denied: 42"]);
    let spoken = chart.attr("aria-valuetext").await.unwrap().unwrap();
    assert_eq!(spoken, before.join(", "));
    browser.press(Key::Home).await;
    wait_for_day(&browser, 29).await;
    browser.press(Key::Escape).await;
    wait("the values are hidden", async || {
        let values = chart_values(&browser).await;
        if values.is_empty() { Ok(()) } else { Err(format!("{values:?}")) }
    })
    .await;
    browser.check_page("a chart").await;
    let columns = browser.driver().find_all(By::Css(".chart-column")).await.unwrap();
    let (first, last) = (&columns[3], &columns[29]);
    browser.driver().action_chain().move_to_element_center(first).perform().await.unwrap();
    wait_for_day(&browser, 26).await;
    // At the edge, the values stay within the chart.
    browser.driver().action_chain().move_to_element_center(last).perform().await.unwrap();
    wait_for_day(&browser, 0).await;
    let inside: bool = browser
        .run(
            "const [value, area] = ['.chart-value', '.chart-area'].map((one) => document.querySelector(one).getBoundingClientRect());
             return value.right <= area.right + 1;",
            vec![],
        )
        .await;
    assert!(inside);
    browser.check_console("a chart").await;
}

#[tokio::test]
async fn chart_without_javascript_has_tooltips() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::WithoutScript).await;
    browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
    browser.wait_for_text("allowed").await;
    let source = browser.driver().source().await.unwrap();
    assert!(source.contains("make predictions: 1,174\ndenied: 42</title>"), "{source}");
}

#[tokio::test]
async fn permission_filter_is_list_on_narrow_screen() {
    let month = MonthOfUsage::create().await;
    for kind in [BrowserKind::Usual, BrowserKind::WithoutScript] {
        let browser = month.browser(kind).await;
        browser.set_viewport(390, 844, "light").await;
        browser.goto(&format!("{KEYS}/{}?period=48h", month.line.id)).await;
        browser.pick("Permission", "upload datasets").await;
        if matches!(kind, BrowserKind::WithoutScript) {
            browser.click("Show").await;
        }
        browser.wait_for_text("350 requests in 48 hours: none denied.").await;
        assert_eq!(browser.value("Permission").await, "datasets:upload");
    }
}

#[tokio::test]
async fn note_is_added_changed_and_deleted_on_key_page() {
    for kind in [BrowserKind::Usual, BrowserKind::WithoutScript] {
        let (server, browser) = signed_in(kind).await;
        let key = server.create_key(&["inference"], &[]).await;
        let path = format!("{KEYS}/{}", text(&key["id"]));
        browser.goto(&path).await;
        browser.click("Add a note").await;
        browser.wait_for_heading("Note on of a test").await;
        browser.fill("Note", &text(&key["secret"])).await;
        browser.click("Save note").await;
        let error = browser.error_beside("Note").await;
        assert!(error.contains("secret key"), "{error}");
        browser.fill("Note", "By the door.\nAsk <b>Ada</b>.").await;
        browser.click("Save note").await;
        browser.wait_for_text("Note saved.").await;
        browser.wait_for_path(&path).await;
        browser.wait_for_text("By the door. Ask <b>Ada</b>.").await;
        browser.click("Edit note").await;
        browser.wait_for_heading("Note on of a test").await;
        assert_eq!(browser.value("Note").await, "By the door.\nAsk <b>Ada</b>.");
        if matches!(kind, BrowserKind::Usual) {
            browser.check_page_in_each_viewport("key-note").await;
        }
        browser.fill("Note", "").await;
        browser.click("Save note").await;
        browser.wait_for_text("Add a note").await;
        browser.assert_no_text("By the door.").await;
        let keys = server.key_command(&["list", "--json"]).run().await.json();
        assert_eq!(keys["items"][0]["note"], json!(null));
    }
}
