//! Exposed keys: where they were seen, how long the exposure is known, and which changes need an acknowledgement.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, SLUG, send, text, wait_until};
use crate::web_client::WebClient;

const SHOP: &str = "https://shop.example";

/// A request with a key, as a page of this origin sends it.
async fn request_from_page(api: &Api, secret: &str, origin: &str) -> Answer {
    let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(secret);
    send(request.header("origin", origin).header("sec-fetch-site", "cross-site")).await
}

async fn exposures(api: &Api, key: &CreatedKey) -> Vec<Value> {
    let answer = api.get(&format!("{}/exposures", key.path())).await.ok();
    answer.json()["items"].as_array().unwrap().clone()
}

/// Waits until `number` exposures are recorded, and returns them.
async fn wait_for_exposures(api: &Api, key: &CreatedKey, number: usize) -> Vec<Value> {
    wait_until("the exposures are recorded", async || {
        let all = exposures(api, key).await;
        (all.len() == number).then_some(all)
    })
    .await
}

/// Creates a key and exposes it on a page.
async fn exposed_key(api: &Api, scopes: &[&str]) -> CreatedKey {
    let key = api.create_key_with(scopes).await;
    request_from_page(api, &key.secret, SHOP).await;
    wait_for_exposures(api, &key, 1).await;
    key
}

#[tokio::test]
async fn key_on_page_or_in_url_is_marked_exposed() {
    let mut api = Api::start().await;
    let (large, small) = (api.create_key_with(&["project"]).await, api.create_key_with(&["inference"]).await);
    request_from_page(&api, &large.secret, SHOP).await.assert_problem(403, "key_in_browser");
    request_from_page(&api, &small.secret, SHOP).await.assert_problem(403, "insufficient_scope");
    let in_url = format!("/api/v1/projects?api-key={}", large.secret);
    send(api.server.request(Method::GET, &in_url)).await.assert_problem(400, "key_in_query");
    let all = wait_for_exposures(&api, &large, 2).await;
    let page = all.iter().find(|one| one["kind"] == "browser").unwrap();
    let fields = ["origin", "secretHint", "secretState"].map(|field| page[field].clone());
    assert_eq!(fields, [json!(SHOP), json!(&large.secret[40..]), json!("current")]);
    let url = all.iter().find(|one| one["kind"] == "url").unwrap();
    assert_eq!(url["origin"], Value::Null);
    wait_for_exposures(&api, &small, 1).await;
    assert!(!json!(all).to_string().contains(&large.secret));

    api.server.restart().await;
    assert_eq!(exposures(&api, &large).await, all);
    let elsewhere = crate::fixtures::AccessFixture::start().await;
    let path = format!("/api/v1/keys/{}/exposures", elsewhere.ours.key);
    elsewhere.server.get(&path, &elsewhere.their_key).await.assert_problem(404, "not_found");
    elsewhere.server.get(&path, elsewhere.key()).await.ok();
}

#[tokio::test]
async fn programs_own_pages_and_publishable_keys_are_not_exposed() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let public =
        api.create_key(json!({ "name": "p", "class": "publishable", "scopes": ["inference"] })).await;
    request_from_page(&api, &public.secret, SHOP).await;
    let own = api.server.url.clone();
    for headers in [
        &[][..],
        // The `fetch` of Node.js sends this header.
        &[("sec-fetch-mode", "cors")],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await.ok();
    }
    // Any holder of the key could state an origin, so the server denies it.
    let question = json!({ "workspace": SLUG, "origin": SHOP });
    api.server
        .post("/api/v1/verify", &key.secret, question.clone())
        .await
        .assert_problem(403, "untrusted_facts");
    // The server has recorded all earlier requests once this exposure is recorded.
    exposed_key(&api, &["project"]).await;
    assert!(exposures(&api, &key).await.is_empty() && exposures(&api, &public).await.is_empty());
    let request = api.server.request(Method::POST, "/api/v1/verify").bearer_auth(&key.secret);
    send(request.header("origin", SHOP).json(&question)).await.assert_problem(403, "key_in_browser");
    assert_eq!(
        wait_for_exposures(&api, &key, 1).await[0]["origin"],
        SHOP,
        "a page that sends the request exposes the key"
    );
}

