//! The list of keys: its size at every width, search while typing, sorting, and shortcuts.

use serde_json::Value;

use super::steps::{KEYS, signed_in};
use super::{Browser, BrowserKind, wait};
use crate::harness::{Server, text};

/// Keys of all kinds, with the flags that create them.
const KINDS: [(&str, &[&str]); 7] = [
    ("Line 3 camera", &["--scope", "project"]),
    ("Website demo", &["--scope", "inference", "--class", "publishable"]),
    (
        "Kiosk",
        &[
            "--scope",
            "inference",
            "--network",
            "10.4.0.0/16",
            "--rate-limit",
            "100/60s",
            "--quota",
            "predictions=9/day",
        ],
    ),
    ("Key broker", &["--scope", "keys", "--scope", "project", "--scope", "node"]),
    ("Trial", &["--scope", "inference", "--expires", "5d"]),
    (
        "A name that is much longer than the column in which the list shows it, to its last letter",
        &["--scope", "project"],
    ),
    ("rotating", &["--scope", "project", "--expires", "20h"]),
];

async fn create(server: &Server, name: &str, flags: &[&str]) -> String {
    let arguments = [&["create", "--json", "--name", name][..], flags].concat();
    text(&server.key_command(&arguments).run().await.json()["id"])
}

async fn list_of_all_kinds() -> (Server, Browser) {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let mut last = String::new();
    for (name, flags) in KINDS {
        last = create(&server, name, flags).await;
    }
    server.key_command(&["rotate", &last, "--grace-period", "1h"]).run().await.assert_succeeded();
    browser.goto(KEYS).await;
    (server, browser)
}

/// What the page measures about its layout, in CSS pixels.
const LAYOUT: &str = "
    const rows = [...document.querySelectorAll('.table-keys tbody tr')].map((row) => row.getBoundingClientRect());
    const cut = [...document.querySelectorAll('main :is(a, button, summary, .badge, time)')].filter((one) =>
        one.checkVisibility({ visibilityProperty: true }) && !one.closest('.sr-only, .status-tabs')
        && (one.getBoundingClientRect().right > innerWidth + 0.5 || one.getBoundingClientRect().left < -0.5));
    return {
        tallest: Math.max(...rows.map((row) => row.height)), first: rows[0].top,
        scrolls: document.documentElement.scrollWidth > innerWidth, cut: cut.map((one) => one.outerHTML),
    };";

#[tokio::test]
async fn key_list_fits_each_width_and_stays_dense() {
    let (_server, browser) = list_of_all_kinds().await;
    for width in (320..=1920).step_by(20).chain([390]) {
        browser.set_viewport(width, 844, "light").await;
        let layout: Value = browser.driver().execute(LAYOUT, vec![]).await.unwrap().convert().unwrap();
        assert_eq!(layout["scrolls"], false, "at {width}: {layout}");
        assert_eq!(layout["cut"].as_array().unwrap().len(), 0, "at {width}: {layout}");
        let (tallest, first) = (layout["tallest"].as_f64().unwrap(), layout["first"].as_f64().unwrap());
        match width {
            390 => assert!(tallest <= 132.0 && first < 480.0, "at {width}: {layout}"),
            1440.. => assert!(tallest <= 72.0, "at {width}: {layout}"),
            _ => {}
        }
    }
}

impl Browser {
    async fn names_in_list(&self) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll('.table-keys .name')].map((name) => name.textContent);";
        self.driver().execute(script, vec![]).await.unwrap().convert().unwrap()
    }

    async fn wait_for_names(&self, names: &[&str]) {
        wait("the list", async || {
            let listed = self.names_in_list().await;
            if listed == names { Ok(()) } else { Err(format!("{listed:?}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn key_list_filters_while_user_types_and_sorts_by_column() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    for name in ["beta edge", "alpha edge", "gate"] {
        create(&server, name, &["--scope", "project"]).await;
    }
    browser.goto(KEYS).await;
    browser.wait_for_names(&["gate", "alpha edge", "beta edge"]).await;
    browser.press('/').await;
    browser.focus_is_on("Search by name or last 4 characters").await;
    for letter in "edge".chars() {
        browser.press(letter).await;
    }
    browser.wait_for_names(&["alpha edge", "beta edge"]).await;
    browser.wait_for_path(&format!("{KEYS}?status=active&q=edge&sort=created")).await;
    browser.focus_is_on("Search by name or last 4 characters").await;
    browser.click("Name").await;
    browser.wait_for_names(&["alpha edge", "beta edge"]).await;
    browser.click("Name").await;
    browser.wait_for_names(&["beta edge", "alpha edge"]).await;
    browser.fill("Search by name or last 4 characters", "nothing").await;
    browser.wait_for_text("No matching keys").await;
    browser.check_console("search").await;
}

#[tokio::test]
async fn search_for_whole_secret_finds_key_and_keeps_secret_out_of_url() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("gate", "Project").await;
    let secret = browser.key("dock", "Project").await;
    browser.goto(KEYS).await;
    browser.fill("Search by name or last 4 characters", &secret).await;
    browser.wait_for_names(&["dock"]).await;
    browser.wait_for_path(&format!("{KEYS}?status=active&q={}&sort=created", &secret[40..])).await;
    assert_eq!(browser.value("Search by name or last 4 characters").await, secret[40..]);
    // The same without the script.
    for page in ["/docs/search?q=", "/w/northfield-vision/settings/audit-log?about=", &format!("{KEYS}?q=")] {
        browser.goto(&format!("{page}{secret}")).await;
        browser.wait_for_path(&format!("{page}{}", &secret[40..])).await;
        assert!(!browser.all_content().await.contains(&secret[6..]), "{page}");
    }
    browser.wait_for_names(&["dock"]).await;
    assert!(!browser.all_content().await.contains(&secret[6..]), "the page contains the secret");
    assert!(!server.output().contains(&secret[6..]), "the log contains the secret");
}

#[tokio::test]
async fn shortcut_opens_form_unless_turned_off() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("gate", "Project").await;
    browser.goto(KEYS).await;
    browser.press('n').await;
    browser.wait_for_heading("Add New Key").await;
    browser.press(thirtyfour::Key::Escape).await;
    browser.wait_until_dialog_is_closed().await;
    browser.press('?').await;
    browser.wait_for_heading("Keyboard shortcuts").await;
    browser.check_page_in_each_viewport("shortcuts").await;
    browser.choose("Use the shortcuts / and n").await;
    browser.click("Close").await;
    browser.wait_until_dialog_is_closed().await;
    browser.press('n').await;
    browser.press('?').await;
    browser.wait_for_heading("Keyboard shortcuts").await;
}

#[tokio::test]
async fn created_key_is_highlighted_and_its_id_is_copied() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("gate", "Project").await;
    let id = text(&server.key_command(&["list", "--json"]).run().await.json()["items"][0]["id"]);
    browser.focus_is_on("gate").await;
    browser.wait_for_path(&format!("{KEYS}#{id}")).await;
    browser.click("More actions for gate").await;
    browser.click("Copy ID of gate").await;
    browser.wait_for_text("Copied").await;
    assert_eq!(browser.clipboard_text().await, id);
}

#[tokio::test]
async fn pause_from_list_is_undone_from_its_message() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("gate", "Project").await;
    browser.click_action("Pause", "gate").await;
    browser.click("Pause Key").await;
    browser.wait_for_text("gate is paused.").await;
    browser.check_page_in_each_viewport("keys-paused-message").await;
    browser.click("Undo").await;
    browser.wait_for_text("gate works again.").await;
    browser.goto(KEYS).await;
    browser.row_text("gate").await;
}
