//! A page of another site calls a service behind each proxy with a publishable key.

use serde_json::{Value, json};

use super::third_party_page::start_shop;
use super::{Browser, BrowserKind};
use crate::proxies::deployment::Deployment;
use crate::proxies::program::Program;

/// Calls a service and reads its response or the denial. The method and headers make browsers send a preflight.
const CALL: &str = "
    const [url, key] = arguments;
    const headers = { 'X-Api-Key': key, 'Content-Type': 'application/json' };
    return fetch(url, { method: 'PUT', headers, body: '{}' }).then(async (answer) =>
        ({ status: answer.status, id: answer.headers.get('X-Request-Id'), body: await answer.json() }));";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishable_key_on_page_is_allowed_behind_each_proxy() {
    let shop = start_shop().await;
    for program in [Program::Nginx, Program::Caddy, Program::HaProxy, Program::Traefik, Program::Envoy] {
        let proxy = Deployment::of(program).await;
        let restrictions = json!({ "origins": ["http://shop.test"] });
        let key = json!({
            "name": "shop", "class": "publishable", "scopes": ["inference"], "restrictions": restrictions
        });
        let key = proxy.api.create_key(key).await;
        let names = [("shop.test", shop.as_str()), ("other.test", shop.as_str())];
        let browser = Browser::open_with(BrowserKind::Usual, &proxy.api.server, &names).await;
        let call = async |page: &str| -> Value {
            browser.goto(page).await;
            browser.wait_for_heading("Shop").await;
            browser.run(CALL, vec![json!(format!("{}/predict/7", proxy.url)), json!(key.secret)]).await
        };
        let answer = call("http://shop.test").await;
        assert_eq!(
            (&answer["status"], &answer["body"]["method"]),
            (&json!(200), &json!("PUT")),
            "{program:?} {answer}"
        );
        let denied = call("http://other.test").await;
        assert_eq!(
            (&denied["status"], &denied["body"]["code"]),
            (&json!(403), &json!("origin_not_allowed")),
            "{program:?} {denied}"
        );
        assert_eq!(
            denied["id"], denied["body"]["request_id"],
            "the page can read the ID: {program:?} {denied}"
        );
    }
}
