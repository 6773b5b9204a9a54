//! Several keys, paused, deleted, and exported with the forms of the list.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::Answer;
use crate::usage_history::{DailyUsage, write_usage};
use crate::web_client::WebClient;

/// Submits the selection of these keys.
async fn submit(web: &WebClient<'_>, keys: &[&CreatedKey], fields: &[(&str, &str)]) -> Answer {
    let ids: Vec<_> = keys.iter().map(|key| ("key", key.id.as_str())).collect();
    web.submit(&web.keys("/selected"), &[&ids[..], fields].concat()).await
}

/// The text of the message that the next page shows.
fn message(answer: &Answer) -> String {
    let mut cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let notice = cookies.find_map(|cookie| cookie.strip_prefix("keyrack_notice=")).unwrap();
    let notice = notice.split(';').next().unwrap();
    let text = form_urlencoded::parse(notice.as_bytes()).find(|(name, _)| name == "text");
    text.unwrap().1.into_owned()
}

async fn status(api: &Api, key: &CreatedKey) -> Value {
    api.read(key).await["status"].clone()
}

async fn named(api: &Api, name: &str) -> CreatedKey {
    api.create_key(json!({ "name": name, "scopes": ["project"] })).await
}

#[tokio::test]
async fn selection_is_confirmed_with_the_callers_of_each_key() {
    let mut api = Api::start().await;
    let (used, old, denied) =
        (named(&api, "used").await, named(&api, "old").await, named(&api, "denied").await);
    let mut days = vec![
        DailyUsage::predictions(&used, 3, 1_000),
        DailyUsage::predictions(&old, 9, 5),
        DailyUsage { denied: Some("insufficient_scope"), ..DailyUsage::predictions(&denied, 2, 7) },
    ];
    for address in ["203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.13"] {
        days.push(DailyUsage { address, ..DailyUsage::predictions(&used, 2, 51) });
    }
    write_usage(&mut api.server, &days).await;
    let web = WebClient::sign_in(&api.server).await;
    for (action, title) in [("delete", "Delete 3 keys?"), ("pause", "Pause 3 keys")] {
        let page = submit(&web, &[&used, &old, &denied, &used], &[("do", action)]).await;
        assert_eq!(page.status, 200, "{page:?}");
        for part in [
            title,
            "203.0.113.11, camera/3",
            "; and 2 more callers. 1,204 requests in 7 days.",
            "No requests in 7 days.",
            "Only denied requests in 7 days.",
        ] {
            assert!(page.text.contains(part), "{part}: {page:?}");
        }
        assert_eq!(page.text.matches("Will break").count(), 1, "{page:?}");
    }
    for key in [&used, &old, &denied] {
        assert_eq!(status(&api, key).await, "active", "nothing is changed before the confirmation");
    }
}

