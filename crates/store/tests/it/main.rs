//! The behavior that every database behind the store must have. The tests get an empty store from [`fresh`] and use
//! only its interface, except for tests that write invalid rows directly.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod activity;
mod audit;
mod callers;
mod constraints;
mod datasets;
mod denials;
mod dropped_callers;
mod exposures;
mod feed;
mod group;
mod imports;
mod keys;
mod list;
mod migrations;
mod models;
mod pause;
mod people;
mod platform;
mod policy;
mod principal;
mod projects;
mod quotas;
mod removals;
mod reserve;
mod retention;
mod usage;

use keyrack_key::{Brands, Class, Grant, KeyId, Restrictions, Scope, Secret, Timestamp, UserId, WorkspaceId};
use keyrack_rack::{Feed as _, Snapshot};
use keyrack_store::{
    Actor, AuthorizedStore, KeyRow, NewKey, NewSecret, NewUser, NewWorkspace, Store, StoreError,
};
use rand_core::UnwrapErr;
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// Returns the time `seconds` after `NOW`.
pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}

pub(crate) type Rng = UnwrapErr<getrandom::SysRng>;

pub(crate) const fn rng() -> Rng {
    UnwrapErr(getrandom::SysRng)
}

/// A store with an owner and a workspace.
pub(crate) struct World {
    /// The store of the operator. Other principals have their own tests.
    pub(crate) store: AuthorizedStore,
    pub(crate) owner: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) folder: TempDir,
}

/// Reads all keys as a rack does.
pub(crate) async fn snapshot(store: &Store, tombstones_since: Timestamp) -> Result<Snapshot, StoreError> {
    let reading = store.snapshot(tombstones_since).await?;
    tokio::task::spawn_blocking(move || reading.whole()).await.unwrap()
}

/// Creates an empty store.
pub(crate) async fn fresh() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("keyrack.db"), rng()).await.unwrap();
    (store, folder)
}

pub(crate) async fn world() -> World {
    let (store, folder) = fresh().await;
    let owner = UserId::new(NOW, &mut rng());
    let workspace = WorkspaceId::new(NOW, &mut rng());
    store.set_up(&ada(owner), &acme(workspace), NOW).await.unwrap();
    World { store: store.as_operator(), owner, workspace, folder }
}

pub(crate) const fn ada(id: UserId) -> NewUser<'static> {
    NewUser { id, email: "Ada@Example.com", name: "Ada", password_hash: "$argon2id$…" }
}

pub(crate) const fn acme(id: WorkspaceId) -> NewWorkspace<'static> {
    NewWorkspace { id, slug: "acme", name: "Acme" }
}

pub(crate) fn grant(class: Class, scopes: &[Scope]) -> Grant {
    Grant::new(class, scopes.iter().copied().collect()).unwrap()
}

pub(crate) fn secret() -> NewSecret {
    let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng());
    NewSecret::of(&secret)
}

static UNRESTRICTED: std::sync::LazyLock<Restrictions> = std::sync::LazyLock::new(Restrictions::default);

impl World {
    pub(crate) const fn actor(&self) -> Actor {
        Actor::User(self.owner)
    }

    /// A typical new key.
    pub(crate) fn new_key<'a>(&self, name: &'a str) -> NewKey<'a> {
        NewKey {
            id: KeyId::new(NOW, &mut rng()),
            workspace: self.workspace,
            name,
            grant: grant(Class::Secret, &[Scope::Project]),
            restrictions: &UNRESTRICTED,
            note: None,
            expires_at: None,
            secret: secret(),
            actor: self.actor(),
            now: NOW,
            idempotency_key: None,
        }
    }

    pub(crate) async fn key(&self, name: &str) -> KeyRow {
        let made = self.store.create_key(&self.new_key(name)).await.unwrap();
        assert_eq!(self.store.key(self.workspace, made.id).await.unwrap().as_ref(), Some(&made));
        made
    }

    /// Opens the database directly, without the store.
    pub(crate) fn console(&self) -> rusqlite::Connection {
        let console = rusqlite::Connection::open(self.folder.path().join("keyrack.db")).unwrap();
        console.pragma_update(None, "foreign_keys", true).unwrap();
        console
    }
}
