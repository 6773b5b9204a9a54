//! A page of another site requests predictions with a key that it contains.

use axum::Router;
use axum::response::Html;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::steps::KEYS;
use super::{Browser, BrowserKind};
use crate::harness::text;
use crate::predict::fixture::PredictionFixture;
use crate::predict::samples::pattern_image;

/// The origin of the page.
const SHOP: &str = "http://shop.test";

/// Requests a prediction and reads the response.
const ASK: &str = "
    const [url, key, image] = arguments;
    const headers = { 'Authorization': `Bearer ${key}`, 'Content-Type': 'application/json' };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify({ image }) }).then(async (answer) =>
        ({ status: answer.status, limit: answer.headers.get('RateLimit'), body: await answer.json() }));";

/// The same request as the public TypeScript client sends it: over XMLHttpRequest, with its headers and those that tracing
/// and frameworks add.
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

/// Starts a server with one page and returns its address, such as `127.0.0.1:40123`. The server ends with the runtime of
/// the test.
pub(super) async fn start_shop() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = || async { Html("<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1>") };
    let service = Router::new().fallback(page);
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// A third-party page, a workspace with a model, and the owner's browser.
struct ShopFixture {
    predictions: PredictionFixture,
    shop_address: String,
    browser: Browser,
}

impl ShopFixture {
    async fn start() -> Self {
        let (predictions, shop_address) = (PredictionFixture::start().await, start_shop().await);
        let names = [("shop.test", shop_address.as_str())];
        let browser = Browser::open_with(BrowserKind::Usual, &predictions.server, &names).await;
        browser.sign_in().await;
        Self { predictions, shop_address, browser }
    }

    /// The response to a prediction with `key`, as the page at this address reads it.
    async fn predict(&self, page: &str, key: &str) -> Value {
        self.run_script(ASK, page, "/api/v1", key).await
    }

    /// The result of `script` on the page at this address, for the API below `prefix`.
    async fn run_script(&self, script: &str, page: &str, prefix: &str, key: &str) -> Value {
        self.browser.goto(page).await;
        self.browser.wait_for_heading("Shop").await;
        let (server, model) = (&self.predictions.server.url, &self.predictions.classifier);
        let url = format!("{server}{prefix}/predict/classify/{model}/");
        let image = BASE64_STANDARD.encode(pattern_image(0, 9));
        self.browser.run(script, vec![json!(url), json!(key), json!(image)]).await
    }

    /// A key with the scope Project.
    async fn large_key(&self) -> Value {
        let args = ["create", "--name", "Conveyor 2 counter", "--scope", "project", "--json"];
        self.predictions.server.key_command(&args).run().await.json()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exposed_key_on_page_is_denied_and_replaced() {
    let fixture = ShopFixture::start().await;
    let (browser, large) = (&fixture.browser, fixture.large_key().await);
    let answer = fixture.predict(SHOP, &fixture.predictions.key).await;
    assert_eq!(
        (&answer["status"], &answer["body"]["category"]),
        (&json!(200), &json!("striped")),
        "{answer}"
    );
    let denied = fixture.predict(SHOP, &text(&large["secret"])).await;
    assert_eq!(
        (&denied["status"], &denied["body"]["code"]),
        (&json!(403), &json!("key_in_browser")),
        "{denied}"
    );
    assert!(
        text(&denied["body"]["message"]).contains("publishable key"),
        "the page can read the reason: {denied}"
    );

    browser.goto(KEYS).await;
    let row = super::wait("the row shows the exposure", async || {
        browser.reload().await;
        let row = browser.row_text("Conveyor 2 counter").await;
        if row.contains("Exposed in a browser") { Ok(row) } else { Err(row) }
    });
    row.await;
    browser.check_page_in_each_viewport("list-seen").await;
    browser.click("Conveyor 2 counter").await;
    browser.wait_for_text(&format!("on {SHOP}, just now")).await;
    browser.wait_for_text("Anyone who opens the page can read the key.").await;
    browser.check_page_in_each_viewport("key-seen").await;
    browser.click(&format!("Create a publishable key for {SHOP}")).await;
    browser.wait_for_heading("Copy your publishable key").await;
    let secret = browser.value("Publishable key of Page on shop.test").await;
    assert!(secret.starts_with("kr_pk_"), "{secret}");
    browser.check_page_in_each_viewport("reveal-for-page").await;
    browser.click("Copy Publishable Key").await;
    browser.click("Done").await;
    browser.wait_for_heading("API Keys").await;
    let row = browser.row_text("Page on shop.test").await;
    assert!(row.contains("Publishable") && row.contains("60 requests per minute per visitor"), "{row}");

    let answer = fixture.predict(SHOP, &secret).await;
    assert_eq!(
        (&answer["status"], &answer["body"]["category"]),
        (&json!(200), &json!("striped")),
        "{answer}"
    );
    assert!(answer["limit"].is_string(), "the page can read the remaining limit: {answer}");
    let elsewhere = fixture.predict(&format!("http://{}/", fixture.shop_address), &secret).await;
    assert_eq!(elsewhere["body"]["code"], "origin_not_allowed", "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typescript_client_on_other_origin_can_predict() {
    let fixture = ShopFixture::start().await;
    for prefix in ["/api/v1", ""] {
        let answer = fixture.run_script(ASK_AS_PUBLIC_CLIENT, SHOP, prefix, &fixture.predictions.key).await;
        let (status, category) = (&answer["status"], &answer["body"]["category"]);
        assert_eq!((status, category), (&json!(200), &json!("striped")), "{prefix}: {answer}");
        assert!(text(&answer["id"]).starts_with("req_"), "{prefix}: {answer}");
        let denied = fixture.run_script(ASK_AS_PUBLIC_CLIENT, SHOP, prefix, "kr_sk_unknown").await;
        let (status, code) = (&denied["status"], &denied["body"]["code"]);
        assert_eq!((status, code), (&json!(401), &json!("malformed_key")), "{prefix}: {denied}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exposed_key_is_widened_only_after_confirmation() {
    let fixture = ShopFixture::start().await;
    let (browser, large) = (&fixture.browser, fixture.large_key().await);
    fixture.predict(SHOP, &text(&large["secret"])).await;
    let path = format!("{KEYS}/{}", text(&large["id"]));
    super::wait("the key shows the exposure", async || {
        browser.goto(&path).await;
        let text = browser.text().await?;
        if text.contains("Exposed in a browser") { Ok(()) } else { Err(text) }
    })
    .await;
    browser.click("Edit Scopes of Conveyor 2 counter").await;
    browser.wait_for_heading("Edit Scopes").await;
    browser.fill("Name", "Conveyor 3").await;
    browser.expand("dialog .fold").await;
    browser.choose("Manage API keys").await;
    browser.click("Save changes").await;
    browser.wait_for_text("This key was exposed").await;
    browser.wait_for_text("manage API keys").await;
    assert_eq!(browser.value("Name").await, "Conveyor 3", "the form keeps the input");
    browser.check_page_in_each_viewport("edit-seen").await;
    // Without the confirmation, the form asks again.
    browser.click("Save with more access").await;
    browser.wait_for_text("This key was exposed").await;
    browser.choose("I understand that anyone with the exposed key gets this access").await;
    browser.click("Save with more access").await;
    browser.wait_for_text("Conveyor 3 updated.").await;
    browser.check_console("an exposed key").await;
}
