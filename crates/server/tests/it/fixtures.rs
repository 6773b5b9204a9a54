//! Callers for access tests: members of two workspaces with their sessions, and keys with all combinations of scopes.

mod session;
mod stored_data;

use keyrack_core::Passwords;
use keyrack_core::clock;
use keyrack_key::{
    Brands, Class, Grant, KeyId, ModelId, ProjectId, Restrictions, Scope, Scopes, Secret, Timestamp, UserId,
    WorkspaceId,
};
use keyrack_store::{
    Actor, NewKey, NewModel, NewProject, NewSecret, NewUser, NewWorkspace, ProjectType, Role, Store,
};
use rand_core::UnwrapErr;
use serde_json::json;
use zeroize::Zeroizing;

pub(crate) use session::{Session, sign_in};

use crate::harness::{PASSWORD, Server, text};

/// The creation time of all data, long ago so that a key can have expired since.
const CREATED_AT: Timestamp = Timestamp::from_micros(1_600_000_000_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_600_000_001_000_000);

/// A running server with two workspaces and their callers.
pub(crate) struct AccessFixture {
    pub(crate) server: Server,
    /// The workspace under test.
    pub(crate) ours: TestWorkspace,
    /// Another, unrelated workspace.
    pub(crate) theirs: TestWorkspace,
    /// One key for each combination of scopes.
    pub(crate) keys: Vec<TestKey>,
    /// A key with all scopes in the other workspace.
    pub(crate) their_key: String,
    pub(crate) expired: String,
    pub(crate) deleted: String,
    /// A secret that was rotated and has retired.
    pub(crate) retired: String,
    /// The sessions of our members, one for each role.
    pub(crate) members: Vec<(Role, Session)>,
    /// The session of the other workspace's owner.
    pub(crate) stranger: Session,
}

/// A workspace and the data in it.
pub(crate) struct TestWorkspace {
    pub(crate) id: WorkspaceId,
    pub(crate) slug: &'static str,
    pub(crate) owner: UserId,
    pub(crate) key: KeyId,
    pub(crate) project: ProjectId,
    pub(crate) model: ModelId,
}

/// A key with its secret.
pub(crate) struct TestKey {
    pub(crate) id: KeyId,
    pub(crate) scopes: Scopes,
    pub(crate) secret: String,
}

impl AccessFixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts the server with additional arguments.
    pub(crate) async fn start_with(args: &[&str]) -> Self {
        let mut server = Server::start_with(args, &[]).await;
        // The API cannot add members with roles, so the fixture writes to the store, which needs the server stopped.
        server.stop().await;
        let store = open(&server).await;
        let (ours, theirs) = (
            create_workspace(&store, "ours", "owner").await,
            create_workspace(&store, "theirs", "stranger").await,
        );
        add_members(&store, &ours).await;
        let mut keys = Vec::new();
        for scopes in all_scope_sets() {
            keys.push(create_key(&store, &ours, scopes, None).await);
        }
        let all: Scopes = Scope::ALL.into_iter().collect();
        let expired = create_key(&store, &ours, all, Some(LATER)).await.secret;
        let their_key = create_key(&store, &theirs, all, None).await.secret;
        store.close().await;
        server.restart().await;
        let members = sign_in_members(&server).await;
        let stranger = Session::signed_in(&server, "stranger@example.org").await;
        let (deleted, retired) = (String::new(), String::new());
        let mut fixture =
            Self { server, ours, theirs, keys, their_key, expired, deleted, retired, members, stranger };
        (fixture.deleted, fixture.retired) =
            (fixture.create_deleted_key().await, fixture.create_retired_secret().await);
        fixture
    }

    /// The secret of the key with all scopes.
    pub(crate) fn key(&self) -> &str {
        &self.key_with_scopes(&Scope::ALL).secret
    }

    /// The key with exactly these scopes.
    pub(crate) fn key_with_scopes(&self, scopes: &[Scope]) -> &TestKey {
        let scopes: Scopes = scopes.iter().copied().collect();
        self.keys.iter().find(|key| key.scopes == scopes).unwrap()
    }

    /// The session of our member with this role.
    pub(crate) fn member(&self, role: Role) -> &Session {
        self.members.iter().find(|(one, _)| *one == role).map(|(_, browser)| browser).unwrap()
    }

    /// The server's `host:port`.
    pub(crate) fn host(&self) -> &str {
        self.server.url.trim_start_matches("http://")
    }

    async fn create_deleted_key(&self) -> String {
        let created = self.make().await;
        let path = format!("/api/v1/keys/{}", text(&created["id"]));
        assert_eq!(self.server.delete(&path, self.key()).await.status, 200);
        text(&created["secret"])
    }

    async fn create_retired_secret(&self) -> String {
        let created = self.make().await;
        let path = format!("/api/v1/keys/{}/rotate", text(&created["id"]));
        assert_eq!(self.server.post(&path, self.key(), json!({ "gracePeriod": "0s" })).await.status, 200);
        text(&created["secret"])
    }

    async fn make(&self) -> serde_json::Value {
        let body = json!({ "name": "to be ended", "scopes": ["project", "inference", "keys"] });
        let created = self.server.post("/api/v1/keys", self.key(), body).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.json()
    }
}

