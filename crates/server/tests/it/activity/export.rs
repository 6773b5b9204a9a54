//! The history as a file.

use keyrack_core::history::{Format, Verdict, Verifier};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, text};

fn verified(format: Format, file: &str) -> Verdict {
    let mut verifier = Verifier::new(format);
    file.split_inclusive('\n').for_each(|line| verifier.line(line.as_bytes()));
    verifier.finish()
}

#[track_caller]
fn holds(format: Format, answer: &Answer) -> u64 {
    match verified(format, &answer.text) {
        Verdict::Holds(held) => held.end.entries,
        Verdict::Broken(wrong) => panic!("{wrong:?}: {}", answer.text),
    }
}

#[tokio::test]
async fn both_formats_hold_all_and_are_verified() {
    let desk = Desk::open().await;
    // More than is written in one piece.
    for number in 0..520 {
        desk.make(json!({ "name": format!("=cmd {number};\"'"), "scopes": ["inference"] })).await;
    }
    let lines = desk.get("/api/v1/activity/export").await.ok();
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert!(lines.header("content-disposition").starts_with("attachment; filename=\"keyrack-activity-2"));
    assert_eq!(lines.header("cache-control"), "no-store");
    assert_eq!(holds(Format::JsonLines, &lines), 523);
    let first: Value = serde_json::from_str(lines.text.lines().next().unwrap()).unwrap();
    for name in ["seq", "version", "workspace", "at", "actor", "action", "target", "detail", "prev", "hash"] {
        assert!(!first[name].is_null(), "{name}: {first}");
    }
    let table = desk.get("/api/v1/activity/export?format=csv").await.ok();
    assert!(table.header("content-type").starts_with("text/csv"));
    assert_eq!(holds(Format::Csv, &table), 523);
    desk.get("/api/v1/activity/export?format=xml").await.refused(422, "invalid").names("format");
}

#[tokio::test]
async fn a_filtered_export_says_that_it_is_a_part() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    desk.key(&["inference"]).await;
    desk.rotate(&key, "0s").await;
    let part = desk.get(&format!("/api/v1/activity/export?target={}", key.id)).await.ok();
    assert_eq!(holds(Format::JsonLines, &part), 2);
    let end: Value = serde_json::from_str(part.text.lines().last().unwrap()).unwrap();
    assert_eq!((&end["end"], &end["first"], &end["last"]), (&json!("part"), &json!(4), &json!(6)));
    assert!(!part.text.contains(&text(&key.body["secret"])[6..38]));
}
