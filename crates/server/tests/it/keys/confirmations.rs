//! The pages that confirm the deletion, pause, and rotation of a key.

use serde_json::{Value, json};

use crate::api::{Api, millis_from_now};
use crate::harness::wait_until;
use crate::usage_history::{DailyUsage, write_usage};
use crate::web_client::WebClient;

#[tokio::test]
async fn deletion_and_pause_list_callers_of_last_week() {
    let mut api = Api::start().await;
    let (key, unused) = (api.create_key_with(&["project"]).await, api.create_key_with(&["project"]).await);
    let camera = |days_ago, calls| DailyUsage::predictions(&key, days_ago, calls);
    let mut days: Vec<_> = (0..7).map(|days_ago| camera(days_ago, 12)).collect();
    days.push(DailyUsage { agent: "nightly upload/2", address: "10.4.0.7", ..camera(1, 3) });
    days.push(DailyUsage { agent: "last month/1", address: "10.4.0.8", ..camera(20, 500) });
    days.push(DailyUsage {
        agent: "denied/1",
        address: "10.4.0.9",
        denied: Some("rate_limited"),
        ..camera(1, 9)
    });
    write_usage(&mut api.server, &days).await;
    let web = WebClient::sign_in(&api.server).await;
    for action in ["delete", "pause"] {
        let page = web.page(&web.keys(&format!("/{}/{action}", key.id))).await.text;
        assert!(page.contains("Requests from these callers will fail:"), "{action}: {page}");
        for line in
            ["203.0.113.9, camera/3: 12 requests per day", "10.4.0.7, nightly upload/2: 3 requests in 7 days"]
        {
            assert!(page.contains(&format!("<li>{line}</li>")), "{action}, {line}: {page}");
        }
        for other in ["last month/1", "denied/1", "and others"] {
            assert!(!page.contains(other), "{action}, {other}: {page}");
        }
        let page = web.page(&web.keys(&format!("/{}/{action}", unused.id))).await.text;
        assert!(!page.contains("these callers"), "{action}: {page}");
    }
    // The old secret keeps working, so a rotation makes no request fail.
    let page = web.page(&web.keys(&format!("/{}/rotate", key.id))).await.text;
    assert!(page.contains("Rotate Key") && !page.contains("camera/3"), "{page}");
}

#[tokio::test]
async fn deletion_of_key_with_many_callers_lists_latest_ones() {
    let mut api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let addresses: Vec<_> = (1..=7).map(|number| format!("10.4.0.{number}")).collect();
    let usage = |(days_ago, address): (u32, &String)| (days_ago, address.clone());
    let used: Vec<_> = (0..7).zip(&addresses).map(usage).collect();
    let days: Vec<_> = used
        .iter()
        .map(|(days_ago, address)| DailyUsage { address, ..DailyUsage::predictions(&key, *days_ago, 7) })
        .collect();
    write_usage(&mut api.server, &days).await;
    let web = WebClient::sign_in(&api.server).await;
    let page = web.page(&web.keys(&format!("/{}/delete", key.id))).await.text;
    for (at, address) in addresses.iter().enumerate() {
        let line = format!("<li>{address}, camera/3: 1 request per day</li>");
        assert_eq!(page.contains(&line), at < 5, "{line}: {page}");
    }
    assert!(page.contains("<li>and others</li>"), "{page}");
}

#[tokio::test]
async fn expired_key_can_be_extended_or_deleted_but_not_paused_or_rotated() {
    let api = Api::start().await;
    let draft = json!({ "name": "gate", "scopes": ["project"], "expiresAt": millis_from_now(200) });
    let key = api.create_key(draft).await;
    let web = WebClient::sign_in(&api.server).await;
    wait_until("the key expires", async || (api.read(&key).await["status"] == "expired").then_some(())).await;
    let path = web.keys(&format!("/{}", key.id));
    let page = web.page(&path).await.text;
    let extend = format!("href=\"{path}/edit#f-expiry\"");
    assert!(page.contains(&extend) && page.contains(&format!("href=\"{path}/delete\"")), "{page}");
    for action in ["pause", "rotate"] {
        let confirm = format!("{path}/{action}");
        assert!(!page.contains(&format!("\"{confirm}\"")), "{action}: {page}");
        let shown = web.page(&confirm).await;
        let fields = [("for", "10m"), ("overlap", "24h"), ("nonce", "")];
        let sent = web.submit(&confirm, &fields).await;
        assert_eq!((shown.status.as_u16(), sent.status.as_u16()), (200, 422), "{action}: {sent:?}");
        for answer in [shown, sent] {
            assert!(
                answer.text.contains("Extend its expiration first.") && answer.text.contains(&extend),
                "{answer:?}"
            );
            assert!(!answer.text.contains("<form class=\"form\""), "{action}: {answer:?}");
        }
    }
    let read = api.read(&key).await;
    assert_eq!((&read["paused"], &read["status"]), (&Value::Null, &json!("expired")));
    assert_eq!(read["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(web.submit(&format!("{path}/delete"), &[("reason", "")]).await.status, 303);
}

#[tokio::test]
async fn confirmation_with_unknown_choice_is_shown_again() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let web = WebClient::sign_in(&api.server).await;
    let path = web.keys(&format!("/{}", key.id));
    let nonce = web.nonce(&format!("{path}/rotate")).await;
    for (action, name) in [("pause", "for"), ("rotate", "overlap")] {
        let fields = [(name, "a week"), ("from", "list"), ("nonce", nonce.as_str())];
        let again = web.submit(&format!("{path}/{action}"), &fields).await;
        assert_eq!(again.status, 422, "{action}: {again:?}");
        let error = format!("id=\"f-{name}-error\"");
        assert!(
            again.text.contains(&error) && again.text.contains("Choose one of the options."),
            "{again:?}"
        );
        let kept = if action == "pause" { "name=\"from\" value=\"list\"" } else { nonce.as_str() };
        assert!(again.text.contains(kept), "{action}: {again:?}");
    }
    assert_eq!(api.read(&key).await["status"], "active");
}
