//! Keys that were seen in public: where, for how long that is known, and what they are not given without a word.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, SLUG, send, text, until};
use crate::visitor::Visitor;

const SHOP: &str = "https://shop.example";

/// A request with a key, as a page of this origin sends it.
async fn from_page(desk: &Desk, secret: &str, origin: &str) -> Answer {
    let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(secret);
    send(request.header("origin", origin).header("sec-fetch-site", "cross-site")).await
}

async fn sightings(desk: &Desk, key: &Made) -> Vec<Value> {
    let answer = desk.get(&format!("{}/exposures", key.path())).await.ok();
    answer.json()["items"].as_array().unwrap().clone()
}

/// The places, once there are so many.
async fn seen(desk: &Desk, key: &Made, number: usize) -> Vec<Value> {
    until("the sightings are written down", async || {
        let all = sightings(desk, key).await;
        (all.len() == number).then_some(all)
    })
    .await
}

/// A key that was seen on a page of the shop.
async fn seen_key(desk: &Desk, scopes: &[&str]) -> Made {
    let key = desk.key(scopes).await;
    from_page(desk, &key.secret, SHOP).await;
    seen(desk, &key, 1).await;
    key
}

#[tokio::test]
async fn a_key_on_a_page_or_in_a_url_is_marked_whatever_it_was_answered_and_stays_marked() {
    let mut desk = Desk::open().await;
    let (large, small) = (desk.key(&["project"]).await, desk.key(&["inference"]).await);
    from_page(&desk, &large.secret, SHOP).await.refused(403, "key_in_browser");
    from_page(&desk, &small.secret, SHOP).await.refused(403, "insufficient_scope");
    let in_url = format!("/api/v1/projects?api-key={}", large.secret);
    send(desk.server.request(Method::GET, &in_url)).await.refused(400, "key_in_query");
    let all = seen(&desk, &large, 2).await;
    let page = all.iter().find(|one| one["kind"] == "browser").unwrap();
    let told = ["origin", "secretHint", "secretState"].map(|field| page[field].clone());
    assert_eq!(told, [json!(SHOP), json!(&large.secret[40..]), json!("current")]);
    let url = all.iter().find(|one| one["kind"] == "url").unwrap();
    assert_eq!(url["origin"], Value::Null);
    seen(&desk, &small, 1).await;
    assert!(!json!(all).to_string().contains(&large.secret));

    desk.server.restart().await;
    assert_eq!(sightings(&desk, &large).await, all);
    let elsewhere = crate::cast::Cast::assemble().await;
    let path = format!("/api/v1/keys/{}/exposures", elsewhere.ours.key);
    elsewhere.server.get(&path, &elsewhere.their_key).await.refused(404, "not_found");
    elsewhere.server.get(&path, elsewhere.key()).await.ok();
}

#[tokio::test]
async fn programs_our_own_pages_and_keys_that_are_made_for_pages_are_not_marked() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let public = desk.make(json!({ "name": "p", "class": "publishable", "scopes": ["inference"] })).await;
    from_page(&desk, &public.secret, SHOP).await;
    let own = desk.server.url.clone();
    for headers in [
        &[][..],
        // Node's fetch says so.
        &[("sec-fetch-mode", "cors")],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await.ok();
    }
    // Anybody who holds the key could state an origin.
    let question = json!({ "workspace": SLUG, "origin": SHOP });
    desk.server.post("/api/v1/verify", &key.secret, question.clone()).await.refused(403, "untrusted_facts");
    // Written down after all of these.
    seen_key(&desk, &["project"]).await;
    assert!(sightings(&desk, &key).await.is_empty() && sightings(&desk, &public).await.is_empty());
    let asked = desk.server.request(Method::POST, "/api/v1/verify").bearer_auth(&key.secret);
    send(asked.header("origin", SHOP).json(&question)).await.refused(403, "key_in_browser");
    assert_eq!(seen(&desk, &key, 1).await[0]["origin"], SHOP, "a page that asks holds the key");
}

