//! Pausing and resuming keys, and revoking old secrets early.

use keyrack_key::{KeyId, Pause, SecretState, Timestamp};
use keyrack_rack::{Feed, FeedUpdate, Revision};
use keyrack_store::{
    AuditAction, ChangeKey, EditKey, KeyCounts, KeyFilter, KeyRow, KeyStatus, NewKey, RotateKey, StoreError,
};

use crate::constraints::{assert_rejected, run};
use crate::{NOW, World, grant, later, secret, snapshot, world};

impl World {
    fn change(&self, key: &KeyRow, now: Timestamp) -> ChangeKey {
        let (workspace, id, expected, actor) = (self.workspace, key.id, key.revision, self.actor());
        ChangeKey { workspace, id, expected, actor, now }
    }

    async fn again(&self, key: &KeyRow) -> KeyRow {
        self.store.key(self.workspace, key.id).await.unwrap().unwrap()
    }

    async fn overlapping(&self, key: &KeyRow, overlap: u64) -> KeyRow {
        let (workspace, id, expected, actor) = (self.workspace, key.id, key.revision, self.actor());
        let (secret, retires_at, now) = (secret(), later(overlap), NOW);
        let rotate =
            RotateKey { workspace, id, expected, secret, retires_at, actor, now, idempotency_key: None };
        self.store.rotate_key(&rotate).await.unwrap()
    }

    async fn ends(&self, key: &KeyRow, at: Option<Timestamp>) -> Result<KeyRow, StoreError> {
        let key = self.again(key).await;
        let edit = EditKey {
            workspace: self.workspace,
            id: key.id,
            expected: key.revision,
            name: &key.name,
            grant: grant(key.class, &key.scopes.iter().collect::<Vec<_>>()),
            restrictions: key.terms.restrictions.as_ref().unwrap(),
            note: None,
            expires_at: at,
            actor: self.actor(),
            now: NOW,
        };
        self.store.edit_key(&edit).await
    }

    async fn audit_details(&self) -> Vec<(AuditAction, String)> {
        let mut entries = self.store.audit_entries(self.workspace, None, 100).await.unwrap();
        entries.reverse();
        entries.iter().map(|entry| (entry.action, entry.detail.to_string())).collect()
    }
}

#[tokio::test]
async fn pause_is_stored_sent_to_racks_and_audited() {
    let world = world().await;
    let key = world.key("CI").await;
    let before = snapshot(&world.store, NOW).await.unwrap().position;
    let paused = world.store.pause_key(&world.change(&key, later(1)), Some(later(60))).await.unwrap();
    let held = paused.paused_at(later(59)).unwrap();
    assert_eq!((held.at, held.until, held.by.name.as_deref()), (later(1), Some(later(60)), Some("Ada")));
    assert_eq!(paused.paused_at(later(60)), None, "the pause ends at its time");
    assert_eq!(paused.terms.pause, Some(Pause::until(Some(later(60)))));
    assert_eq!(paused.revision, Revision(key.revision.0 + 1));
    let [record] = snapshot(&world.store, NOW).await.unwrap().records.try_into().unwrap();
    assert_eq!(record.terms, paused.terms);
    let FeedUpdate::Frame(frame) = world.store.after(before).await.unwrap() else {
        panic!("another history")
    };
    assert_eq!(frame.changes, [record]);
    let open = world.store.pause_key(&world.change(&paused, later(2)), None).await.unwrap();
    assert_eq!(open.terms.pause, Some(Pause::UNTIL_RESUMED));
    assert!(open.paused_at(later(1_000_000)).is_some());
    let resumed = world.store.resume_key(&world.change(&open, later(3))).await.unwrap();
    assert_eq!((resumed.paused.clone(), resumed.terms.pause), (None, None));
    let again = world.store.resume_key(&world.change(&resumed, later(4))).await.unwrap();
    assert_eq!(again.revision, resumed.revision, "no change");
    let until = format!("{{\"until\":{}}}", later(60).micros());
    let audit_details = world.audit_details().await;
    let expected = [
        (AuditAction::KeyPaused, until.as_str()),
        (AuditAction::KeyPaused, "{\"until\":null}"),
        (AuditAction::KeyResumed, "{\"until\":null}"),
    ];
    assert_eq!(
        audit_details[audit_details.len() - 3..],
        expected.map(|(action, detail)| (action, detail.to_owned()))
    );
}