#[tokio::test]
async fn origin_from_trusted_service_is_recorded_as_exposure() {
    let api = Api::start().await;
    let (key, node) = (api.create_key_with(&["project"]).await, api.server.create_secret(&["node"]).await);
    let question = json!({ "workspace": SLUG, "origin": SHOP });
    let denied = api.server.verify_as_service(&node, &key.secret, question).await;
    denied.assert_problem(403, "key_in_browser");
    assert_eq!(wait_for_exposures(&api, &key, 1).await[0]["origin"], SHOP);
}

/// The `fetch` of Node.js sends many of the headers that browsers send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_js_program_is_not_recorded_as_exposure() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let program = "
        const [url, key] = process.argv.slice(1);
        fetch(`${url}/api/v1/projects`, { headers: { 'X-Api-Key': key } })
            .then(async (answer) => console.log(answer.status, await answer.text()));";
    let ran = Command::new("node").args(["--eval", program, &api.server.url, &key.secret]).output();
    let ran = ran.unwrap_or_else(|error| panic!("cannot run node ({error}): ./test installs it"));
    let stdout = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && stdout.starts_with("200 "), "{stdout} {ran:?}");
    exposed_key(&api, &["project"]).await;
    assert!(exposures(&api, &key).await.is_empty());
}

#[tokio::test]
async fn exposure_reported_by_node_is_recorded() {
    let api = Api::start().await;
    let (node, key) = (
        CreatedKey::of(api.server.create_key(&["node"], &[]).await),
        api.create_key_with(&["project"]).await,
    );
    let registered = api.server.post("/api/v1/nodes", &node.secret, json!({ "name": "gate" })).await;
    let path = format!("/api/v1/nodes/{}/usage", text(&registered.json()["id"]));
    let now = jiff::Timestamp::now().to_string();
    let fields = |exposure: &str| {
        json!({ "batch": 1, "keys": [], "callers": [{
            "key": key.id, "hint": &key.secret[40..], "origin": SHOP, "exposure": exposure,
            "denied": "key_in_browser", "first": now, "last": now, "calls": 1 }] })
    };
    api.server.post(&path, &node.secret, fields("elsewhere")).await.assert_problem(422, "invalid");
    api.server.post(&path, &node.secret, fields("browser")).await.ok();
    assert_eq!(exposures(&api, &key).await[0]["origin"], SHOP);
}

#[tokio::test]
async fn exposures_are_limited_to_eight_places() {
    let api = Api::start().await;
    let key = exposed_key(&api, &["project"]).await;
    for number in 0..30 {
        request_from_page(&api, &key.secret, &format!("https://evil{number}.example")).await;
    }
    wait_for_exposures(&api, &key, 8).await;
    // A secret within an origin is masked.
    let other = api.create_key_with(&["project"]).await;
    request_from_page(&api, &other.secret, &format!("https://{}.example", &other.secret[6..])).await;
    let all = wait_for_exposures(&api, &other, 1).await;
    assert_eq!(all[0]["origin"], "https://~.example");
}

#[tokio::test]
async fn exposure_ends_when_exposed_secret_is_retired() {
    let api = Api::start().await;
    let key = exposed_key(&api, &["project"]).await;
    api.rotate(&key, "1h").await;
    let all = exposures(&api, &key).await;
    assert_eq!(all[0]["secretState"], "retiring", "the old secret still works");
    let wider = json!({ "scopes": ["project", "keys"] });
    api.patch(&key.path(), wider.clone()).await.assert_problem(409, "seen_in_public");
    api.post(&format!("{}/retire", key.path()), json!({})).await.ok();
    assert!(exposures(&api, &key).await.is_empty());
    api.patch(&key.path(), wider).await.ok();
}