#[tokio::test]
async fn an_origin_that_a_trusted_service_states_is_where_the_key_was_seen() {
    let desk = Desk::open().await;
    let (key, node) = (desk.key(&["project"]).await, desk.server.key(&["node"]).await);
    let question = json!({ "workspace": SLUG, "origin": SHOP });
    let refused = desk.server.verify_as_service(&node, &key.secret, question).await;
    refused.refused(403, "key_in_browser");
    assert_eq!(seen(&desk, &key, 1).await[0]["origin"], SHOP);
}

/// Its `fetch` says of itself much of what browsers say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_in_node_is_not_taken_for_a_browser() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let program = "
        const [url, key] = process.argv.slice(1);
        fetch(`${url}/api/v1/projects`, { headers: { 'X-Api-Key': key } })
            .then(async (answer) => console.log(answer.status, await answer.text()));";
    let ran = Command::new("node").args(["--eval", program, &desk.server.url, &key.secret]).output();
    let ran = ran.unwrap_or_else(|error| panic!("cannot run node ({error}): ./test installs it"));
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.starts_with("200 "), "{said} {ran:?}");
    seen_key(&desk, &["project"]).await;
    assert!(sightings(&desk, &key).await.is_empty());
}

#[tokio::test]
async fn what_a_service_elsewhere_has_seen_is_marked_here() {
    let desk = Desk::open().await;
    let (node, key) = (Made::of(desk.server.make_key(&["node"], &[]).await), desk.key(&["project"]).await);
    let registered = desk.server.post("/api/v1/nodes", &node.secret, json!({ "name": "gate" })).await;
    let path = format!("/api/v1/nodes/{}/usage", text(&registered.json()["id"]));
    let now = jiff::Timestamp::now().to_string();
    let told = |exposure: &str| {
        json!({ "batch": 1, "keys": [], "callers": [{
            "key": key.id, "hint": &key.secret[40..], "origin": SHOP, "exposure": exposure,
            "denied": "key_in_browser", "first": now, "last": now, "calls": 1 }] })
    };
    desk.server.post(&path, &node.secret, told("elsewhere")).await.refused(422, "invalid");
    desk.server.post(&path, &node.secret, told("browser")).await.ok();
    assert_eq!(sightings(&desk, &key).await[0]["origin"], SHOP);
}

#[tokio::test]
async fn however_many_places_somebody_makes_up_eight_are_kept() {
    let desk = Desk::open().await;
    let key = seen_key(&desk, &["project"]).await;
    for number in 0..30 {
        from_page(&desk, &key.secret, &format!("https://evil{number}.example")).await;
    }
    seen(&desk, &key, 8).await;
    // A key in the place of an origin is not kept, either.
    let other = desk.key(&["project"]).await;
    from_page(&desk, &other.secret, &format!("https://{}.example", &other.secret[6..])).await;
    let all = seen(&desk, &other, 1).await;
    assert_eq!(all[0]["origin"], "https://~.example");
}

#[tokio::test]
async fn what_was_seen_is_the_secret_and_a_new_one_was_not() {
    let desk = Desk::open().await;
    let key = seen_key(&desk, &["project"]).await;
    desk.rotate(&key, "1h").await;
    let all = sightings(&desk, &key).await;
    assert_eq!(all[0]["secretState"], "retiring", "whoever has the old one can use it still");
    let wider = json!({ "scopes": ["project", "keys"] });
    desk.patch(&key.path(), wider.clone()).await.refused(409, "seen_in_public");
    desk.post(&format!("{}/retire", key.path()), json!({})).await.ok();
    assert!(sightings(&desk, &key).await.is_empty());
    desk.patch(&key.path(), wider).await.ok();
}

