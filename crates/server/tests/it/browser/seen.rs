//! What was seen of keys, in a real browser: the chart, the callers, the refusals, the advice, and what a change would do.

use keyrack_key::Permission;
use serde_json::{Value, json};

use super::looks::{NARROW, looks};
use super::steps::KEYS;
use super::{Browser, Kind};
use crate::desk::{Desk, Made};
use crate::harness::text;
use crate::past::{Day, passed};

/// A workspace in which a month has passed.
struct Month {
    desk: Desk,
    line: Made,
    gate: Made,
    /// The id of a request that was refused.
    refused: String,
}

impl Month {
    async fn passed() -> Self {
        let mut desk = Desk::open().await;
        let line = desk.make(json!({ "name": "Conveyor 2 counter", "scopes": ["project"] })).await;
        let gate = desk.make(json!({ "name": "Gate camera", "scopes": ["inference"] })).await;
        let public =
            json!({ "name": "Demo on the website", "class": "publishable", "scopes": ["inference"] });
        let public = desk.make(public).await;
        let mut days = Vec::new();
        for ago in 0..29 {
            let calls = 900 + (ago * 137) % 400;
            days.push(Day::predicted(&line, ago, calls));
            if ago % 5 == 1 {
                let permission = Permission::DatasetsUpload;
                days.push(Day {
                    permission,
                    agent: "nightly upload/2",
                    address: "10.4.0.7",
                    ..Day::predicted(&line, ago, 350)
                });
            }
            if ago % 7 == 2 {
                days.push(Day { refused: Some("rate_limited"), ..Day::predicted(&line, ago, 40 + ago) });
            }
            days.push(Day {
                agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
                address: "2001:db8:7::9",
                ..Day::predicted(&public, ago, 3 + ago)
            });
            days.push(Day::predicted(&gate, ago, 20));
        }
        passed(&mut desk.server, &days).await;
        desk.rotate(&gate, "24h").await;
        let refused = desk.projects(&gate.secret).await.refused(403, "insufficient_scope");
        let refused = text(&refused.json()["request_id"]);
        Self { desk, line, gate, refused }
    }

    async fn browser(&self, kind: Kind) -> Browser {
        let browser = Browser::open(kind, &self.desk.server).await;
        browser.sign_in().await;
        browser
    }
}

/// How many bars of each colour are drawn, and in how many different colours.
const DRAWN: &str = "
    const bars = [...document.querySelectorAll('figure.chart path.chart-bars')];
    return { bars: bars.map((one) => one.getAttribute('d').split('M').length - 1).reduce((a, b) => a + b, 0),
        colours: new Set(bars.map((one) => getComputedStyle(one).fill)).size,
        seen: bars.every((one) => one.getBoundingClientRect().height > 1) };";

#[tokio::test]
async fn what_was_seen_of_a_key_is_fit_in_every_width_and_theme() {
    let month = Month::passed().await;
    let browser = month.browser(Kind::Usual).await;
    for (width, theme) in looks() {
        // The whole page at once, for its picture.
        let height = if *width == NARROW { 4200 } else { 1900 };
        browser.look_as(*width, height, theme).await;
        let stop = async |name: &str| {
            browser.picture(&format!("seen-{theme}-{width}-{name}")).await;
            browser.is_fit(&format!("{name} ({theme}, {width})")).await;
        };
        browser.goto(KEYS).await;
        browser.sees("calls in 30 days").await;
        stop("list").await;
        browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
        browser.sees("let through").await;
        let drawn: Value = browser.run(DRAWN, vec![]).await;
        assert!(drawn["bars"].as_u64().unwrap() > 35, "{drawn}");
        assert_eq!((&drawn["colours"], &drawn["seen"]), (&json!(3), &json!(true)));
        stop("key").await;
        browser.unfold(".chart .plot-numbers").await;
        browser.sees("Time (UTC)").await;
        stop("key-numbers").await;
        browser.click("48 hours").await;
        browser.sees("calls in 48 hours").await;
        stop("key-hours").await;
        browser.goto(&format!("{KEYS}/{}", month.gate.id)).await;
        browser.sees("Recently denied").await;
        stop("key-rotating").await;
        browser.goto(&format!("{KEYS}/refusals/{}", month.refused)).await;
        browser.sees("The scopes hold the permission").await;
        stop("refusal").await;
        browser.goto(&format!("{KEYS}/refusals")).await;
        browser.fill("Request ID", "nonsense").await;
        browser.click("Look up").await;
        browser.error_beside("Request ID").await;
        stop("refusals").await;
        browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
        browser.click("Edit Scopes of Conveyor 2 counter").await;
        browser.choose("Inference").await;
        browser.sees("would have been refused").await;
        stop("what-if").await;
    }
}

#[tokio::test]
async fn the_id_of_a_refused_request_leads_to_the_check_and_to_the_place_where_it_is_changed() {
    let month = Month::passed().await;
    let browser = month.browser(Kind::Usual).await;
    browser.click("Look up a denied request").await;
    browser.headed("Look up a denied request").await;
    browser.fill("Request ID", &month.refused).await;
    browser.click("Look up").await;
    browser.headed("Request denied: the scope lacks the permission").await;
    browser.sees("Received projects:manage").await;
    browser.sees("Expected the scope Project; the key has Inference").await;
    browser.click("Change the key").await;
    browser.at(&format!("{KEYS}/{}/edit#f-scope", month.gate.id)).await;
    browser.choose("Project").await;
    browser.sees("It would also be able to: manage projects upload datasets train models").await;
    browser.click("Save changes").await;
    browser.click("Save with more access").await;
    browser.sees("was changed").await;
    browser.goto(&format!("{KEYS}/refusals/{}", month.refused)).await;
    browser.sees("This request would now be allowed.").await;
}

#[tokio::test]
async fn what_a_change_would_refuse_is_said_while_it_is_made_and_advice_takes_one_click() {
    let month = Month::passed().await;
    let browser = month.browser(Kind::Usual).await;
    let row = browser.row("Gate camera").await;
    assert!(row.contains("Nobody has called with it") || row.contains("Last called with"), "{row}");
    browser.click("Edit Scopes of Conveyor 2 counter").await;
    browser.choose("Inference").await;
    browser.sees("10.4.0.7, nightly upload/2: 2,100 calls").await;
    browser.misses("Preview impact").await;
    browser.choose("Project").await;
    browser.sees("0 of ").await;
    browser.loses("nightly upload/2").await;
    browser.click("Cancel").await;
    browser.no_dialog().await;
    browser.goto(&format!("{KEYS}/{}", month.line.id)).await;
    browser.misses("Make it Inference").await;
    browser.click("upload datasets").await;
    browser.sees("2,100 calls in 30 days").await;
    browser.misses("make predictions 3").await;
}

#[tokio::test]
async fn without_script_the_form_is_checked_first() {
    let month = Month::passed().await;
    let browser = month.browser(Kind::WithoutScript).await;
    browser.goto(&format!("{KEYS}/{}/edit", month.line.id)).await;
    browser.choose("Inference").await;
    browser.click("Preview impact").await;
    browser.sees("10.4.0.7, nightly upload/2: 2,100 calls").await;
    assert_eq!(month.desk.read(&month.line).await["scopes"], json!(["project"]));
    browser.click("Save changes").await;
    browser.sees("was changed").await;
    assert_eq!(month.desk.read(&month.line).await["scopes"], json!(["inference"]));
}