#[tokio::test]
async fn stale_revision_and_deleted_key_cannot_pause_or_resume() {
    let world = world().await;
    let old = world.key("CI").await;
    world.store.pause_key(&world.change(&old, NOW), None).await.unwrap();
    let stale = world.change(&old, NOW);
    assert!(matches!(world.store.pause_key(&stale, None).await, Err(StoreError::Conflict)));
    assert!(matches!(world.store.resume_key(&stale).await, Err(StoreError::Conflict)));
    assert!(matches!(world.store.retire_key(&stale).await, Err(StoreError::Conflict)));
    world.store.delete_key(&world.delete(old.id)).await.unwrap();
    let deleted = world.again(&old).await;
    assert_eq!(deleted.paused_at(NOW), None, "a deleted key is not paused");
    let change = world.change(&deleted, NOW);
    assert!(matches!(world.store.pause_key(&change, None).await, Err(StoreError::Gone)));
    assert!(matches!(world.store.resume_key(&change).await, Err(StoreError::Gone)));
    let other = ChangeKey { id: KeyId::new(NOW, &mut crate::rng()), ..change };
    assert!(matches!(world.store.pause_key(&other, None).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn lists_filter_keys_by_status() {
    let world = world().await;
    world.key("live").await;
    let ends = NewKey { expires_at: Some(later(10)), ..world.new_key("expired") };
    world.store.create_key(&ends).await.unwrap();
    for (name, until) in [("paused", None), ("paused for long", Some(later(11))), ("over", Some(later(10)))] {
        let key = world.key(name).await;
        world.store.pause_key(&world.change(&key, NOW), until).await.unwrap();
    }
    let both = NewKey { expires_at: Some(later(10)), ..world.new_key("paused and expired") };
    let both = world.store.create_key(&both).await.unwrap();
    world.store.pause_key(&world.change(&both, NOW), None).await.unwrap();
    for (status, expected) in [
        (KeyStatus::Live, &["live", "over"][..]),
        (KeyStatus::Standing, &["live", "over", "paused", "paused for long"]),
        (KeyStatus::Paused, &["paused", "paused and expired", "paused for long"]),
        (KeyStatus::Expired, &["expired"]),
        (KeyStatus::Deleted, &[]),
    ] {
        let filter = KeyFilter { status, ..KeyFilter::any(later(10)) };
        let page = world.store.keys(world.workspace, &filter).await.unwrap();
        let mut names: Vec<_> = page.items.into_iter().map(|key| key.name).collect();
        names.sort();
        assert_eq!(names, expected, "{status:?}");
    }
    let counts = world.store.count_keys_by_status(world.workspace, &KeyFilter::any(later(10))).await.unwrap();
    assert_eq!(counts, KeyCounts { active: 2, paused: 3, expired: 1, deleted: 0 });
}

#[tokio::test]
async fn old_secret_is_revoked_early_and_current_one_stays() {
    let world = world().await;
    let key = world.key("CI").await;
    let rotated = world.overlapping(&key, 3_600).await;
    assert_eq!(rotated.retiring_at(NOW).unwrap().1, later(3_600));
    let retired = world.store.retire_key(&world.change(&rotated, later(5))).await.unwrap();
    assert_eq!(retired.retiring_at(later(5)), None);
    assert_eq!(retired.secrets[1].retires_at, Some(later(5)));
    let [record] = snapshot(&world.store, NOW).await.unwrap().records.try_into().unwrap();
    let states: Vec<_> = record.secrets.iter().map(|(_, state)| *state).collect();
    assert!(states.contains(&SecretState::Current) && states.contains(&SecretState::Retiring(later(5))));
    let again = world.store.retire_key(&world.change(&retired, later(6))).await.unwrap();
    assert_eq!(again.revision, retired.revision, "no change");
    let hint = format!("{{\"hint\":\"{}\"}}", key.secrets[0].hint);
    assert_eq!(world.audit_details().await.last().unwrap(), &(AuditAction::KeyRetired, hint));
}

#[tokio::test]
async fn secret_retires_no_later_than_its_key_expires() {
    let world = world().await;
    let key = world.overlapping(&world.key("CI").await, 3_600).await;
    let ends = async |at| world.ends(&key, at).await.unwrap().secrets[1].retires_at;
    assert_eq!(ends(Some(later(7_200))).await, Some(later(3_600)));
    assert_eq!(ends(Some(later(60))).await, Some(later(60)));
    assert_eq!(ends(None).await, Some(later(60)), "a secret never retires later than announced");
    // The database rejects a later time, too.
    let console = world.console();
    world.ends(&key, Some(later(100))).await.unwrap();
    let late = later(101).micros();
    let sql = format!("UPDATE key_secrets SET retires_at = {late} WHERE retires_at IS NULL");
    assert_rejected(run(&console, sql), "no secret outlives its key");
}
