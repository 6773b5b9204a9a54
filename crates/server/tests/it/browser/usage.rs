//! Recorded usage of keys in a browser: chart, callers, denials, recommendations, and the preview of a change.

use keyrack_key::Permission;
use serde_json::{Value, json};

use super::steps::KEYS;
use super::viewports::{NARROW, viewports};
use super::{Browser, BrowserKind};
use crate::api::{Api, CreatedKey};
use crate::harness::text;
use crate::usage_history::{DailyUsage, write_usage};

/// A workspace with one month of usage.
pub(super) struct MonthOfUsage {
    api: Api,
    /// A key for predictions and uploads, some of whose requests were denied.
    pub(super) line: CreatedKey,
    gate: CreatedKey,
    /// The ID of a denied request.
    denied: String,
}

impl MonthOfUsage {
    pub(super) async fn create() -> Self {
        let mut api = Api::start().await;
        let line = api.create_key(json!({ "name": "Conveyor 2 counter", "scopes": ["project"] })).await;
        let gate = api.create_key(json!({ "name": "Gate camera", "scopes": ["inference"] })).await;
        let public =
            json!({ "name": "Demo on the website", "class": "publishable", "scopes": ["inference"] });
        let public = api.create_key(public).await;
        let mut days = Vec::new();
        for ago in 0..29 {
            let calls = 900 + (ago * 137) % 400;
            days.push(DailyUsage::predictions(&line, ago, calls));
            if ago % 5 == 1 {
                let permission = Permission::DatasetsUpload;
                days.push(DailyUsage {
                    permission,
                    agent: "nightly upload/2",
                    address: "10.4.0.7",
                    ..DailyUsage::predictions(&line, ago, 350)
                });
            }
            if ago % 7 == 2 {
                days.push(DailyUsage {
                    denied: Some("rate_limited"),
                    ..DailyUsage::predictions(&line, ago, 40 + ago)
                });
            }
            days.push(DailyUsage {
                agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                address: "2001:db8:7::9",
                ..DailyUsage::predictions(&public, ago, 3 + ago)
            });
            days.push(DailyUsage::predictions(&gate, ago, 20));
        }
        write_usage(&mut api.server, &days).await;
        api.rotate(&gate, "24h").await;
        let denied = api.projects(&gate.secret).await.assert_problem(403, "insufficient_scope");
        let denied = text(&denied.json()["request_id"]);
        Self { api, line, gate, denied }
    }

    pub(super) async fn browser(&self, kind: BrowserKind) -> Browser {
        let browser = Browser::open(kind, &self.api.server).await;
        browser.sign_in().await;
        browser
    }
}

/// Counts the bars in the chart and their colors.
const DRAWN: &str = "
    const bars = [...document.querySelectorAll('figure.chart path.chart-bars')];
    return { bars: bars.map((one) => one.getAttribute('d').split('M').length - 1).reduce((a, b) => a + b, 0),
        colours: new Set(bars.map((one) => getComputedStyle(one).fill)).size,
        seen: bars.every((one) => one.getBoundingClientRect().height > 1) };";

#[tokio::test]
async fn usage_pages_in_each_viewport_pass_page_checks() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::Usual).await;
    for (width, theme) in viewports() {
        // A high viewport shows the whole page in one screenshot.
        let height = if *width == NARROW { 4200 } else { 1900 };
        browser.set_viewport(*width, height, theme).await;
        let check = async |name: &str| {
            browser.save_screenshot(&format!("seen-{theme}-{width}-{name}")).await;
            browser.check_page(&format!("{name} ({theme}, {width})")).await;
        };
        browser.goto(KEYS).await;
        browser.row_text("Conveyor 2 counter").await;
        check("list").await;
        browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
        browser.wait_for_text("allowed").await;
        let drawn: Value = browser.run(DRAWN, vec![]).await;
        assert!(drawn["bars"].as_u64().unwrap() > 35, "{drawn}");
        assert_eq!((&drawn["colours"], &drawn["seen"]), (&json!(3), &json!(true)));
        check("key").await;
        browser.expand(".chart .plot-numbers").await;
        browser.wait_for_text("Time (UTC)").await;
        check("key-numbers").await;
        browser.click("48 hours").await;
        browser.wait_for_text("requests in 48 hours").await;
        check("key-hours").await;
        browser.goto(&format!("{KEYS}/{}", month.gate.id)).await;
        browser.wait_for_text("Recently denied").await;
        check("key-rotating").await;
        browser.goto(&format!("{KEYS}/denied-requests/{}", month.denied)).await;
        browser.wait_for_text("Permission granted").await;
        check("refusal").await;
        browser.goto(&format!("{KEYS}/denied-requests")).await;
        browser.fill("Request ID", "nonsense").await;
        browser.click("Look up").await;
        browser.error_beside("Request ID").await;
        check("refusals").await;
        browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
        browser.click("Edit Scopes of Conveyor 2 counter").await;
        browser.choose("Inference").await;
        browser.wait_for_text("would have been denied").await;
        check("what-if").await;
    }
}

#[tokio::test]
async fn denied_request_id_leads_to_failed_check_and_fix() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::Usual).await;
    browser.click("Look up a denied request").await;
    browser.wait_for_heading("Look up a denied request").await;
    browser.fill("Request ID", &month.denied).await;
    browser.click("Look up").await;
    browser.wait_for_heading("Request denied: permission denied").await;
    browser.wait_for_text("Received projects:manage").await;
    browser.wait_for_text("Expected Project scope. This key has Inference").await;
    browser.click("Edit key").await;
    browser.wait_for_path(&format!("{KEYS}/{}/edit#f-scope", month.gate.id)).await;
    browser.choose("Project").await;
    browser.wait_for_text("It would also be able to: manage projects upload datasets train models").await;
    browser.click("Save changes").await;
    browser.click("Save with more access").await;
    browser.wait_for_text("updated").await;
    browser.goto(&format!("{KEYS}/denied-requests/{}", month.denied)).await;
    browser.wait_for_text("This request would now be allowed.").await;
}

#[tokio::test]
async fn edit_form_previews_requests_that_change_denies() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::Usual).await;
    let row = browser.row_text("Gate camera").await;
    assert!(row.contains("Not used") || row.contains("Last used"), "{row}");
    browser.click("Edit Scopes of Conveyor 2 counter").await;
    browser.choose("Inference").await;
    browser.wait_for_text("10.4.0.7, nightly upload/2: 2,100 requests").await;
    browser.assert_no_text("Preview impact").await;
    browser.choose("Project").await;
    browser.wait_for_text("0 of ").await;
    browser.wait_until_text_is_gone("nightly upload/2").await;
    browser.click("Cancel").await;
    browser.wait_until_dialog_is_closed().await;
    browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
    browser.assert_no_text("Change to Inference").await;
    browser.click("upload datasets").await;
    browser.wait_for_text("2,100 requests in 30 days").await;
    browser.assert_no_text("make predictions 3").await;
}

#[tokio::test]
async fn edit_form_without_javascript_previews_impact_first() {
    let month = MonthOfUsage::create().await;
    let browser = month.browser(BrowserKind::WithoutScript).await;
    browser.goto(&format!("{KEYS}/{}/edit", month.line.id)).await;
    browser.choose("Inference").await;
    browser.click("Preview impact").await;
    browser.wait_for_text("10.4.0.7, nightly upload/2: 2,100 requests").await;
    assert_eq!(month.api.read(&month.line).await["scopes"], json!(["project"]));
    browser.click("Save changes").await;
    browser.wait_for_text("updated").await;
    assert_eq!(month.api.read(&month.line).await["scopes"], json!(["inference"]));
}
