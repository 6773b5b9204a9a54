//! People, workspaces, memberships, and sessions.

use std::sync::Arc;
use std::time::Duration;

use keyrack_key::{Digest, SessionId, UserId, WorkspaceId};
use keyrack_store::{Actor, NewSession, NewUser, NewWorkspace, Role, StoreError};

use crate::{NOW, World, acme, ada, fresh, later, rng, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_setup_succeeds_once() {
    let (store, _folder) = fresh().await;
    assert!(!store.is_set_up().await.unwrap());
    let store = Arc::new(store);
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let (user, workspace) = (UserId::new(NOW, &mut rng()), WorkspaceId::new(NOW, &mut rng()));
                store.set_up(&ada(user), &acme(workspace), NOW).await
            })
        })
        .collect();
    let mut done = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(()) => done += 1,
            Err(error) => assert!(matches!(error, StoreError::AlreadySetUp), "{error:?}"),
        }
    }
    assert_eq!(done, 1);
    assert!(store.is_set_up().await.unwrap());
}

#[tokio::test]
async fn person_is_found_by_email_ignoring_case() {
    let world = world().await;
    let user = world.store.user_by_email("aDA@example.COM").await.unwrap().unwrap();
    assert_eq!((user.id, user.email.as_str()), (world.owner, "ada@example.com"));
    assert_eq!(world.store.user(world.owner).await.unwrap(), Some(user.clone()));
    assert!(!format!("{user:?}").contains("argon2"));
    let twin = NewUser { email: "ADA@EXAMPLE.COM", ..ada(UserId::new(NOW, &mut rng())) };
    assert!(matches!(world.store.add_user(&twin, NOW).await, Err(StoreError::EmailTaken)));
}

#[tokio::test]
async fn members_see_their_own_workspaces_only() {
    let world = world().await;
    let bob = UserId::new(NOW, &mut rng());
    world.store.add_user(&NewUser { email: "bob@example.com", ..ada(bob) }, NOW).await.unwrap();
    assert!(world.store.memberships(bob).await.unwrap().is_empty());
    assert!(world.store.membership(bob, "acme").await.unwrap().is_none());
    let second = NewWorkspace { id: WorkspaceId::new(NOW, &mut rng()), slug: "zeta", name: "Zeta" };
    world.store.create_workspace(&second, bob, Actor::Operator, NOW).await.unwrap();
    world.store.add_member(world.workspace, bob, Role::Viewer, world.actor(), NOW).await.unwrap();
    let seen: Vec<_> = world.store.memberships(bob).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|m| (m.workspace.slug.as_str(), m.role)).collect();
    assert_eq!(seen, [("acme", Role::Viewer), ("zeta", Role::Owner)]);
    assert!(world.store.membership(world.owner, "zeta").await.unwrap().is_none());
    let again = world.store.add_member(world.workspace, bob, Role::Admin, world.actor(), NOW).await;
    assert!(matches!(again, Err(StoreError::AlreadyMember)));
    let nobody = UserId::new(NOW, &mut rng());
    let stranger = world.store.add_member(world.workspace, nobody, Role::Admin, world.actor(), NOW).await;
    assert!(matches!(stranger, Err(StoreError::NotFound)));
    let taken = NewWorkspace { id: WorkspaceId::new(NOW, &mut rng()), ..second };
    let taken = world.store.create_workspace(&taken, bob, Actor::Operator, NOW).await;
    assert!(matches!(taken, Err(StoreError::SlugTaken)));
    let found = world.store.workspace_by_slug("zeta").await.unwrap();
    assert_eq!(found, world.store.workspace(second.id).await.unwrap());
    assert!(found.is_some());
}

impl World {
    async fn sign_in(&self, cookie: &str, seconds: u64) -> SessionId {
        let id = SessionId::new(NOW, &mut rng());
        let new = NewSession {
            id,
            digest: Digest::of(cookie.as_bytes()),
            user: self.owner,
            address: Some([10, 0, 0, 1].into()),
            agent: Some("Firefox"),
            now: NOW,
            expires_at: later(seconds),
        };
        self.store.create_session(&new).await.unwrap();
        id
    }
}

#[tokio::test]
async fn session_is_found_by_cookie_until_it_ends() {
    let world = world().await;
    let first = world.sign_in("one", 100).await;
    let second = world.sign_in("two", 100).await;
    let third = world.sign_in("three", 100).await;
    let (session, user) = world.store.session_by_digest(Digest::of(b"one")).await.unwrap().unwrap();
    assert_eq!((session.id, user.id, session.user), (first, world.owner, world.owner));
    assert_eq!((session.seen_at, session.agent.as_deref()), (NOW, Some("Firefox")));
    world.store.touch_session(second, later(5)).await.unwrap();
    world.store.touch_session(second, later(3)).await.unwrap();
    let seen = world.store.sessions_of(world.owner).await.unwrap();
    assert_eq!((seen.len(), seen[0].id, seen[0].seen_at), (3, second, later(5)));

    let stranger = UserId::new(NOW, &mut rng());
    assert!(!world.store.end_session(stranger, first).await.unwrap());
    assert!(world.store.end_session(world.owner, first).await.unwrap());
    assert!(world.store.session_by_digest(Digest::of(b"one")).await.unwrap().is_none());
    assert_eq!(world.store.end_other_sessions(world.owner, third).await.unwrap(), 1);
    assert_eq!(world.store.sessions_of(world.owner).await.unwrap()[0].id, third);
}

#[tokio::test]
async fn sessions_expire_by_time_and_by_idleness() {
    let world = world().await;
    world.sign_in("short", 10).await;
    let used = world.sign_in("used", 100).await;
    world.sign_in("idle", 100).await;
    world.store.touch_session(used, later(20)).await.unwrap();
    let hour = Duration::from_hours(1);
    assert_eq!(world.store.delete_expired_sessions(later(10), hour).await.unwrap(), 1);
    assert_eq!(world.store.delete_expired_sessions(later(30), Duration::from_secs(15)).await.unwrap(), 1);
    assert_eq!(world.store.sessions_of(world.owner).await.unwrap()[0].id, used);
    assert_eq!(world.store.delete_expired_sessions(later(100), hour).await.unwrap(), 1);
}