/// A well-formed secret of no key.
pub(crate) fn unknown_secret() -> String {
    Secret::generate(Brands::default().current(), Class::Secret, &mut rng()).expose().to_owned()
}

/// A secret with one wrong character, so its checksum is wrong.
pub(crate) fn mistyped_secret() -> String {
    let mut secret = unknown_secret();
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

/// Creates a workspace with an owner, a key, a project, and a model.
async fn create_workspace(store: &Store, slug: &'static str, owner: &str) -> TestWorkspace {
    let id = WorkspaceId::new(CREATED_AT, &mut rng());
    let owner = create_user(store, owner).await;
    let new = NewWorkspace { id, slug, name: slug };
    store.as_operator().create_workspace(&new, owner, Actor::User(owner), CREATED_AT).await.unwrap();
    let project = ProjectId::new(CREATED_AT, &mut rng());
    let name = "Bottle caps of a test";
    let new = NewProject {
        id: project,
        workspace: id,
        name,
        project_type: ProjectType::Classification,
        description: None,
        actor: Actor::User(owner),
        now: CREATED_AT,
    };
    store.as_operator().create_project(&new).await.unwrap();
    let model = create_model(store, id, project, Actor::User(owner)).await;
    let mut workspace =
        TestWorkspace { id, slug, owner, key: KeyId::new(CREATED_AT, &mut rng()), project, model };
    workspace.key = create_key(store, &workspace, [Scope::Inference].into_iter().collect(), None).await.id;
    workspace
}

/// Creates a model and cancels its training.
async fn create_model(store: &Store, workspace: WorkspaceId, project: ProjectId, actor: Actor) -> ModelId {
    let (id, settings) = (ModelId::new(CREATED_AT, &mut rng()), json!({}));
    let new =
        NewModel { id, workspace, project, name: "of a test", settings: &settings, actor, now: CREATED_AT };
    store.as_operator().create_model(&new).await.unwrap();
    store.as_operator().cancel_model(workspace, id, actor, LATER).await.unwrap();
    id
}

/// The first user sets the deployment up; without an owner, the server denies every sign-in.
async fn create_user(store: &Store, name: &str) -> UserId {
    let id = UserId::new(CREATED_AT, &mut rng());
    let email = format!("{name}@example.org");
    let hash = Passwords::new().unwrap().hash(Zeroizing::new(PASSWORD.to_owned())).await.unwrap();
    let user = NewUser { id, email: &email, name, password_hash: &hash };
    if store.is_set_up().await.unwrap() {
        store.add_user(&user, CREATED_AT).await.unwrap();
    } else {
        let first =
            NewWorkspace { id: WorkspaceId::new(CREATED_AT, &mut rng()), slug: "first", name: "First" };
        store.set_up(&user, &first, CREATED_AT).await.unwrap();
    }
    id
}

async fn add_members(store: &Store, workspace: &TestWorkspace) {
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
        let user = create_user(store, role.name()).await;
        store
            .as_operator()
            .add_member(workspace.id, user, role, Actor::User(workspace.owner), CREATED_AT)
            .await
            .unwrap();
    }
}

async fn sign_in_members(server: &Server) -> Vec<(Role, Session)> {
    let mut sessions = Vec::new();
    for role in Role::ALL {
        sessions.push((role, Session::signed_in(server, &format!("{role}@example.org")).await));
    }
    sessions
}

/// Every nonempty set of scopes.
fn all_scope_sets() -> impl Iterator<Item = Scopes> {
    (1..1 << Scope::ALL.len()).map(|bits| {
        Scope::ALL.into_iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, one)| one).collect()
    })
}

async fn create_key(
    store: &Store,
    workspace: &TestWorkspace,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
) -> TestKey {
    let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng());
    let new = NewKey {
        id: KeyId::new(if expires_at.is_some() { CREATED_AT } else { clock::now() }, &mut rng()),
        workspace: workspace.id,
        name: "of a test",
        grant: Grant::new(Class::Secret, scopes).unwrap(),
        restrictions: &Restrictions::default(),
        note: None,
        expires_at,
        secret: NewSecret::of(&secret),
        actor: Actor::User(workspace.owner),
        now: CREATED_AT,
        idempotency_key: None,
    };
    store.as_operator().create_key(&new).await.unwrap();
    TestKey { id: new.id, scopes, secret: secret.expose().to_owned() }
}
