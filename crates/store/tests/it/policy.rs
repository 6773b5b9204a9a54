//! The policy of a workspace, and the keys outside it.

use keyrack_store::{AuditAction, ChainStatus, EditWorkspace, NewKey, Policy, StoreError};
use serde_json::json;

use crate::{NOW, World, later, world};

const DAY: u64 = 24 * 3_600;

fn edit(world: &World) -> EditWorkspace<'static> {
    EditWorkspace {
        workspace: world.workspace,
        name: None,
        longest_life: None,
        rotation_age: None,
        actor: world.actor(),
        now: NOW,
    }
}

#[tokio::test]
async fn policy_is_set_removed_and_audited() {
    let world = world().await;
    assert_eq!(world.store.policy(world.workspace).await.unwrap(), Policy::default());
    let set = EditWorkspace { name: Some("Acme 2"), longest_life: Some(Some(90)), ..edit(&world) };
    let (workspace, policy) = world.store.edit_workspace(&set).await.unwrap();
    assert_eq!((workspace.name.as_str(), workspace.slug.as_str()), ("Acme 2", "acme"));
    assert_eq!(policy, Policy { longest_life: Some(90), rotation_age: None });
    // Fields that are left out stay unchanged, and an edit without changes writes no audit entry.
    let age = EditWorkspace { rotation_age: Some(Some(30)), ..edit(&world) };
    world.store.edit_workspace(&age).await.unwrap();
    world.store.edit_workspace(&age).await.unwrap();
    let both = Policy { longest_life: Some(90), rotation_age: Some(30) };
    assert_eq!(world.store.policy(world.workspace).await.unwrap(), both);
    let none = EditWorkspace { longest_life: Some(None), ..edit(&world) };
    assert_eq!(world.store.edit_workspace(&none).await.unwrap().1.longest_life, None);
    let entries = world.store.audit_entries(world.workspace, None, 10).await.unwrap();
    let recorded: Vec<_> = entries.iter().take(3).map(|entry| (entry.action, entry.detail.clone())).collect();
    assert_eq!(
        recorded,
        [
            (AuditAction::WorkspaceEdited, json!({ "maxKeyLifetimeDays": { "before": 90, "after": null } })),
            (AuditAction::WorkspaceEdited, json!({ "rotateAfterDays": { "before": null, "after": 30 } })),
            (
                AuditAction::WorkspaceEdited,
                json!({
                    "name": { "before": "Acme", "after": "Acme 2" },
                    "maxKeyLifetimeDays": { "before": null, "after": 90 },
                })
            ),
        ]
    );
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Whole { entries: 5 });
}

#[tokio::test]
async fn invalid_policy_rows_are_rejected() {
    let world = world().await;
    for days in [0, 3_651] {
        let wrong = EditWorkspace { longest_life: Some(Some(days)), ..edit(&world) };
        assert!(matches!(world.store.edit_workspace(&wrong).await, Err(StoreError::Database(_))));
        let wrong = EditWorkspace { rotation_age: Some(Some(days)), ..edit(&world) };
        assert!(matches!(world.store.edit_workspace(&wrong).await, Err(StoreError::Database(_))));
    }
    assert_eq!(world.store.policy(world.workspace).await.unwrap(), Policy::default());
}

#[tokio::test]
async fn keys_outside_a_policy_are_found() {
    let world = world().await;
    let policy = Policy { longest_life: Some(90), rotation_age: Some(30) };
    for (name, ends) in [("never", None), ("late", Some(91)), ("in time", Some(90)), ("gone", Some(10))] {
        let key = NewKey { expires_at: ends.map(|days| later(days * DAY)), ..world.new_key(name) };
        world.store.create_key(&key).await.unwrap();
    }
    let names = |page: keyrack_store::Page<(keyrack_key::KeyId, String), _>| {
        let mut names: Vec<_> = page.items.into_iter().map(|(_, name)| name).collect();
        // Entries with the same time have any order.
        names.sort_unstable();
        (names, page.next.is_some())
    };
    let end = policy.latest_end(NOW).unwrap();
    let found = names(world.store.keys_expiring_after(world.workspace, end, 10).await.unwrap());
    assert_eq!(found, (vec!["late".to_owned(), "never".to_owned()], false));
    let found = names(world.store.keys_expiring_after(world.workspace, end, 1).await.unwrap());
    assert_eq!((found.0.len(), found.1), (1, true));
    let old = async |now| {
        let made = policy.old_before(now).unwrap();
        names(world.store.keys_not_rotated(world.workspace, made, now, 10).await.unwrap()).0
    };
    assert_eq!(old(later(30 * DAY)).await, [""; 0]);
    assert_eq!(old(later(31 * DAY)).await, ["in time", "late", "never"]);
}
