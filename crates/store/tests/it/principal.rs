//! Each write verifies its principal again, in its own transaction.

use keyrack_key::{Allowlist, Class, Digest, KeyId, Restrictions, Scope, SessionId};
use keyrack_rack::Key;
use keyrack_store::{
    ChangeKey, DeleteKey, EditKey, KeyRow, NewKey, NewSession, Principal, Role, RotateKey, StoreError,
};

use crate::{NOW, World, grant, later, rng, secret, world};

/// The principal of a request with this secret of `key`, without restrictions.
fn principal(key: &KeyRow, secret: Digest) -> Principal {
    let checked = Key {
        key: key.id,
        workspace: key.workspace,
        revision: key.revision,
        name: key.name.as_str().into(),
        class: key.class,
        scopes: key.scopes,
        permissions: key.terms.permissions,
        expires_at: key.terms.expires_at,
        restrictions: None,
    };
    Principal::Key { key: Box::new(checked), secret }
}

impl World {
    /// Returns whether `principal` may write `seconds` after the start, by a write and by `verify`.
    async fn allows(&self, principal: &Principal, seconds: u64) -> Result<(), StoreError> {
        let store = self.store.acting_as(principal.clone(), later(seconds));
        let name = KeyId::new(NOW, &mut rng()).to_string();
        let written = store.create_project(&self.new_project(&name)).await.map(drop);
        let verified = store.verify().await;
        assert_eq!(written.is_ok(), verified.is_ok(), "{written:?} {verified:?}");
        written
    }

    async fn denies(&self, principal: &Principal, seconds: u64) {
        let denied = self.allows(principal, seconds).await;
        assert!(matches!(denied, Err(StoreError::ActorChanged)), "{denied:?}");
    }

    async fn caller(&self, new: NewKey<'_>) -> (KeyRow, Principal) {
        let key = self.store.create_key(&new).await.unwrap();
        let principal = principal(&key, new.secret.digest);
        (key, principal)
    }

    async fn change_key<'a>(&self, key: &'a KeyRow, change: impl FnOnce(&mut EditKey<'a>)) {
        let restrictions = key.terms.restrictions.as_ref().unwrap();
        let current = self.store.key(self.workspace, key.id).await.unwrap().unwrap();
        let mut edit = EditKey {
            workspace: self.workspace,
            id: key.id,
            expected: current.revision,
            name: &key.name,
            grant: grant(key.class, &key.scopes.iter().collect::<Vec<_>>()),
            restrictions,
            note: None,
            expires_at: key.terms.expires_at,
            actor: self.actor(),
            now: NOW,
        };
        change(&mut edit);
        self.store.edit_key(&edit).await.unwrap();
    }
}

#[tokio::test]
async fn deleted_or_paused_key_cannot_write() {
    let world = world().await;
    let (key, deleted) = world.caller(world.new_key("deleted")).await;
    world.allows(&deleted, 0).await.unwrap();
    let (workspace, actor) = (world.workspace, world.actor());
    let delete = DeleteKey { workspace, id: key.id, reason: None, actor, now: NOW };
    world.store.delete_key(&delete).await.unwrap();
    world.denies(&deleted, 0).await;
    let (key, paused) = world.caller(world.new_key("paused")).await;
    let change = ChangeKey { workspace, id: key.id, expected: key.revision, actor, now: NOW };
    world.store.pause_key(&change, Some(later(60))).await.unwrap();
    world.denies(&paused, 59).await;
    world.allows(&paused, 60).await.unwrap();
}

#[tokio::test]
async fn expired_key_and_revoked_secret_cannot_write() {
    let world = world().await;
    let (_, expires) = world.caller(NewKey { expires_at: Some(later(60)), ..world.new_key("ends") }).await;
    world.allows(&expires, 59).await.unwrap();
    world.denies(&expires, 60).await;
    let (key, old) = world.caller(world.new_key("rotated")).await;
    let new = secret();
    let digest = new.digest;
    let rotate = RotateKey {
        workspace: world.workspace,
        id: key.id,
        expected: key.revision,
        secret: new,
        retires_at: later(60),
        actor: world.actor(),
        now: NOW,
        idempotency_key: None,
    };
    let rotated = world.store.rotate_key(&rotate).await.unwrap();
    world.allows(&old, 59).await.unwrap();
    world.denies(&old, 60).await;
    world.allows(&principal(&rotated, digest), 61).await.unwrap();
    world.denies(&principal(&rotated, secret().digest), 0).await;
}

#[tokio::test]
async fn changed_key_can_write_only_if_it_lost_nothing() {
    let world = world().await;
    let (key, renamed) = world.caller(world.new_key("CI")).await;
    world.change_key(&key, |edit| edit.name = "CD").await;
    world.allows(&renamed, 0).await.unwrap();
    world.change_key(&key, |edit| edit.grant = grant(Class::Secret, &[Scope::Project, Scope::Keys])).await;
    world.allows(&renamed, 0).await.unwrap();
    world.change_key(&key, |edit| edit.grant = grant(Class::Secret, &[Scope::Inference])).await;
    world.denies(&renamed, 0).await;
    let nowhere = Restrictions { networks: Allowlist::Only([].into()), ..Restrictions::NONE };
    let (key, narrowed) = world.caller(world.new_key("narrowed")).await;
    world.change_key(&key, |edit| edit.restrictions = &nowhere).await;
    world.denies(&narrowed, 0).await;
    let (key, ends) = world.caller(world.new_key("ends")).await;
    world.change_key(&key, |edit| edit.expires_at = Some(later(3_600))).await;
    world.denies(&ends, 0).await;
}

#[tokio::test]
async fn person_can_write_only_while_signed_in_with_the_role() {
    let world = world().await;
    let (session, user) = (SessionId::new(NOW, &mut rng()), world.owner);
    let new = NewSession {
        id: session,
        digest: secret().digest,
        user,
        address: None,
        agent: None,
        now: NOW,
        expires_at: later(60),
    };
    world.store.create_session(&new).await.unwrap();
    let with = |role| Principal::Session { session, user, role: Some((world.workspace, role)) };
    let (browser, account) = (with(Role::Admin), Principal::Session { session, user, role: None });
    assert!(matches!(world.allows(&browser, 60).await, Err(StoreError::SignedOut)));
    // The rolled back write releases its lock before the next write commits.
    world.allows(&browser, 59).await.unwrap();
    let console = world.console();
    console
        .execute_batch("DROP TRIGGER the_last_owner_keeps_the_role; UPDATE members SET role = 'member'")
        .unwrap();
    assert!(matches!(world.allows(&browser, 0).await, Err(StoreError::RoleLost)));
    world.allows(&with(Role::Member), 0).await.unwrap();
    let import = Principal::Member { user, workspace: world.workspace, role: Role::Member };
    world.store.end_session(user, session).await.unwrap();
    for signed_out in [with(Role::Member), account] {
        assert!(matches!(world.allows(&signed_out, 0).await, Err(StoreError::SignedOut)));
    }
    world.allows(&import, 0).await.unwrap();
    console.execute_batch("DROP TRIGGER the_last_owner_stays; DELETE FROM members").unwrap();
    assert!(matches!(world.allows(&import, 0).await, Err(StoreError::RoleLost)));
}
