//! Audit entries are written with the change, and the chain detects tampering.

use keyrack_key::{Class, Scope};
use keyrack_store::{AuditAction, ChainStatus, DeleteKey, EditKey, StoreError};
use serde_json::json;

use crate::{NOW, World, grant, later, world};

async fn busy_world() -> World {
    let world = world().await;
    let key = world.key("CI").await;
    let edit = EditKey {
        workspace: world.workspace,
        id: key.id,
        expected: key.revision,
        name: "CD",
        grant: grant(Class::Secret, &[Scope::Inference]),
        restrictions: key.terms.restrictions.as_ref().unwrap(),
        note: None,
        expires_at: Some(later(60)),
        actor: world.actor(),
        now: NOW,
    };
    world.store.edit_key(&edit).await.unwrap();
    let delete = DeleteKey {
        workspace: world.workspace,
        id: key.id,
        reason: Some("leaked"),
        actor: world.actor(),
        now: NOW,
    };
    world.store.delete_key(&delete).await.unwrap();
    world
}

#[tokio::test]
async fn audit_entries_have_actor_action_and_previous_values() {
    let world = busy_world().await;
    let entries = world.store.audit_entries(world.workspace, None, 10).await.unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| (entry.seq, entry.action)).collect();
    assert_eq!(
        actions,
        [
            (5, AuditAction::KeyDeleted),
            (4, AuditAction::KeyEdited),
            (3, AuditAction::KeyCreated),
            (2, AuditAction::MemberJoined),
            (1, AuditAction::WorkspaceCreated),
        ]
    );
    assert!(entries.iter().all(|entry| entry.by.name.as_deref() == Some("Ada")));
    assert_eq!(
        entries[1].detail,
        json!({
            "name": {"before": "CI", "after": "CD"},
            "scopes": {"before": ["project"], "after": ["inference"]},
            "permissions": {
                "before": ["projects:manage", "datasets:upload", "models:train", "models:predict"],
                "after": ["models:predict"],
            },
            "expiresAt": {"before": null, "after": later(60).micros()},
        })
    );
    let older = world.store.audit_entries(world.workspace, Some(4), 1).await.unwrap();
    assert_eq!(older, entries[2..3]);
}

#[tokio::test]
async fn rejected_change_writes_no_audit_entry() {
    let world = world().await;
    let key = world.key("CI").await;
    let before = world.store.audit_entries(world.workspace, None, 10).await.unwrap();
    let again = keyrack_store::NewKey { id: key.id, ..world.new_key("twin") };
    assert!(matches!(world.store.create_key(&again).await, Err(StoreError::Database(_))));
    assert_eq!(world.store.audit_entries(world.workspace, None, 10).await.unwrap(), before);
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Whole { entries: 3 });
}

const AS_BEFORE: &str = "UPDATE audit SET (version, at, actor, action, target, detail, prev, hash) =
    (SELECT version, at, actor, action, target, detail, prev, hash FROM spare s WHERE s.seq = audit.seq)";

/// Changes a byte of each column in turn.
#[tokio::test]
async fn altered_byte_breaks_the_chain_at_its_entry() {
    let world = busy_world().await;
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Whole { entries: 5 });
    let console = world.console();
    console
        .execute_batch("DROP TRIGGER audit_is_never_rewritten; CREATE TABLE spare AS SELECT * FROM audit")
        .unwrap();
    let flip = |column: &str| {
        format!(
            "CAST(substr(CAST({column} AS BLOB), 1, 1) || char(126) || substr(CAST({column} AS BLOB), 3) AS TEXT)"
        )
    };
    let mut changes: Vec<String> =
        ["actor", "action", "target", "detail"].map(|column| format!("{column} = {}", flip(column))).into();
    changes.extend(
        ["at = at + 1", "version = 2", "hash = randomblob(32)", "prev = randomblob(32)"].map(String::from),
    );
    // Bytes that aren't UTF-8 were changed, too.
    changes.push("detail = CAST(x'ff' AS TEXT)".into());
    for change in changes {
        for seq in [1_u64, 3, 5] {
            let altered = format!("UPDATE audit SET {change} WHERE seq = {seq}");
            console.execute_batch(&altered).unwrap();
            let found = world.store.verify_chain(world.workspace).await.unwrap();
            assert_eq!(found, ChainStatus::Broken { seq }, "{change}");
            console.execute_batch(AS_BEFORE).unwrap();
        }
    }
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Whole { entries: 5 });
}

#[tokio::test]
async fn missing_entry_breaks_the_chain_even_at_the_end() {
    let world = busy_world().await;
    let console = world.console();
    console.execute_batch("DROP TRIGGER audit_is_never_removed; DELETE FROM audit WHERE seq = 5").unwrap();
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Broken { seq: 5 });
    console.execute_batch("DELETE FROM audit WHERE seq = 2").unwrap();
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Broken { seq: 2 });
}
