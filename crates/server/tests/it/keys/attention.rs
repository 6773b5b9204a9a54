//! The filter for keys that need attention.

use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;

use crate::api::{Api, CreatedKey};
use crate::harness::{send, wait_until};
use crate::usage_history::{DailyUsage, write_usage};
use crate::web_client::WebClient;

const DAY: i64 = 86_400_000_000;

/// Creates a key with this name and these other fields.
async fn create(api: &Api, name: &str, fields: serde_json::Value) -> CreatedKey {
    let mut key = json!({ "name": name, "scopes": ["inference"] });
    key.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    api.create_key(key).await
}

fn in_days(days: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).to_string()
}

/// Moves the creation of keys and of their secrets into the past, and sets the rotation age of the workspace to 50 days.
async fn age(api: &mut Api, keys: &[(&CreatedKey, i64)]) {
    api.server.stop().await;
    let db = Connection::open(api.server.data().join("keyrack.db")).unwrap();
    // The triggers protect the creation of a key.
    let mut all = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let triggers = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let triggers: Vec<(String, String)> = triggers.map(Result::unwrap).collect();
    drop(all);
    for (name, _) in &triggers {
        db.execute(&format!("DROP TRIGGER {name}"), []).unwrap();
    }
    for (key, days) in keys {
        for sql in [
            "UPDATE keys SET created_at = created_at - ?2 WHERE id = ?1",
            "UPDATE key_secrets SET created_at = created_at - ?2 WHERE key_id = ?1",
        ] {
            assert_eq!(db.execute(sql, (&key.id, days * DAY)).unwrap(), 1);
        }
    }
    db.execute("UPDATE workspaces SET rotation_age = 50", []).unwrap();
    for (_, sql) in &triggers {
        db.execute(sql, []).unwrap();
    }
    drop(db);
    api.server.restart().await;
}

#[tokio::test]
async fn each_reason_for_attention_is_found_beyond_the_first_page() {
    let mut api = Api::start().await;
    let predicts = create(&api, "over-scoped", json!({ "scopes": ["project"] })).await;
    let unused = create(&api, "unused", json!({})).await;
    let due = create(&api, "due", json!({})).await;
    let expiring = create(&api, "expiring", json!({ "expiresAt": in_days(5) })).await;
    let exposed = create(&api, "exposed", json!({ "scopes": ["project"] })).await;
    let origins = json!({ "origins": ["https://shop.example"] });
    create(&api, "unlimited", json!({ "class": "publishable", "restrictions": origins })).await;
    let rate = json!({ "rate": { "requests": 10, "seconds": 60 } });
    create(&api, "any origin", json!({ "class": "publishable", "restrictions": rate })).await;
    let later = create(&api, "expires later", json!({ "expiresAt": in_days(20) })).await;
    let paused = create(&api, "paused", json!({})).await;
    api.post(&format!("{}/pause", paused.path()), json!({})).await.ok();
    for number in 0..51 {
        create(&api, &format!("clean {number}"), json!({})).await;
    }
    let in_url = format!("/api/v1/projects?api-key={}", exposed.secret);
    send(api.server.request(Method::GET, &in_url)).await.assert_problem(400, "key_in_query");
    wait_until("the exposure is recorded", async || {
        let all = api.get(&format!("{}/exposures", exposed.path())).await.ok().json();
        (all["items"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let usage = [DailyUsage::predictions(&predicts, 12, 900), DailyUsage::predictions(&due, 1, 4)];
    write_usage(&mut api.server, &usage).await;
    age(
        &mut api,
        &[(&predicts, 20), (&unused, 91), (&due, 60), (&expiring, 30), (&later, 40), (&paused, 95)],
    )
    .await;
    let web = WebClient::sign_in(&api.server).await;
    let first = web.page(&web.keys("")).await.text;
    assert!(!first.contains(">unused</a>") && first.contains("Needs attention"), "{first}");
    let list = web.page(&web.keys("?attention=yes")).await.text;
    for (name, reason) in [
        ("over-scoped", "<span>Over-scoped: only makes predictions</span>"),
        ("unused", "<span>Unused for 90 days</span>"),
        ("due", "<span>Rotation due</span>"),
        ("expiring", "<span>Expires soon</span>"),
        ("exposed", "Exposed"),
        ("unlimited", "<span>No rate limit</span>"),
    ] {
        let row = list.split("<tr role=\"row\" id=").find(|row| row.contains(&format!(">{name}</a>")));
        assert!(row.unwrap_or_else(|| panic!("{name}: {list}")).contains(reason), "{name}: {list}");
    }
    for name in ["clean 0", "clean 50", "any origin"] {
        assert!(!list.contains(&format!(">{name}</a>")), "{name}: {list}");
    }
    assert!(!list.contains("were checked"), "{list}");
    let found = web.page(&web.keys("?attention=yes&q=unus")).await.text;
    assert!(found.contains(">unused</a>") && !found.contains(">due</a>"), "{found}");
    let of_paused = web.page(&web.keys("?attention=yes&status=paused")).await.text;
    assert!(of_paused.contains(">paused</a>") && !of_paused.contains(">unused</a>"), "{of_paused}");
    let of_deleted = web.page(&web.keys("?attention=yes&status=deleted")).await;
    assert_eq!(of_deleted.status, 200, "{of_deleted:?}");
}

#[tokio::test]
async fn attention_filter_without_such_keys_is_empty() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let all = web.page(&web.keys("")).await.text;
    assert!(all.contains("Needs attention <span class=\"tab-count\">0</span>"), "{all}");
    create(&api, "unlimited", json!({ "class": "publishable" })).await;
    let all = web.page(&web.keys("")).await.text;
    assert!(all.contains("Needs attention <span class=\"tab-count\">1</span>"), "{all}");
    for query in ["?attention=yes&q=nothing", "?attention=yes&scope=node"] {
        let none = web.page(&web.keys(query)).await.text;
        assert!(none.contains("No matching keys"), "{none}");
    }
    let expired = web.page(&web.keys("?attention=yes&status=expired")).await.text;
    assert!(expired.contains("No keys need attention"), "{expired}");
    // Another value is ignored.
    let ignored = web.page(&web.keys("?attention=%3Cscript%3E")).await.text;
    assert!(!ignored.contains("Keys that need attention") && !ignored.contains("<script>\""), "{ignored}");
}
