//! Who calls in tests of rights: people of two workspaces with their browsers, and keys of every kind.

mod browser;
mod written;

use keyrack_core::Passwords;
use keyrack_core::clock;
use keyrack_key::{
    Brands, Class, Grant, KeyId, ModelId, ProjectId, Restrictions, Scope, Scopes, Secret, Timestamp, UserId,
    WorkspaceId,
};
use keyrack_store::{Actor, NewKey, NewModel, NewProject, NewUser, NewWorkspace, ProjectType, Role, Store};
use rand_core::UnwrapErr;
use serde_json::json;
use zeroize::Zeroizing;

pub(crate) use browser::{Browser, sign_in};

use crate::harness::{PASSWORD, Server, text};

/// When all of it was made: long ago, so that a key can have expired since.
const THEN: Timestamp = Timestamp::from_micros(1_600_000_000_000_000);
const SOON_AFTER: Timestamp = Timestamp::from_micros(1_600_000_001_000_000);

/// A running server with two workspaces, and those who call it.
pub(crate) struct Cast {
    pub(crate) server: Server,
    /// The workspace that is called.
    pub(crate) ours: Home,
    /// The workspace that has nothing to do with it.
    pub(crate) theirs: Home,
    /// A key for each way to pick scopes.
    pub(crate) keys: Vec<Held>,
    /// A key of the other workspace that may do everything there.
    pub(crate) their_key: String,
    pub(crate) expired: String,
    pub(crate) deleted: String,
    /// A secret that was replaced and has ended.
    pub(crate) retired: String,
    /// The browsers of our members.
    pub(crate) members: Vec<(Role, Browser)>,
    /// The browser of the other workspace's owner.
    pub(crate) stranger: Browser,
}

/// A workspace, and what can be asked for in it.
pub(crate) struct Home {
    pub(crate) id: WorkspaceId,
    pub(crate) slug: &'static str,
    pub(crate) owner: UserId,
    pub(crate) key: KeyId,
    pub(crate) project: ProjectId,
    pub(crate) model: ModelId,
}

/// A key and its secret.
pub(crate) struct Held {
    pub(crate) id: KeyId,
    pub(crate) scopes: Scopes,
    pub(crate) secret: String,
}

impl Cast {
    pub(crate) async fn assemble() -> Self {
        Self::with(&[]).await
    }

    /// With more arguments for the server.
    pub(crate) async fn with(args: &[&str]) -> Self {
        let mut server = Server::with(args, &[]).await;
        // People with roles have no way in from outside yet, and the store belongs to whoever holds the folder.
        server.stop().await;
        let store = open(&server).await;
        let (ours, theirs) =
            (found(&store, "ours", "owner").await, found(&store, "theirs", "stranger").await);
        join(&store, &ours).await;
        let mut keys = Vec::new();
        for scopes in ways_to_pick() {
            keys.push(key(&store, &ours, scopes, None).await);
        }
        let all: Scopes = Scope::ALL.into_iter().collect();
        let expired = key(&store, &ours, all, Some(SOON_AFTER)).await.secret;
        let their_key = key(&store, &theirs, all, None).await.secret;
        store.close().await;
        server.restart().await;
        let members = browsers(&server).await;
        let stranger = Browser::signed_in(&server, "stranger@example.org").await;
        let (deleted, retired) = (String::new(), String::new());
        let mut cast =
            Self { server, ours, theirs, keys, their_key, expired, deleted, retired, members, stranger };
        (cast.deleted, cast.retired) = (cast.end_a_key().await, cast.end_a_secret().await);
        cast
    }

    /// A key that may do everything.
    pub(crate) fn key(&self) -> &str {
        &self.holding(&Scope::ALL).secret
    }

    /// The key with just these scopes.
    pub(crate) fn holding(&self, scopes: &[Scope]) -> &Held {
        let scopes: Scopes = scopes.iter().copied().collect();
        self.keys.iter().find(|key| key.scopes == scopes).unwrap()
    }

    /// The browser of our member with this role.
    pub(crate) fn member(&self, role: Role) -> &Browser {
        self.members.iter().find(|(one, _)| *one == role).map(|(_, browser)| browser).unwrap()
    }

    /// Where it listens, without the scheme.
    pub(crate) fn host(&self) -> &str {
        self.server.url.trim_start_matches("http://")
    }

    async fn end_a_key(&self) -> String {
        let made = self.make().await;
        let path = format!("/api/v1/keys/{}", text(&made["id"]));
        assert_eq!(self.server.delete(&path, self.key()).await.status, 200);
        text(&made["secret"])
    }

