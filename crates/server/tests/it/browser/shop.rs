//! A page of somebody else in a real browser: it asks for predictions with a key that it holds, and what becomes of the key.

use axum::Router;
use axum::response::Html;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::steps::KEYS;
use super::{Browser, Kind};
use crate::harness::text;
use crate::predict::paint::painted;
use crate::predict::studio::Studio;

/// Where the page is, for the browser.
const SHOP: &str = "http://shop.test";

/// What the page does: it asks, and reads the answer.
const ASK: &str = "
    const [url, key, image] = arguments;
    const headers = { 'Authorization': `Bearer ${key}`, 'Content-Type': 'application/json' };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify({ image }) }).then(async (answer) =>
        ({ status: answer.status, limit: answer.headers.get('RateLimit'), body: await answer.json() }));";

/// The same as the public TypeScript client sends it, over XMLHttpRequest and with its header, beside those that tracing and
/// frameworks add to each request of a page.
const ASK_AS_PUBLIC_CLIENT: &str = "
    const [url, key, image] = arguments;
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open('POST', url);
        request.setRequestHeader('Accept', 'application/json, text/plain, */*');
        request.setRequestHeader('Content-Type', 'application/json');
        request.setRequestHeader('X-Api-Key', key);
        request.setRequestHeader('X-Client-Sdk', 'Epigos-SDK/Node; Version: 1.0.0');
        request.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
        request.setRequestHeader('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
        request.setRequestHeader('sentry-trace', '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1');
        request.onerror = () => reject(new Error('the browser let no answer through'));
        request.onload = () => resolve({
            status: request.status, id: request.getResponseHeader('X-Request-Id'), body: JSON.parse(request.responseText) });
        request.send(JSON.stringify({ image, confidence: 0.5 }));
    });";

/// A server of one page; it ends with the runtime of its test. Where it listens, such as `127.0.0.1:40123`.
pub(super) async fn shop() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = || async { Html("<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1>") };
    let service = Router::new().fallback(page);
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// A shop, a workspace with a model, and the owner's browser.
struct Visit {
    studio: Studio,
    shop: String,
    browser: Browser,
}

impl Visit {
    async fn begin() -> Self {
        let (studio, shop) = (Studio::open().await, shop().await);
        let names = [("shop.test", shop.as_str())];
        let browser = Browser::open_with(Kind::Usual, &studio.server, &names).await;
        browser.sign_in().await;
        Self { studio, shop, browser }
    }

    /// What the page at this address gets to read when it asks with `key`.
    async fn asks(&self, page: &str, key: &str) -> Value {
        self.runs(ASK, page, "/api/v1", key).await
    }

    /// The result of `script` on the page at this address, for the API below `prefix`.
    async fn runs(&self, script: &str, page: &str, prefix: &str, key: &str) -> Value {
        self.browser.goto(page).await;
        self.browser.headed("Shop").await;
        let (server, model) = (&self.studio.server.url, &self.studio.classifier);
        let url = format!("{server}{prefix}/predict/classify/{model}/");
        let image = BASE64_STANDARD.encode(painted(0, 9));
        self.browser.run(script, vec![json!(url), json!(key), json!(image)]).await
    }