#[tokio::test]
async fn more_is_given_to_a_key_that_was_seen_only_to_whoever_says_so() {
    let desk = Desk::open().await;
    let narrow = json!({ "origins": [SHOP], "rate": { "requests": 5, "seconds": 60 } });
    let key = desk.make(json!({ "name": "k", "scopes": ["inference"], "restrictions": narrow })).await;
    from_page(&desk, &key.secret, SHOP).await;
    seen(&desk, &key, 1).await;
    let refused = desk.patch(&key.path(), json!({ "scopes": ["project"] })).await;
    let says = text(&refused.refused(409, "seen_in_public").json()["message"]);
    for part in [&format!("on a page of {SHOP}"), "manage projects", "acknowledgePublicUse"] {
        assert!(says.contains(part), "{says}");
    }
    let rate = json!({ "requests": 6, "seconds": 60 });
    for (wider, names) in [
        (json!({}), "origins, rate"),
        (json!({ "origins": [SHOP] }), "rate"),
        (json!({ "origins": [SHOP], "rate": rate }), "rate"),
        (json!({ "origins": [SHOP, "https://b.example"], "rate": narrow["rate"] }), "origins"),
    ] {
        let refused = desk.patch(&key.path(), json!({ "restrictions": wider })).await;
        let says = text(&refused.refused(409, "seen_in_public").json()["message"]);
        assert!(says.contains(&format!(": {names};")), "{says}");
    }
    assert_eq!(desk.read(&key).await["revision"], key.body["revision"]);
    let ends = |at: Value| json!({ "expiresAt": at });
    desk.patch(&key.path(), ends(json!("2099-01-01T00:00:00Z"))).await.ok();
    desk.patch(&key.path(), ends(json!("2098-01-01T00:00:00Z"))).await.ok();
    for later in [json!("2098-01-02T00:00:00Z"), Value::Null] {
        let refused = desk.patch(&key.path(), ends(later)).await.refused(409, "seen_in_public");
        assert!(text(&refused.json()["message"]).contains(": expiresAt;"), "{refused:?}");
    }
    let false_yes = json!({ "scopes": ["project"], "acknowledgePublicUse": false });
    desk.patch(&key.path(), false_yes).await.refused(409, "seen_in_public");
    desk.patch(&key.path(), json!({ "acknowledgePublicUse": "yes" }))
        .await
        .names_field("acknowledgePublicUse");
    // What gives nobody more needs no word.
    let as_narrow = json!({ "name": "renamed", "scopes": ["inference"], "restrictions": narrow });
    desk.patch(&key.path(), as_narrow).await.ok();
    let yes = json!({ "scopes": ["project"], "acknowledgePublicUse": true });
    assert_eq!(desk.patch(&key.path(), yes).await.ok().json()["scopes"], json!(["project"]));
    desk.patch(&key.path(), json!({ "scopes": ["inference"] })).await.ok();

    let edit = |more: &[&str]| desk.server.keys(&[&["edit", &key.id, "--scope", "project"], more].concat());
    edit(&[]).run().await.failed(1, "on a page of https://shop.example");
    edit(&["--acknowledge-public-use"]).run().await.succeeded();
    assert_eq!(desk.read(&key).await["scopes"], json!(["project"]));
}

#[tokio::test]
async fn advice_names_the_place_of_a_key_that_holds_more_than_others_may_have() {
    let desk = Desk::open().await;
    let (large, small) = (seen_key(&desk, &["project"]).await, seen_key(&desk, &["inference"]).await);
    let advice = async |key: &Made| {
        desk.get(&format!("{}/recommendations", key.path())).await.ok().json()["items"].clone()
    };
    let all = advice(&large).await;
    assert_eq!((&all[0]["code"], &all[0]["origin"]), (&json!("seen_in_browser"), &json!(SHOP)), "{all}");
    assert!(text(&all[0]["message"]).contains("Inference key of its own"), "{all}");
    assert_eq!(advice(&small).await, json!([]), "it is where it belongs");

    let visitor = Visitor::sign_in(&desk.server).await;
    let page = visitor.page(&visitor.keys(&format!("/{}", large.id))).await;
    for says in [
        "Seen in a browser",
        "on a page of https://shop.example",
        "Create a publishable key for https://shop.example",
    ] {
        assert!(page.text.contains(says), "{says}: {page:?}");
    }
    let page = visitor.page(&visitor.keys(&format!("/{}", small.id))).await;
    assert!(
        page.text.contains("It holds Inference alone") && !page.text.contains("Make an Inference key"),
        "{page:?}"
    );
    let list = visitor.page(&visitor.keys("")).await;
    assert_eq!(list.text.matches("Seen in a browser").count(), 2, "{list:?}");
    assert_eq!(list.text.matches("advised-urgent").count(), 1, "{list:?}");
}

