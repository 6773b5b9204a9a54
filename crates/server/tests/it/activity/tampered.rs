//! A hand at the tables, beside the server: found by the page, the API and the command line, each naming the entry.

use keyrack_store::Role;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;

use crate::cast::Cast;
use crate::harness::{keyrack, send};

#[tokio::test]
async fn an_entry_that_was_altered_in_the_tables_is_named_everywhere() {
    let mut cast = Cast::assemble().await;
    cast.server.stop().await;
    let tables = Connection::open(cast.server.data().join("keyrack.db")).unwrap();
    tables
        .execute_batch(
            "DROP TRIGGER audit_is_never_rewritten;
             UPDATE audit SET detail = replace(detail, 'of a test', 'of a rest') WHERE seq = 12;",
        )
        .unwrap();
    let ours = cast.ours.id.to_string();
    let altered: String = tables
        .query_row("SELECT detail FROM audit WHERE seq = 12 AND workspace_id = ?1", [&ours], |row| row.get(0))
        .unwrap();
    assert!(altered.contains("of a rest"), "{altered}");
    drop(tables);
    cast.server.restart().await;

    let found = cast.server.get("/api/v1/activity/verify", cast.key()).await.json();
    assert_eq!((&found["verified"], &found["firstInvalid"]), (&json!(false), &json!(12)));
    let owner = cast.member(Role::Owner);
    let page = send(owner.request(&cast.server, Method::GET, "/w/ours/settings/activity/verify")).await;
    assert!(page.text.contains("Entry #12 doesn't match its hash."), "{page:?}");
    // It is shown as it is now.
    let list = send(owner.request(&cast.server, Method::GET, "/w/ours/settings/activity")).await;
    assert_eq!(list.status, 200);

    let export = cast.server.get("/api/v1/activity/export", cast.key()).await;
    let ran = keyrack(["audit", "verify", "-"]).stdin(&export.text).run().await;
    ran.failed(1, "the chain is broken at entry 12 (line 12): its hash does not fit what it says");
}
