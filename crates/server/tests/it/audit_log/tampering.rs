//! An audit entry that was altered in the database: the page, the API, and the command line all name it.

use keyrack_store::Role;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;

use crate::fixtures::AccessFixture;
use crate::harness::{keyrack, send};

#[tokio::test]
async fn audit_entry_altered_in_database_is_reported_by_verify() {
    let mut fixture = AccessFixture::start().await;
    fixture.server.stop().await;
    let tables = Connection::open(fixture.server.data().join("keyrack.db")).unwrap();
    tables
        .execute_batch(
            "DROP TRIGGER audit_is_never_rewritten;
             UPDATE audit SET detail = replace(detail, 'of a test', 'of a rest') WHERE seq = 12;",
        )
        .unwrap();
    let ours = fixture.ours.id.to_string();
    let altered: String = tables
        .query_row("SELECT detail FROM audit WHERE seq = 12 AND workspace_id = ?1", [&ours], |row| row.get(0))
        .unwrap();
    assert!(altered.contains("of a rest"), "{altered}");
    drop(tables);
    fixture.server.restart().await;

    let found = fixture.server.get("/api/v1/activity/verify", fixture.key()).await.json();
    assert_eq!((&found["verified"], &found["firstInvalid"]), (&json!(false), &json!(12)));
    let owner = fixture.member(Role::Owner);
    let page = send(owner.request(&fixture.server, Method::GET, "/w/ours/settings/audit-log/verify")).await;
    assert!(page.text.contains("Entry #12 doesn't match its hash."), "{page:?}");
    // The list shows the altered entry as it is.
    let list = send(owner.request(&fixture.server, Method::GET, "/w/ours/settings/audit-log")).await;
    assert_eq!(list.status, 200);

    let export = fixture.server.get("/api/v1/activity/export", fixture.key()).await;
    let ran = keyrack(["audit", "verify", "-"]).stdin(&export.text).run().await;
    ran.assert_failed(1, "Verification failed at entry 12 (line 12): The hash doesn't match the entry.");
}
