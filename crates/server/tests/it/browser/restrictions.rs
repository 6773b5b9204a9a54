//! Restrictions on the key forms: a publishable key with its offered restrictions, and projects, models, and networks with
//! an invalid value first.

use serde_json::json;

use super::BrowserKind;
use super::steps::{KEYS, signed_in};
use crate::harness::{Server, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishable_key_is_created_with_offered_restrictions() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    browser.fill("Name", "shop window").await;
    browser.assert_no_text("Where will you use this key?").await;
    browser.choose("Inference").await;
    browser.wait_for_text("Where will you use this key?").await;
    browser.assert_no_text("Allowed origins").await;
    browser.check_page_in_each_viewport("narrowing-where").await;
    browser.choose("In a browser or mobile app").await;
    browser.wait_for_text("Allowed origins").await;
    browser.fill("Allowed origins", "https://shop.example\nwww.shop.example").await;
    browser.fill("Rate limit per visitor", "10").await;
    browser.fill("Maximum image size", "0,5").await;
    browser.click("Generate Key").await;
    let expected = browser.error_beside("Allowed origins").await;
    assert!(expected.contains("Line 2, “www.shop.example”"), "{expected}");
    assert_eq!(browser.value("Maximum image size").await, "0,5", "the form keeps the input");
    browser.check_page_in_each_viewport("narrowing-public-wrong").await;
    browser.fill("Allowed origins", "https://shop.example\nhttps://*.shop.example").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your publishable key").await;
    let secret = browser.value("Publishable key of shop window").await;
    assert!(secret.starts_with("kr_pk_"), "{secret}");
    browser.check_page_in_each_viewport("narrowing-public-reveal").await;
    browser.click("Copy Publishable Key").await;
    browser.click("Done").await;
    browser.wait_until_dialog_is_closed().await;
    let row = browser.row_text("shop window").await;
    for expected in
        ["Publishable", "Only 2 origins", "Images up to 0.5 MB", "10 requests per minute per visitor"]
    {
        assert!(row.contains(expected), "{expected}: {row}");
    }
    browser.click("shop window").await;
    browser.wait_for_text("https://shop.example, https://*.shop.example").await;
    browser.check_page_in_each_viewport("narrowing-public-key").await;
    assert_eq!(key_named(&server, "shop window").await["class"], "publishable");
    browser.check_console("a public key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_restriction_shows_error_beside_its_field() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let manager_key = server.create_secret(&["project", "keys"]).await;
    for name in ["Bottle caps", "Blood cells"] {
        let project = json!({ "name": name, "projectType": "classification" });
        server.post("/api/v1/projects", &manager_key, project).await.ok();
    }
    browser.key("counter", "Project").await;
    browser.click("Edit Scopes of counter").await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.expand("dialog .fold").await;
    browser.wait_for_text("There are no models in this workspace yet").await;
    browser.assert_no_text("Blood cells").await;
    browser.choose("Only these projects").await;
    browser.choose("Bottle caps").await;
    browser.fill("Allowed IP addresses", "203.0.113.7\n10.4.0.17/16").await;
    browser.fill("Maximum image size", "2").await;
    browser.click("Save changes").await;
    let expected = browser.error_beside("Allowed IP addresses").await;
    assert!(expected.contains("Line 2") && expected.contains("10.4.0.0/16"), "{expected}");
    browser.check_page_in_each_viewport("narrowing-networks-wrong").await;
    browser.fill("Allowed IP addresses", "203.0.113.7\n10.4.0.0/16").await;
    // The form says which restrictions the preview cannot judge.
    browser.fill("Maximum image size", "2").await;
    browser
        .wait_for_text("The impact of the new projects can't be previewed because it isn't recorded.")
        .await;
    browser.wait_for_text("The impact of the new maximum image size can't be previewed").await;
    browser.check_page_in_each_viewport("narrowing-narrow-what-if").await;
    browser.click("Save changes").await;
    browser.wait_for_text("counter updated").await;
    let row = browser.row_text("counter").await;
    assert!(row.contains("Only 1 project Only 2 networks Images up to 2 MB"), "{row}");
    let key = key_named(&server, "counter").await;
    assert_eq!(key["restrictions"]["networks"], json!(["10.4.0.0/16", "203.0.113.7/32"]));
    browser.goto(KEYS).await;
    browser.click("counter").await;
    browser.wait_for_text("Bottle caps").await;
    browser.check_page_in_each_viewport("narrowing-narrow-key").await;
    browser.check_console("a restricted key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn form_groups_show_current_summaries() {
    let (server, browser) = signed_in(BrowserKind::Usual).await;
    let manager_key = server.create_secret(&["project", "keys"]).await;
    let project = json!({ "name": "Bottle caps", "projectType": "classification" });
    server.post("/api/v1/projects", &manager_key, project).await.ok();
    browser.click("Add New Key").await;
    browser.wait_for_heading("Add New Key").await;
    for summary in ["Access all projects", "Network any IP address", "Limits none", "Administration none"] {
        browser.wait_for_text(summary).await;
    }
    browser.expand("dialog .fold").await;
    browser.choose("Only these projects").await;
    browser.choose("Bottle caps").await;
    browser.fill("Allowed IP addresses", "10.4.0.0/16\n\n203.0.113.7").await;
    browser.fill("Rate limit", "100").await;
    browser.fill("Maximum image size", "2").await;
    browser.choose("Manage API keys").await;
    for summary in
        ["Access 1 project only", "Network 2 networks only", "Limits 2 limits", "Administration manages keys"]
    {
        browser.wait_for_text(summary).await;
    }
    browser.check_console("summaries of the groups").await;
}

#[tokio::test]
async fn publishable_key_is_created_without_javascript() {
    let (server, browser) = signed_in(BrowserKind::WithoutScript).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "shop window").await;
    browser.choose("Inference").await;
    browser.choose("In a browser or mobile app").await;
    browser.fill("Allowed origins", "https://shop.example").await;
    browser.fill("Maximum image size", "1").await;
    browser.click("Generate Key").await;
    browser.wait_for_heading("Copy your publishable key").await;
    let key = key_named(&server, "shop window").await;
    assert_eq!(
        key["restrictions"],
        json!({ "origins": ["https://shop.example"], "maxImageBytes": 1_000_000 })
    );
}

/// The key with this name, as the API returns it.
async fn key_named(server: &Server, name: &str) -> serde_json::Value {
    let manager_key = server.create_secret(&["keys"]).await;
    let list =
        server.get(&format!("/api/v1/keys?q={}", name.replace(' ', "%20")), &manager_key).await.ok().json();
    let keys = list["items"].as_array().unwrap().clone();
    keys.into_iter().find(|key| text(&key["name"]) == name).unwrap()
}
