//! The frame of the pages in a browser: breadcrumbs, icons, print, and themes.

use serde_json::json;

use super::steps::{KEYS, signed_in};
use super::viewports::WIDE;
use super::{Browser, BrowserKind};

const BACKGROUND: &str = "return getComputedStyle(document.body).backgroundColor";
const DARK: &str = "rgb(20, 20, 19)";
const LIGHT: &str = "rgb(251, 250, 248)";

/// The icons of the page that have no shape.
const ICONS_WITHOUT_SHAPE: &str = "
    const uses = [...document.querySelectorAll('svg use')].map((one) => one.getAttribute('href'));
    return uses.length < 5 ? ['no icons'] : uses.filter((href) => !document.querySelector(`symbol${href}`)?.firstElementChild);";

const SHOWN_IN_PRINT: &str = "
    const isShown = (selector) => [...document.querySelectorAll(selector)].some((one) => one.checkVisibility());
    return ['.side', '.bar', '.button', '.filters', '.actions', '.crumbs'].filter(isShown)";

#[tokio::test]
async fn breadcrumbs_lead_to_pages_above() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("conveyor 2 counter", "Inference").await;
    browser.click("conveyor 2 counter").await;
    browser.wait_for_heading("conveyor 2 counter").await;
    let path: String = browser
        .run(
            "return document.querySelector('nav[aria-label=Breadcrumb]').innerText.replace(/\\s+/g, ' ')",
            vec![],
        )
        .await;
    assert_eq!(path, "Northfield Vision API Keys conveyor 2 counter");
    browser.run::<()>("document.querySelector('.crumbs li:nth-child(2) a').click()", vec![]).await;
    browser.wait_for_path(KEYS).await;
    browser.wait_for_heading("API Keys").await;
    let broken: Vec<String> = browser.run(ICONS_WITHOUT_SHAPE, vec![]).await;
    assert_eq!(broken, Vec::<String>::new());
}

#[tokio::test]
async fn printed_list_is_a_table_without_controls() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("conveyor 2 counter", "Inference").await;
    browser.set_viewport(700, 900, "light").await;
    let display = "return getComputedStyle(document.querySelector('.table-keys')).display";
    assert_eq!(browser.run::<String>(display, vec![]).await, "block");
    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
    assert_eq!(browser.run::<String>(display, vec![]).await, "table");
    let shown: Vec<String> = browser.run(SHOWN_IN_PRINT, vec![]).await;
    assert_eq!(shown, Vec::<String>::new());
}

#[tokio::test]
async fn chosen_theme_replaces_theme_of_the_system() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.set_viewport(WIDE, 900, "light").await;
    let color = async |browser: &Browser| browser.run::<String>(BACKGROUND, vec![]).await;
    browser.goto("/account").await;
    assert_eq!(color(&browser).await, LIGHT);
    browser.click("Dark").await;
    browser.wait_for_element("//html[@data-theme='dark']", "the dark theme").await;
    assert_eq!(color(&browser).await, DARK);
    browser.goto("/docs").await;
    assert_eq!(color(&browser).await, DARK);
    browser.check_page("docs in the chosen theme").await;
    browser.set_viewport(WIDE, 900, "dark").await;
    browser.goto("/account").await;
    browser.click("Light").await;
    browser.wait_for_element("//html[@data-theme='light']", "the light theme").await;
    assert_eq!(color(&browser).await, LIGHT);
}
