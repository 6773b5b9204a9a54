//! Keys are created, edited, rotated, and deleted.

use keyrack_key::{Allowlist, Class, Grant, KeyId, Restrictions, Scope, WorkspaceId};
use keyrack_rack::Revision;
use keyrack_store::{Actor, DeleteKey, EditKey, KeyRow, NewKey, RotateKey, StoreError};

use crate::{NOW, World, grant, later, rng, secret, snapshot, world};

fn restrictions() -> Restrictions {
    Restrictions {
        networks: Allowlist::Only(["10.0.0.0/8".parse().unwrap()].into()),
        ..Restrictions::default()
    }
}

impl World {
    pub(crate) fn delete(&self, id: KeyId) -> DeleteKey<'static> {
        DeleteKey {
            workspace: self.workspace,
            id,
            reason: Some("leaked"),
            actor: self.actor(),
            now: later(9),
        }
    }

    fn rotate(&self, key: &KeyRow, overlap: u64) -> RotateKey<'static> {
        RotateKey {
            workspace: self.workspace,
            id: key.id,
            expected: key.revision,
            secret: secret(),
            retires_at: later(overlap),
            actor: self.actor(),
            now: NOW,
            idempotency_key: None,
        }
    }

    fn rename<'a>(&self, key: &'a KeyRow, name: &'a str) -> EditKey<'a> {
        EditKey {
            workspace: self.workspace,
            id: key.id,
            expected: key.revision,
            name,
            grant: grant(key.class, &key.scopes.iter().collect::<Vec<_>>()),
            restrictions: key.terms.restrictions.as_ref().unwrap(),
            note: key.note.as_deref(),
            expires_at: key.terms.expires_at,
            actor: self.actor(),
            now: NOW,
        }
    }

    /// Changes the only key as another version of Keyrack would.
    async fn rewrite(&self, set: &str) {
        let sql = format!(
            "BEGIN;
             UPDATE feed_head SET revision = revision + 1, change_id = randomblob(16);
             INSERT INTO changes SELECT f.revision, f.change_id, k.id, 0 FROM feed_head f, keys k;
             UPDATE keys SET {set}, revision = (SELECT revision FROM feed_head);
             COMMIT"
        );
        let console = self.console();
        // On another thread, because a rejected write may still be rolling back on this one.
        tokio::task::spawn_blocking(move || console.execute_batch(&sql)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn created_key_has_the_requested_values() {
    let world = world().await;
    let restrictions = restrictions();
    let new = NewKey {
        restrictions: &restrictions,
        note: Some("for the line"),
        expires_at: Some(later(3600)),
        ..world.new_key("Line 4")
    };
    let created = world.store.create_key(&new).await.unwrap();
    let read = world.store.key(world.workspace, new.id).await.unwrap().unwrap();
    assert_eq!(created, read);
    for key in [&created, &read] {
        assert_eq!(key.name, "Line 4");
        assert_eq!(key.note.as_deref(), Some("for the line"));
        assert_eq!(key.terms.permissions, new.grant.permissions());
        assert_eq!(key.terms.restrictions.as_ref(), Some(&restrictions));
        assert_eq!(key.terms.expires_at, Some(later(3600)));
        assert_eq!(key.created_by.actor, world.actor());
        assert_eq!(key.created_by.name.as_deref(), Some("Ada"));
        assert_eq!(key.revision, Revision(1));
        assert_eq!(key.secrets.len(), 1);
        assert_eq!(key.secrets[0].hint, new.secret.hint);
        assert!(key.deletion.is_none() && key.last_use.is_none());
    }
}

#[tokio::test]
async fn created_key_equals_the_stored_row_for_each_kind_of_actor() {
    let world = world().await;
    let maker = world.key("maker").await;
    let scopes = [Scope::Project, Scope::Inference, Scope::Keys].into_iter().collect();
    let held = Grant::new(Class::Secret, scopes).unwrap();
    let public = Grant::new(Class::Publishable, [Scope::Inference].into_iter().collect()).unwrap();
    let by = [(Actor::Operator, held), (Actor::Key(maker.id), public)];
    for (actor, grant) in by {
        let new = NewKey { actor, grant, ..world.new_key("made") };
        let created = world.store.create_key(&new).await.unwrap();
        assert_eq!(world.store.key(world.workspace, new.id).await.unwrap(), Some(created));
    }
}

#[tokio::test]
async fn key_of_another_workspace_is_not_found() {
    let world = world().await;
    let key = world.key("CI").await;
    let other = WorkspaceId::new(NOW, &mut rng());
    assert!(world.store.key(other, key.id).await.unwrap().is_none());
    let delete = DeleteKey { workspace: other, ..world.delete(key.id) };
    assert!(matches!(world.store.delete_key(&delete).await, Err(StoreError::NotFound)));
    let new = NewKey { workspace: other, ..world.new_key("stray") };
    assert!(matches!(world.store.create_key(&new).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn edit_of_a_stale_revision_is_a_conflict() {
    let world = world().await;
    let key = world.key("CI").await;
    let edited = world.store.edit_key(&world.rename(&key, "CD")).await.unwrap();
    assert_eq!((edited.name.as_str(), edited.revision), ("CD", Revision(2)));
    let late = world.store.edit_key(&world.rename(&key, "mine")).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    let late = world.store.rotate_key(&world.rotate(&key, 0)).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert_eq!(world.store.key(world.workspace, key.id).await.unwrap().unwrap().name, "CD");
}

#[tokio::test]
async fn edit_without_changes_takes_no_revision() {
    let world = world().await;
    let key = world.key("CI").await;
    let same = world.store.edit_key(&world.rename(&key, "CI")).await.unwrap();
    assert_eq!(same.revision, key.revision);
    assert_eq!(world.key("next").await.revision, Revision(2));
}

/// If a later version adds a permission to Project, renaming must not add it to this key.
#[tokio::test]
async fn rename_does_not_widen_a_key_whose_scope_has_grown() {
    let world = world().await;
    let key = world.key("CI").await;
    world.rewrite("permissions = 1").await;
    let before = world.store.key(world.workspace, key.id).await.unwrap().unwrap();
    let renamed = world.store.edit_key(&world.rename(&before, "CD")).await.unwrap();
    assert_eq!(renamed.terms.permissions.bits(), 1);
    let wider = EditKey {
        grant: grant(Class::Secret, &[Scope::Project, Scope::Keys]),
        ..world.rename(&renamed, "CD")
    };
    assert_eq!(world.store.edit_key(&wider).await.unwrap().terms.permissions.bits(), 31);
}

#[tokio::test]
async fn unknown_terms_of_a_newer_version_deny_and_survive_edits() {
    let world = world().await;
    let key = world.key("CI").await;
    for set in [r#"restrictions = '{"weekdays":["mon"]}'"#, "restrictions = '{}', permissions = 2147483649"] {
        world.rewrite(set).await;
        let read = world.store.key(world.workspace, key.id).await.unwrap().unwrap();
        assert!(read.terms.restrictions.is_none() || !read.terms.permissions.is_known());
        let record = snapshot(&world.store, NOW).await.unwrap().records.remove(0);
        assert_eq!(record.terms, read.terms);
        let edit = EditKey { expected: read.revision, ..world.rename(&key, "CD") };
        assert!(matches!(world.store.edit_key(&edit).await, Err(StoreError::NotUnderstood)));
    }
    world.store.delete_key(&world.delete(key.id)).await.unwrap();
}

#[tokio::test]
async fn rotation_revokes_the_retiring_secret_and_retires_the_current_one() {
    let world = world().await;
    let key = world.key("CI").await;
    let second = world.rotate(&key, 3600);
    let once = world.store.rotate_key(&second).await.unwrap();
    assert_eq!(once.secrets[0].hint, second.secret.hint);
    assert_eq!(once.secrets[1].retires_at, Some(later(3600)));
    let twice =
        world.store.rotate_key(&RotateKey { now: later(5), ..world.rotate(&once, 60) }).await.unwrap();
    let ends: Vec<_> = twice.secrets.iter().map(|secret| secret.retires_at).collect();
    assert_eq!(ends, [None, Some(later(60)), Some(later(5))]);
    // After more than a month, the first two secrets are no longer needed.
    let month = 31 * 24 * 3600;
    let third = RotateKey { now: later(month), ..world.rotate(&twice, month) };
    assert_eq!(world.store.rotate_key(&third).await.unwrap().secrets.len(), 2);
}

#[tokio::test]
async fn deletion_is_final_and_has_actor_time_and_reason() {
    let world = world().await;
    let key = world.key("CI").await;
    let deleted = world.store.delete_key(&world.delete(key.id)).await.unwrap();
    let deletion = deleted.deletion.as_ref().unwrap();
    assert_eq!((deletion.at, deletion.reason.as_deref()), (later(9), Some("leaked")));
    assert_eq!(deletion.by.name.as_deref(), Some("Ada"));
    assert_eq!(deleted.revision, Revision(2));
    assert!(matches!(world.store.delete_key(&world.delete(key.id)).await, Err(StoreError::Gone)));
    assert!(matches!(world.store.edit_key(&world.rename(&deleted, "x")).await, Err(StoreError::Gone)));
    assert!(matches!(world.store.rotate_key(&world.rotate(&deleted, 0)).await, Err(StoreError::Gone)));
}

#[tokio::test]
async fn repeated_request_creates_no_second_key_or_secret() {
    let world = world().await;
    let first = NewKey { idempotency_key: Some("t1"), ..world.new_key("CI") };
    let created = world.store.create_key(&first).await.unwrap();
    let again = NewKey { idempotency_key: Some("t1"), ..world.new_key("CI") };
    let repeated = world.store.create_key(&again).await;
    assert!(matches!(repeated, Err(StoreError::Repeated { key }) if key == created.id));
    let rotate = RotateKey { idempotency_key: Some("t2"), ..world.rotate(&created, 0) };
    world.store.rotate_key(&rotate).await.unwrap();
    let repeated = world.store.rotate_key(&RotateKey { secret: secret(), ..rotate }).await;
    assert!(matches!(repeated, Err(StoreError::Repeated { key }) if key == created.id));
    assert_eq!(world.store.delete_idempotency_keys_before(later(1)).await.unwrap(), 2);
    world.store.create_key(&again).await.unwrap();
}