#[tokio::test]
async fn exposed_key_is_widened_only_with_acknowledgement() {
    let api = Api::start().await;
    let narrow = json!({ "origins": [SHOP], "rate": { "requests": 5, "seconds": 60 } });
    let key = api.create_key(json!({ "name": "k", "scopes": ["inference"], "restrictions": narrow })).await;
    request_from_page(&api, &key.secret, SHOP).await;
    wait_for_exposures(&api, &key, 1).await;
    let denied = api.patch(&key.path(), json!({ "scopes": ["project"] })).await;
    let expected = text(&denied.assert_problem(409, "seen_in_public").json()["message"]);
    for part in [&format!("on {SHOP}"), "manage projects", "acknowledgePublicUse"] {
        assert!(expected.contains(part), "{expected}");
    }
    let rate = json!({ "requests": 6, "seconds": 60 });
    for (wider, names) in [
        (json!({}), "origins, rate"),
        (json!({ "origins": [SHOP] }), "rate"),
        (json!({ "origins": [SHOP], "rate": rate }), "rate"),
        (json!({ "origins": [SHOP, "https://b.example"], "rate": narrow["rate"] }), "origins"),
    ] {
        let denied = api.patch(&key.path(), json!({ "restrictions": wider })).await;
        let expected = text(&denied.assert_problem(409, "seen_in_public").json()["message"]);
        assert!(expected.contains(&format!(": {names}.")), "{expected}");
    }
    assert_eq!(api.read(&key).await["revision"], key.body["revision"]);
    let ends = |at: Value| json!({ "expiresAt": at });
    api.patch(&key.path(), ends(json!("2099-01-01T00:00:00Z"))).await.ok();
    api.patch(&key.path(), ends(json!("2098-01-01T00:00:00Z"))).await.ok();
    for later in [json!("2098-01-02T00:00:00Z"), Value::Null] {
        let denied = api.patch(&key.path(), ends(later)).await.assert_problem(409, "seen_in_public");
        assert!(text(&denied.json()["message"]).contains(": expiresAt."), "{denied:?}");
    }
    let false_yes = json!({ "scopes": ["project"], "acknowledgePublicUse": false });
    api.patch(&key.path(), false_yes).await.assert_problem(409, "seen_in_public");
    api.patch(&key.path(), json!({ "acknowledgePublicUse": "yes" }))
        .await
        .check_field_error("acknowledgePublicUse");
    // A change that grants nothing more needs no acknowledgement.
    let as_narrow = json!({ "name": "renamed", "scopes": ["inference"], "restrictions": narrow });
    api.patch(&key.path(), as_narrow).await.ok();
    let acknowledged = json!({ "scopes": ["project"], "acknowledgePublicUse": true });
    assert_eq!(api.patch(&key.path(), acknowledged).await.ok().json()["scopes"], json!(["project"]));
    api.patch(&key.path(), json!({ "scopes": ["inference"] })).await.ok();

    let edit =
        |more: &[&str]| api.server.key_command(&[&["edit", &key.id, "--scope", "project"], more].concat());
    edit(&[]).run().await.assert_failed(1, "on https://shop.example");
    edit(&["--acknowledge-public-use"]).run().await.assert_succeeded();
    assert_eq!(api.read(&key).await["scopes"], json!(["project"]));
}

#[tokio::test]
async fn recommendation_names_origin_of_exposed_key() {
    let api = Api::start().await;
    let (large, small) = (exposed_key(&api, &["project"]).await, exposed_key(&api, &["inference"]).await);
    let advice = async |key: &CreatedKey| {
        api.get(&format!("{}/recommendations", key.path())).await.ok().json()["items"].clone()
    };
    let all = advice(&large).await;
    assert_eq!((&all[0]["code"], &all[0]["origin"]), (&json!("seen_in_browser"), &json!(SHOP)), "{all}");
    assert!(text(&all[0]["message"]).contains("Use a publishable key there"), "{all}");
    assert_eq!(advice(&small).await, json!([]), "an Inference key is allowed on pages");

    let web = WebClient::sign_in(&api.server).await;
    let page = web.page(&web.keys(&format!("/{}", large.id))).await;
    for expected in [
        "Exposed in a browser",
        "on https://shop.example",
        "Create a publishable key for https://shop.example",
    ] {
        assert!(page.text.contains(expected), "{expected}: {page:?}");
    }
    let page = web.page(&web.keys(&format!("/{}", small.id))).await;
    assert!(
        page.text.contains("This key only has the Inference scope")
            && !page.text.contains("Make an Inference key"),
        "{page:?}"
    );
    let list = web.page(&web.keys("")).await;
    assert_eq!(list.text.matches(">Exposed</span>").count(), 2, "{list:?}");
    assert_eq!(list.text.matches("chip-state-urgent").count(), 1, "{list:?}");
}

