//! The audit log as a file.

use keyrack_core::history::{ExportFormat, ExportVerifier, Verification};
use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{Answer, text};

fn verified(format: ExportFormat, file: &str) -> Verification {
    let mut verifier = ExportVerifier::new(format);
    file.split_inclusive('\n').for_each(|line| verifier.line(line.as_bytes()));
    verifier.finish()
}

#[track_caller]
fn holds(format: ExportFormat, answer: &Answer) -> u64 {
    match verified(format, &answer.text) {
        Verification::Intact(held) => held.end.entries,
        Verification::Damaged(wrong) => panic!("{wrong:?}: {}", answer.text),
    }
}

#[tokio::test]
async fn audit_export_in_both_formats_is_complete_and_verifies() {
    let api = Api::start().await;
    // The server writes an export of this size in several chunks.
    for number in 0..520 {
        api.create_key(json!({ "name": format!("=cmd {number};\"'"), "scopes": ["inference"] })).await;
    }
    let lines = api.get("/api/v1/activity/export").await.ok();
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert!(lines.header("content-disposition").starts_with("attachment; filename=\"keyrack-activity-2"));
    assert_eq!(lines.header("cache-control"), "no-store");
    assert_eq!(holds(ExportFormat::JsonLines, &lines), 523);
    let first: Value = serde_json::from_str(lines.text.lines().next().unwrap()).unwrap();
    for name in ["seq", "version", "workspace", "at", "actor", "action", "target", "detail", "prev", "hash"] {
        assert!(!first[name].is_null(), "{name}: {first}");
    }
    let table = api.get("/api/v1/activity/export?format=csv").await.ok();
    assert!(table.header("content-type").starts_with("text/csv"));
    assert_eq!(holds(ExportFormat::Csv, &table), 523);
    api.get("/api/v1/activity/export?format=xml")
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("format");
}

#[tokio::test]
async fn filtered_audit_export_is_marked_as_partial() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    api.create_key_with(&["inference"]).await;
    api.rotate(&key, "0s").await;
    let part = api.get(&format!("/api/v1/activity/export?target={}", key.id)).await.ok();
    assert_eq!(holds(ExportFormat::JsonLines, &part), 2);
    let end: Value = serde_json::from_str(part.text.lines().last().unwrap()).unwrap();
    assert_eq!((&end["end"], &end["first"], &end["last"]), (&json!("part"), &json!(4), &json!(6)));
    assert!(!part.text.contains(&text(&key.body["secret"])[6..38]));
}