    /// A key that opens more than predictions.
    async fn large_key(&self) -> Value {
        let args = ["create", "--name", "Conveyor 2 counter", "--scope", "project", "--json"];
        self.studio.server.keys(&args).run().await.json()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_predicts_with_inference_and_a_larger_key_on_it_is_marked_and_gets_one_in_its_place() {
    let visit = Visit::begin().await;
    let (browser, large) = (&visit.browser, visit.large_key().await);
    let answer = visit.asks(SHOP, &visit.studio.key).await;
    assert_eq!(
        (&answer["status"], &answer["body"]["category"]),
        (&json!(200), &json!("striped")),
        "{answer}"
    );
    let refused = visit.asks(SHOP, &text(&large["secret"])).await;
    assert_eq!(
        (&refused["status"], &refused["body"]["code"]),
        (&json!(403), &json!("key_in_browser")),
        "{refused}"
    );
    assert!(text(&refused["body"]["message"]).contains("Inference"), "the page can read why: {refused}");

    browser.goto(KEYS).await;
    let row = super::wait("the row is marked", async || {
        browser.reload().await;
        let row = browser.row("Conveyor 2 counter").await;
        if row.contains("Seen in a browser") { Ok(row) } else { Err(row) }
    });
    row.await;
    browser.is_fit_in_each_look("list-seen").await;
    browser.click("Conveyor 2 counter").await;
    browser.sees(&format!("on a page of {SHOP}, just now")).await;
    browser.sees("Whoever opens the page can read the key.").await;
    browser.is_fit_in_each_look("key-seen").await;
    browser.click(&format!("Create a publishable key for {SHOP}")).await;
    browser.headed("Copy your publishable key").await;
    let secret = browser.value("Publishable key of Page on shop.test").await;
    assert!(secret.starts_with("kr_pk_"), "{secret}");
    browser.is_fit_in_each_look("reveal-for-page").await;
    browser.click("Copy Publishable Key").await;
    browser.click("Done").await;
    browser.headed("API Keys").await;
    let row = browser.row("Page on shop.test").await;
    assert!(
        row.contains("Publishable") && row.contains("60 requests every minute for each visitor"),
        "{row}"
    );

    let answer = visit.asks(SHOP, &secret).await;
    assert_eq!(
        (&answer["status"], &answer["body"]["category"]),
        (&json!(200), &json!("striped")),
        "{answer}"
    );
    assert!(answer["limit"].is_string(), "the page can read what is left: {answer}");
    let elsewhere = visit.asks(&format!("http://{}/", visit.shop), &secret).await;
    assert_eq!(elsewhere["body"]["code"], "origin_not_allowed", "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_typescript_client_works_on_a_page_of_another_origin() {
    let visit = Visit::begin().await;
    for prefix in ["/api/v1", ""] {
        let answer = visit.runs(ASK_AS_PUBLIC_CLIENT, SHOP, prefix, &visit.studio.key).await;
        let (status, category) = (&answer["status"], &answer["body"]["category"]);
        assert_eq!((status, category), (&json!(200), &json!("striped")), "{prefix}: {answer}");
        assert!(text(&answer["id"]).starts_with("req_"), "{prefix}: {answer}");
        let denied = visit.runs(ASK_AS_PUBLIC_CLIENT, SHOP, prefix, "kr_sk_unknown").await;
        let (status, code) = (&denied["status"], &denied["body"]["code"]);
        assert_eq!((status, code), (&json!(401), &json!("malformed_key")), "{prefix}: {denied}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_others_have_is_given_more_only_after_a_yes_to_that() {
    let visit = Visit::begin().await;
    let (browser, large) = (&visit.browser, visit.large_key().await);
    visit.asks(SHOP, &text(&large["secret"])).await;
    let path = format!("{KEYS}/{}", text(&large["id"]));
    super::wait("the key is marked", async || {
        browser.goto(&path).await;
        let text = browser.text().await?;
        if text.contains("Seen in a browser") { Ok(()) } else { Err(text) }
    })
    .await;
    browser.click("Edit Scopes of Conveyor 2 counter").await;
    browser.headed("Edit Scopes").await;
    browser.fill("Name", "Conveyor 3").await;
    browser.unfold("dialog .fold").await;
    browser.choose("Manage API keys").await;
    browser.click("Save changes").await;
    browser.sees("This key was exposed").await;
    browser.sees("manage API keys").await;
    assert_eq!(browser.value("Name").await, "Conveyor 3", "nothing typed is lost");
    browser.is_fit_in_each_look("edit-seen").await;
    // Without a yes it is asked again.
    browser.click("Save with more access").await;
    browser.sees("This key was exposed").await;
    browser.choose("I understand that anyone with the exposed key gets this access").await;
    browser.click("Save with more access").await;
    browser.sees("Conveyor 3 was changed.").await;
    browser.is_quiet("a key that others have").await;
}