#[tokio::test]
async fn replacement_key_is_created_once_for_exposed_origin() {
    let api = Api::start().await;
    let (project, gone) = (api.project("caps").await, api.project("cells").await);
    let quotas = ["images", "predictions"].map(|of| json!({ "of": of, "limit": 9, "per": "day" }));
    let restrictions = json!({ "projects": [project, gone], "networks": ["10.0.0.0/8"], "quotas": quotas });
    let ends = json!("2099-01-01T00:00:00Z");
    let draft =
        json!({ "name": "line", "scopes": ["project"], "restrictions": restrictions, "expiresAt": ends });
    let key = api.create_key(draft).await;
    api.delete(&format!("/api/v1/projects/{gone}")).await.ok();
    request_from_page(&api, &key.secret, SHOP).await;
    wait_for_exposures(&api, &key, 1).await;
    let web = WebClient::sign_in(&api.server).await;
    let (page, click) =
        (web.keys(&format!("/{}", key.id)), web.keys(&format!("/{}/publishable-key", key.id)));
    let nonce = web.nonce(&page).await;
    for origin in ["", "https://evil.example", "https://*.shop.example"] {
        let taken = web.submit(&click, &[("origin", origin), ("nonce", &nonce)]).await;
        assert_eq!((taken.status.as_u16(), taken.header("location")), (303, page.as_str()), "{taken:?}");
    }
    let taken = web.submit(&click, &[("origin", SHOP), ("nonce", &nonce)]).await;
    assert!(taken.status == 200 && taken.text.contains("kr_pk_"), "{taken:?}");
    assert_eq!(taken.header("cache-control"), "no-store");
    let again = web.submit(&click, &[("origin", SHOP), ("nonce", &nonce)]).await;
    assert!(again.status == 409 && !again.text.contains("kr_pk_"), "{again:?}");
    let keys = api.get("/api/v1/keys?class=publishable").await.ok().json();
    let [created] = keys["items"].as_array().unwrap().as_slice() else { panic!("{keys}") };
    assert_eq!(
        (&created["name"], &created["scopes"]),
        (&json!("Page on shop.example"), &json!(["inference"]))
    );
    let visitors = json!({ "requests": 60, "seconds": 60 });
    let expected = json!({
        "projects": [project], "origins": [SHOP], "visitorRate": visitors, "quotas": [quotas[1]],
    });
    assert_eq!(created["restrictions"], expected, "no wider than the exposed key, except for the network");
    assert_eq!(created["expiresAt"], ends, "no later expiry than the exposed key");
}

#[tokio::test]
async fn edit_page_of_exposed_key_asks_and_keeps_input() {
    let api = Api::start().await;
    let key = exposed_key(&api, &["inference"]).await;
    let web = WebClient::sign_in(&api.server).await;
    let path = web.keys(&format!("/{}/edit", key.id));
    let revision = api.read(&key).await["revision"].to_string();
    let form = |scope: &'static str, confirmation: &'static str| {
        let (web, path, revision) = (&web, &path, &revision);
        async move {
            let fields = [
                ("name", "typed & kept"),
                ("scope", scope),
                ("expiry", "never"),
                ("revision", revision),
                ("acknowledge_public_use", confirmation),
                ("confirm_widening", "datasets:upload"),
            ];
            web.submit(path, &fields).await
        }
    };
    let token = "projects:manage datasets:upload models:train";
    // A confirmation of other permissions doesn't count.
    for confirmation in ["", "on", "projects:manage"] {
        let response = form("project", confirmation).await;
        assert_eq!(response.status, 409, "{response:?}");
        for expected in [
            "This key was exposed",
            "https://shop.example",
            "train models",
            token,
            "typed &#38; kept",
            "I understand",
        ] {
            assert!(response.text.contains(expected), "{expected}: {response:?}");
        }
    }
    assert_eq!(api.read(&key).await["scopes"], json!(["inference"]));
    assert_eq!(form("project", token).await.status, 303);
    assert_eq!(api.read(&key).await["scopes"], json!(["project"]));
}
