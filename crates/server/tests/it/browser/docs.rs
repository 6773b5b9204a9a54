//! The docs in a browser.

use super::BrowserKind;
use super::steps::signed_in;
use super::viewports::NARROW;

/// The contents as they are before the script runs.
const CONTENTS_BEFORE_SCRIPT: &str = "
    const fold = document.querySelector('.toc-fold');
    delete fold.dataset.ready;
    fold.open = true;
    return fold.querySelector('nav').getBoundingClientRect().height > 0";

#[tokio::test]
async fn docs_in_each_viewport_pass_page_checks() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    for (path, heading) in [
        ("/docs", "Quickstart"),
        ("/docs/authentication", "Authentication"),
        ("/docs/errors", "Errors"),
        ("/docs/api/keys", "Keys"),
        ("/docs/guides/verify-keys", "Verify keys in your own services"),
        ("/docs/search?q=rotate", "Search the docs"),
    ] {
        browser.goto(path).await;
        browser.wait_for_heading(heading).await;
        browser.check_page_in_each_viewport(&path.replace(['/', '?', '='], "-")).await;
    }
}

#[tokio::test]
async fn docs_search_and_theme_without_javascript_work() {
    let (_server, browser) = signed_in(BrowserKind::WithoutScript).await;
    browser.click("Docs").await;
    browser.wait_for_heading("Quickstart").await;
    browser.wait_for_text("Workspace Settings").await;
    browser.fill("Search the docs", "quota_exceeded").await;
    browser.click("Search").await;
    browser.wait_for_heading("Search the docs").await;
    browser.click("quota_exceeded").await;
    browser.wait_for_heading("Errors").await;
    browser.goto("/account").await;
    browser.click("Dark").await;
    browser.wait_for_element("//html[@data-theme='dark']", "the dark theme").await;
}

#[tokio::test]
async fn docs_search_with_javascript_follows_typing() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.goto("/docs/search").await;
    browser.wait_for_text("Enter a word").await;
    browser.run::<()>("window.stays = true", vec![]).await;
    browser.fill("Search the docs", "expired_key").await;
    browser.wait_for_text("1 result for").await;
    assert!(browser.run::<bool>("return window.stays", vec![]).await, "the page was loaded again");
}

#[tokio::test]
async fn code_of_each_operation_has_its_own_tabs() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.goto("/docs/api/nodes").await;
    browser.wait_for_heading("Nodes").await;
    let twice: Vec<String> = browser
        .run(
            "const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
             return ids.filter((id, index) => ids.indexOf(id) !== index)",
            vec![],
        )
        .await;
    assert_eq!(twice, Vec::<String>::new());
    browser.run::<()>("document.querySelector('[role=tab]:nth-child(2)').click()", vec![]).await;
    let shown: usize = browser
        .run(
            "return [...document.querySelectorAll('[data-tab=Python]')].filter((one) => !one.hidden).length",
            vec![],
        )
        .await;
    assert_eq!(shown, 1);
}

#[tokio::test]
async fn docs_contents_on_phone_take_no_space_before_script_runs() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.goto("/docs/api/keys").await;
    browser.wait_for_text("Get started").await;
    assert!(browser.run::<bool>(CONTENTS_BEFORE_SCRIPT, vec![]).await);
    browser.set_viewport(NARROW, 740, "light").await;
    assert!(!browser.run::<bool>(CONTENTS_BEFORE_SCRIPT, vec![]).await);
    browser.reload().await;
    browser.wait_for_heading("Keys").await;
    browser.assert_no_text("Get started").await;
    browser.expand(".toc-fold").await;
    browser.wait_for_text("Get started").await;
}

#[tokio::test]
async fn docs_contents_mark_the_section_in_view() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.goto("/docs/api/keys#rotateKey").await;
    browser.wait_for_element("//nav//a[@aria-current='location' and .='Rotate a key']", "the section").await;
    browser.run::<()>("document.getElementById('createKey').scrollIntoView()", vec![]).await;
    browser.wait_for_element("//nav//a[@aria-current='location' and .='Create a key']", "the section").await;
}