    async fn end_a_secret(&self) -> String {
        let made = self.make().await;
        let path = format!("/api/v1/keys/{}/rotate", text(&made["id"]));
        assert_eq!(self.server.post(&path, self.key(), json!({ "gracePeriod": "0s" })).await.status, 200);
        text(&made["secret"])
    }

    async fn make(&self) -> serde_json::Value {
        let body = json!({ "name": "to be ended", "scopes": ["project", "inference", "keys"] });
        let made = self.server.post("/api/v1/keys", self.key(), body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()
    }
}

/// A secret that is well formed and that nobody has been given.
pub(crate) fn unknown() -> String {
    Secret::generate(Brands::default().current(), Class::Secret, &mut rng()).expose().to_owned()
}

/// A secret with a letter mistyped: its check is wrong.
pub(crate) fn mistyped() -> String {
    let mut secret = unknown();
    let last = if secret.pop() == Some('x') { 'y' } else { 'x' };
    secret.push(last);
    secret
}

const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

async fn open(server: &Server) -> Store {
    Store::open(&server.data().join("keyrack.db"), rng()).await.unwrap()
}

/// A workspace with its owner, a key and a project that are there to be asked for.
async fn found(store: &Store, slug: &'static str, owner: &str) -> Home {
    let id = WorkspaceId::new(THEN, &mut rng());
    let owner = person(store, owner).await;
    let new = NewWorkspace { id, slug, name: slug };
    store.as_operator().create_workspace(&new, owner, Actor::User(owner), THEN).await.unwrap();
    let project = ProjectId::new(THEN, &mut rng());
    let name = "Bottle caps of a test";
    let new = NewProject {
        id: project,
        workspace: id,
        name,
        project_type: ProjectType::Classification,
        description: None,
        actor: Actor::User(owner),
        now: THEN,
    };
    store.as_operator().create_project(&new).await.unwrap();
    let model = model(store, id, project, Actor::User(owner)).await;
    let mut home = Home { id, slug, owner, key: KeyId::new(THEN, &mut rng()), project, model };
    home.key = key(store, &home, [Scope::Inference].into_iter().collect(), None).await.id;
    home
}

/// One that nobody trains.
async fn model(store: &Store, workspace: WorkspaceId, project: ProjectId, actor: Actor) -> ModelId {
    let (id, settings) = (ModelId::new(THEN, &mut rng()), json!({}));
    let new = NewModel { id, workspace, project, name: "of a test", settings: &settings, actor, now: THEN };
    store.as_operator().create_model(&new).await.unwrap();
    store.as_operator().cancel_model(workspace, id, actor, SOON_AFTER).await.unwrap();
    id
}

/// The first of them sets the deployment up; a server without an owner lets nobody sign in.
async fn person(store: &Store, name: &str) -> UserId {
    let id = UserId::new(THEN, &mut rng());
    let email = format!("{name}@example.org");
    let hash = Passwords::new().unwrap().hash(Zeroizing::new(PASSWORD.to_owned())).await.unwrap();
    let user = NewUser { id, email: &email, name, password_hash: &hash };
    if store.is_set_up().await.unwrap() {
        store.add_user(&user, THEN).await.unwrap();
    } else {
        let first = NewWorkspace { id: WorkspaceId::new(THEN, &mut rng()), slug: "first", name: "First" };
        store.set_up(&user, &first, THEN).await.unwrap();
    }
    id
}

async fn join(store: &Store, home: &Home) {
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
        let user = person(store, role.name()).await;
        store.as_operator().add_member(home.id, user, role, Actor::User(home.owner), THEN).await.unwrap();
    }
}

async fn browsers(server: &Server) -> Vec<(Role, Browser)> {
    let mut browsers = Vec::new();
    for role in Role::ALL {
        browsers.push((role, Browser::signed_in(server, &format!("{role}@example.org")).await));
    }
    browsers
}

/// Every set of scopes but the empty one.
fn ways_to_pick() -> impl Iterator<Item = Scopes> {
    (1..1 << Scope::ALL.len()).map(|bits| {
        Scope::ALL.into_iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, one)| one).collect()
    })
}

async fn key(store: &Store, home: &Home, scopes: Scopes, expires_at: Option<Timestamp>) -> Held {
    let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng());
    let new = NewKey {
        id: KeyId::new(if expires_at.is_some() { THEN } else { clock::now() }, &mut rng()),
        workspace: home.id,
        name: "of a test",
        grant: Grant::new(Class::Secret, scopes).unwrap(),
        restrictions: &Restrictions::default(),
        note: None,
        expires_at,
        secret: (secret.digest(), secret.hint()),
        actor: Actor::User(home.owner),
        now: THEN,
        once: None,
    };
    store.as_operator().create_key(&new).await.unwrap();
    Held { id: new.id, scopes, secret: secret.expose().to_owned() }
}
