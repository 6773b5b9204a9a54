//! What narrows a key, from the page: a key for public pages with what is offered beside it, and the projects, models and
//! networks of another, with a mistake on the way.

use serde_json::json;

use super::Kind;
use super::steps::{KEYS, signed_in};
use crate::harness::{Server, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_for_public_pages_is_made_with_what_is_offered_beside_it() {
    let (server, browser) = signed_in(Kind::Usual).await;
    browser.click("Add New Key").await;
    browser.headed("Add New Key").await;
    browser.fill("Name", "shop window").await;
    browser.misses("Where will you use this key?").await;
    browser.choose("Inference").await;
    browser.sees("Where will you use this key?").await;
    browser.misses("Allowed origins").await;
    browser.is_fit_in_each_look("narrowing-where").await;
    browser.choose("In a browser or mobile app").await;
    browser.sees("Allowed origins").await;
    browser.fill("Allowed origins", "https://shop.example\nwww.shop.example").await;
    browser.fill("Rate limit per visitor", "10").await;
    browser.fill("Maximum image size", "0,5").await;
    browser.click("Generate Key").await;
    let says = browser.error_beside("Allowed origins").await;
    assert!(says.contains("Line 2, “www.shop.example”"), "{says}");
    assert_eq!(browser.value("Maximum image size").await, "0,5", "nothing typed is lost");
    browser.is_fit_in_each_look("narrowing-public-wrong").await;
    browser.fill("Allowed origins", "https://shop.example\nhttps://*.shop.example").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your publishable key").await;
    let secret = browser.value("Publishable key of shop window").await;
    assert!(secret.starts_with("kr_pk_"), "{secret}");
    browser.is_fit_in_each_look("narrowing-public-reveal").await;
    browser.click("Copy Publishable Key").await;
    browser.click("Done").await;
    browser.no_dialog().await;
    let row = browser.row("shop window").await;
    for says in
        ["Publishable", "2 origins only", "images up to 0.5 MB", "10 requests every minute for each visitor"]
    {
        assert!(row.contains(says), "{says}: {row}");
    }
    browser.click("shop window").await;
    browser.sees("https://shop.example, https://*.shop.example").await;
    browser.is_fit_in_each_look("narrowing-public-key").await;
    assert_eq!(of(&server, "shop window").await["class"], "publishable");
    browser.is_quiet("a public key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_narrowed_and_what_was_wrong_on_the_way_stands_beside_its_field() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let master = server.key(&["project", "keys"]).await;
    for name in ["Bottle caps", "Blood cells"] {
        let project = json!({ "name": name, "projectType": "classification" });
        server.post("/api/v1/projects", &master, project).await.ok();
    }
    browser.key("counter", "Project").await;
    browser.click("Edit Scopes of counter").await;
    browser.headed("Edit Scopes").await;
    browser.unfold("dialog .fold").await;
    browser.sees("There are no models in this workspace yet").await;
    browser.misses("Blood cells").await;
    browser.choose("Only these projects").await;
    browser.choose("Bottle caps").await;
    browser.fill("Allowed IP addresses", "203.0.113.7\n10.4.0.17/16").await;
    browser.fill("Maximum image size", "2").await;
    browser.click("Save changes").await;
    let says = browser.error_beside("Allowed IP addresses").await;
    assert!(says.contains("Line 2") && says.contains("10.4.0.0/16"), "{says}");
    browser.is_fit_in_each_look("narrowing-networks-wrong").await;
    browser.fill("Allowed IP addresses", "203.0.113.7\n10.4.0.0/16").await;
    // What cannot be told from the records is said before it is saved.
    browser.fill("Maximum image size", "2").await;
    browser.sees("What the new projects would have refused cannot be known: it is not recorded.").await;
    browser.sees("What the new largest image would have refused cannot be known").await;
    browser.is_fit_in_each_look("narrowing-narrow-what-if").await;
    browser.click("Save changes").await;
    browser.sees("counter was changed").await;
    let row = browser.row("counter").await;
    assert!(row.contains("1 project only · 2 networks only · images up to 2 MB"), "{row}");
    let key = of(&server, "counter").await;
    assert_eq!(key["restrictions"]["networks"], json!(["10.4.0.0/16", "203.0.113.7/32"]));
    browser.goto(KEYS).await;
    browser.click("counter").await;
    browser.sees("Only these projects").await;
    browser.sees("Bottle caps").await;
    browser.is_fit_in_each_look("narrowing-narrow-key").await;
    browser.is_quiet("a key that is narrowed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fold_says_what_is_set_inside_while_it_is_set() {
    let (server, browser) = signed_in(Kind::Usual).await;
    let master = server.key(&["project", "keys"]).await;
    let project = json!({ "name": "Bottle caps", "projectType": "classification" });
    server.post("/api/v1/projects", &master, project).await.ok();
    browser.click("Add New Key").await;
    browser.headed("Add New Key").await;
    browser.sees("Never expires · all projects · any network").await;
    browser.unfold("dialog .fold").await;
    browser.choose("Only these projects").await;
    browser.choose("Bottle caps").await;
    browser.fill("Allowed IP addresses", "10.4.0.0/16\n\n203.0.113.7").await;
    browser.unfold("dialog .fold").await;
    browser.sees("Never expires · 1 project only · 2 networks only").await;
    browser.is_quiet("the fold").await;
}

#[tokio::test]
async fn a_public_key_is_made_without_script() {
    let (server, browser) = signed_in(Kind::WithoutScript).await;
    browser.click("Add New Key").await;
    browser.fill("Name", "shop window").await;
    browser.choose("Inference").await;
    browser.choose("In a browser or mobile app").await;
    browser.fill("Allowed origins", "https://shop.example").await;
    browser.fill("Maximum image size", "1").await;
    browser.click("Generate Key").await;
    browser.headed("Copy your publishable key").await;
    let key = of(&server, "shop window").await;
    assert_eq!(
        key["restrictions"],
        json!({ "origins": ["https://shop.example"], "maxImageBytes": 1_000_000 })
    );
}

/// The key of this name, as the API tells of it.
async fn of(server: &Server, name: &str) -> serde_json::Value {
    let master = server.key(&["keys"]).await;
    let list = server.get(&format!("/api/v1/keys?q={}", name.replace(' ', "%20")), &master).await.ok().json();
    let keys = list["items"].as_array().unwrap().clone();
    keys.into_iter().find(|key| text(&key["name"]) == name).unwrap()
}