#[tokio::test]
async fn confirmed_deletion_deletes_each_selected_key() {
    let api = Api::start().await;
    let keys = [named(&api, "a").await, named(&api, "b").await, named(&api, "c").await];
    let web = WebClient::sign_in(&api.server).await;
    let back = format!("{}?status=active&page=2", web.keys(""));
    let confirmed = [("do", "delete"), ("confirmed", "yes"), ("reason", " moved "), ("back", &back)];
    let long = [("do", "delete"), ("confirmed", "yes"), ("reason", &"r".repeat(201))];
    let invalid = submit(&web, &[&keys[0], &keys[1]], &long).await;
    assert!(invalid.status == 422 && invalid.text.contains("id=\"f-reason-error\""), "{invalid:?}");
    assert_eq!(status(&api, &keys[0]).await, "active");
    let deleted = submit(&web, &[&keys[0], &keys[1]], &confirmed).await;
    assert_eq!((deleted.status.as_u16(), deleted.header("location")), (303, back.as_str()), "{deleted:?}");
    assert_eq!(message(&deleted), "2 keys deleted.");
    for key in &keys[..2] {
        api.projects(&key.secret).await.assert_problem(401, "deleted_key");
        assert_eq!(api.read(key).await["deleted"]["reason"], "moved");
    }
    api.projects(&keys[2].secret).await.ok();
    for (key, actions) in keys.iter().zip([
        &["key_deleted", "key_created"][..],
        &["key_deleted", "key_created"],
        &["key_created"],
    ]) {
        let entries = api.get(&format!("/api/v1/activity?target={}", key.id)).await.ok().json();
        let recorded: Vec<_> =
            entries["items"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(recorded, actions, "{entries}");
    }
}

#[tokio::test]
async fn selected_key_that_was_deleted_before_is_named() {
    let api = Api::start().await;
    let (gate, camera) = (named(&api, "gate").await, named(&api, "Line <3> camera").await);
    let web = WebClient::sign_in(&api.server).await;
    api.delete(&camera.path()).await.ok();
    for (action, title) in [("pause", "1 of 2 keys paused"), ("delete", "1 of 2 keys deleted")] {
        let fields = [("do", action), ("confirmed", "yes"), ("for", "resumed")];
        let result = submit(&web, &[&camera, &gate], &fields).await;
        assert_eq!(result.status, 200, "{result:?}");
        for part in
            [title, "Line &#60;3&#62; camera", "This key was deleted already.", "confirmed on 1 of 1 node"]
        {
            assert!(result.text.contains(part), "{part}: {result:?}");
        }
        assert!(!result.text.contains("<strong>gate"), "{result:?}");
    }
    assert_eq!(status(&api, &gate).await, "deleted");
}

#[tokio::test]
async fn confirmed_pause_pauses_each_selected_key_for_the_duration() {
    let api = Api::start().await;
    let keys = [named(&api, "a").await, named(&api, "b").await];
    let web = WebClient::sign_in(&api.server).await;
    let pause = async |span: &str| {
        let fields =
            [("do", "pause"), ("confirmed", "yes"), ("for", span), ("back", "https://evil.example/")];
        submit(&web, &[&keys[0], &keys[1]], &fields).await
    };
    for span in ["", "0s", "31d", "soon"] {
        let invalid = pause(span).await;
        assert!(invalid.status == 422 && invalid.text.contains("id=\"f-for-error\""), "{span}: {invalid:?}");
        assert_eq!(status(&api, &keys[1]).await, "active");
    }
    let paused = pause("10m").await;
    assert_eq!((paused.status.as_u16(), paused.header("location")), (303, web.keys("").as_str()));
    assert_eq!(message(&paused), "2 keys paused.");
    for key in &keys {
        api.projects(&key.secret).await.assert_problem(401, "paused_key");
        let until =
            api.read(key).await["paused"]["until"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let left = until.duration_since(jiff::Timestamp::now()).unsigned_abs();
        assert!(left <= Duration::from_mins(10), "{left:?}");
    }
    pause("resumed").await;
    assert_eq!(api.read(&keys[0]).await["paused"]["until"], Value::Null);
}

#[tokio::test]
async fn export_of_selected_keys_is_safe_in_a_spreadsheet_and_has_no_secret() {
    let mut api = Api::start().await;
    let formula = named(&api, "=HYPERLINK(\"http://evil.example\");=1+1").await;
    let restricted = json!({ "name": "kiosk", "class": "publishable", "scopes": ["inference"],
        "expiresAt": "2090-01-02T03:04:05Z" });
    let (kiosk, other) = (api.create_key(restricted).await, named(&api, "not selected").await);
    write_usage(&mut api.server, &[DailyUsage::predictions(&kiosk, 0, 1_204)]).await;
    let web = WebClient::sign_in(&api.server).await;
    let file = web.page(&web.keys(&format!("/export?key={}&key={}&do=export", kiosk.id, formula.id))).await;
    assert_eq!(
        (file.status.as_u16(), file.header("content-type")),
        (200, "text/csv; charset=utf-8; header=present"),
        "{file:?}"
    );
    let disposition = file.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"keyrack-keys-20"), "{disposition}");
    assert_eq!(file.header("cache-control"), "no-store");
    let lines: Vec<_> = file.text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3, "{file:?}");
    assert!(lines[0].starts_with("\"name\",\"id\",\"secret\"") && lines[0].ends_with("\"requests_30_days\""));
    let hint = |key: &CreatedKey| key.secret[key.secret.len() - 4..].to_owned();
    let (first, second) = (lines[1], lines[2]);
    let start =
        format!("\"kiosk\",\"{}\",\"kr_pk_…{}\",\"publishable\",\"inference\"", kiosk.id, hint(&kiosk));
    assert!(first.starts_with(&start) && first.ends_with("\"2090-01-02T03:04:05Z\",\"1204\""), "{first}");
    let start = format!("\"'=HYPERLINK(\"\"http://evil.example\"\");=1+1\",\"{}\"", formula.id);
    assert!(second.starts_with(&start) && second.ends_with(",\"\",\"\",\"0\""), "{second}");
    for key in [&formula, &kiosk, &other] {
        assert!(!file.text.contains(&key.secret[6..]), "{file:?}");
    }
    let none = web.page(&web.keys("/export")).await;
    assert_eq!((none.status.as_u16(), message(&none).as_str()), (303, "Select at least one key."));
}
