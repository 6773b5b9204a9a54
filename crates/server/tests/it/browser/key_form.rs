//! The forms of a key: focus after errors, and typed text that Escape would discard.

use super::steps::signed_in;
use super::{BrowserKind, wait};

#[tokio::test]
async fn form_without_scope_focuses_scope_and_clears_error_when_corrected() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "gate").await;
    browser.click("Generate Key").await;
    wait("the focus is on the first scope", async || {
        let script = "return [document.activeElement.name, document.activeElement.value].join('=');";
        let focused: String = browser.driver().execute(script, vec![]).await.unwrap().convert().unwrap();
        if focused == "scope=project" { Ok(()) } else { Err(focused) }
    })
    .await;
    browser.choose("Inference").await;
    let errors = "return document.querySelectorAll('dialog .field-error, dialog [aria-invalid]').length;";
    let errors: u64 = browser.driver().execute(errors, vec![]).await.unwrap().convert().unwrap();
    assert_eq!(errors, 0);
    browser.fill("Name", "").await;
    browser.click("Generate Key").await;
    browser.error_beside("Name").await;
    browser.focus_is_on("Name").await;
}

#[tokio::test]
async fn escape_asks_before_it_discards_typed_text() {
    let (_server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.press(thirtyfour::Key::Escape).await;
    browser.wait_until_dialog_is_closed().await;
    browser.click("Add New Key").await;
    browser.fill("Name", "gate").await;
    browser.press(thirtyfour::Key::Escape).await;
    browser.wait_for_text("Discard your changes?").await;
    assert_eq!(browser.value("Name").await, "gate");
    browser.press(thirtyfour::Key::Escape).await;
    browser.wait_until_dialog_is_closed().await;
    browser.click("Add New Key").await;
    browser.click("Close dialog").await;
    browser.wait_until_dialog_is_closed().await;
}

#[tokio::test]
async fn duplicate_name_is_reported_before_generate_key() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.key("Line 3 camera", "Inference").await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.fill("Name", "Line 3 camera").await;
    browser.wait_for_text("Another key is also named Line 3 camera.").await;
    browser.check_page_in_each_viewport("new-same-name").await;
    browser.fill("Name", "Line 4 camera").await;
    browser.wait_until_text_is_gone("Another key is also named").await;
    let keys = server.key_command(&["list", "--json"]).run().await.json();
    assert_eq!(keys["items"].as_array().map(Vec::len), Some(1), "typing creates no key: {keys}");
}