#[tokio::test]
async fn the_offer_makes_a_public_key_for_just_that_page_once() {
    let desk = Desk::open().await;
    let (project, gone) = (desk.project("caps").await, desk.project("cells").await);
    let quotas = ["images", "predictions"].map(|of| json!({ "of": of, "limit": 9, "per": "day" }));
    let restrictions = json!({ "projects": [project, gone], "networks": ["10.0.0.0/8"], "quotas": quotas });
    let ends = json!("2099-01-01T00:00:00Z");
    let draft =
        json!({ "name": "line", "scopes": ["project"], "restrictions": restrictions, "expiresAt": ends });
    let key = desk.make(draft).await;
    desk.delete(&format!("/api/v1/projects/{gone}")).await.ok();
    from_page(&desk, &key.secret, SHOP).await;
    seen(&desk, &key, 1).await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let (page, click) =
        (visitor.keys(&format!("/{}", key.id)), visitor.keys(&format!("/{}/public-key", key.id)));
    let nonce = visitor.nonce(&page).await;
    for origin in ["", "https://evil.example", "https://*.shop.example"] {
        let taken = visitor.submit(&click, &[("origin", origin), ("nonce", &nonce)]).await;
        assert_eq!((taken.status.as_u16(), taken.header("location")), (303, page.as_str()), "{taken:?}");
    }
    let taken = visitor.submit(&click, &[("origin", SHOP), ("nonce", &nonce)]).await;
    assert!(taken.status == 200 && taken.text.contains("kr_pk_"), "{taken:?}");
    assert_eq!(taken.header("cache-control"), "no-store");
    let again = visitor.submit(&click, &[("origin", SHOP), ("nonce", &nonce)]).await;
    assert!(again.status == 409 && !again.text.contains("kr_pk_"), "{again:?}");
    let keys = desk.get("/api/v1/keys?class=publishable").await.ok().json();
    let [made] = keys["items"].as_array().unwrap().as_slice() else { panic!("{keys}") };
    assert_eq!((&made["name"], &made["scopes"]), (&json!("Page on shop.example"), &json!(["inference"])));
    let visitors = json!({ "requests": 60, "seconds": 60 });
    let expected = json!({
        "projects": [project], "origins": [SHOP], "visitorRate": visitors, "quotas": [quotas[1]],
    });
    assert_eq!(
        made["restrictions"], expected,
        "no more than the key whose place it takes, but for the network"
    );
    assert_eq!(made["expiresAt"], ends, "and no longer");
}

#[tokio::test]
async fn the_edit_page_asks_before_it_hands_a_key_to_everybody_and_forgets_nothing_that_was_typed() {
    let desk = Desk::open().await;
    let key = seen_key(&desk, &["inference"]).await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let path = visitor.keys(&format!("/{}/edit", key.id));
    let revision = desk.read(&key).await["revision"].to_string();
    let form = |scope: &'static str, yes: &'static str| {
        let (visitor, path, revision) = (&visitor, &path, &revision);
        async move {
            let fields = [
                ("name", "typed & kept"),
                ("scope", scope),
                ("expiry", "never"),
                ("revision", revision),
                ("acknowledge_public_use", yes),
                ("confirm_widening", "datasets:upload"),
            ];
            visitor.submit(path, &fields).await
        }
    };
    let token = "projects:manage datasets:upload models:train";
    // A yes to something else is none.
    for yes in ["", "on", "projects:manage"] {
        let asked = form("project", yes).await;
        assert_eq!(asked.status, 409, "{asked:?}");
        for says in [
            "This key was exposed",
            "https://shop.example",
            "train models",
            token,
            "typed &#38; kept",
            "I understand",
        ] {
            assert!(asked.text.contains(says), "{says}: {asked:?}");
        }
    }
    assert_eq!(desk.read(&key).await["scopes"], json!(["inference"]));
    assert_eq!(form("project", token).await.status, 303);
    assert_eq!(desk.read(&key).await["scopes"], json!(["project"]));
}
