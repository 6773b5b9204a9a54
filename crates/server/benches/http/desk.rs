//! A server of ours in this process, on a thread of its own, with keys.

use std::net::{SocketAddr, TcpListener};

use keyrack::app::{App, Shared};
use keyrack::clock;
use keyrack::config::Choices;
use keyrack::folder::Folder;
use keyrack::ops::keys::Draft;
use keyrack::ops::people::Founding;
use keyrack::ops::{Acting, Who};
use keyrack::router;
use keyrack_key::{Class, Restrictions, Scope, Scopes};
use keyrack_store::Workspace;
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle};

pub(crate) struct Desk {
    pub(crate) app: Shared,
    pub(crate) address: SocketAddr,
    /// Of keys with Inference.
    pub(crate) secrets: Vec<String>,
    pub(crate) acting: Acting,
    pub(crate) runtime: Handle,
    _data: TempDir,
}

impl Desk {
    pub(crate) fn open(keys: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (app, workspace) = handle.block_on(open(data.path()));
        let acting = Acting { workspace: workspace.id, who: Who::Operator };
        let address = serve(&handle, &app);
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        let mut desk = Self { app, address, secrets: Vec::new(), acting, runtime: handle, _data: data };
        desk.secrets = (0..keys).map(|_| desk.key(Scope::Inference).1).collect();
        desk
    }

    /// A new key: its id and its secret.
    pub(crate) fn key(&self, scope: Scope) -> (keyrack_key::KeyId, String) {
        let scopes: Scopes = [scope].into_iter().collect();
        let draft = Draft {
            name: "bench".to_owned(),
            class: Class::Secret,
            scopes,
            restrictions: Restrictions::default(),
            expires_at: None,
            note: String::new(),
        };
        let handed = self.runtime.block_on(self.app.keys.create(&self.acting, draft, None)).unwrap();
        (handed.key.id, handed.secret.expose().to_owned())
    }
}

async fn open(data: &std::path::Path) -> (Shared, Workspace) {
    let config = Choices { data: Some(data.to_owned()), ..Choices::default() }.complete().unwrap();
    let folder = Folder::hold(data).unwrap();
    let app = App::open(config, &folder, clock::now).await.unwrap();
    let founding = Founding {
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
        password: "correct horse battery".to_owned().into(),
        workspace: "bench".to_owned(),
    };
    let (_, workspace) = app.people.set_up(founding).await.unwrap();
    (app, workspace)
}

fn serve(runtime: &Handle, app: &Shared) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let service = router::service(app).into_make_service_with_connect_info::<SocketAddr>();
    runtime.spawn(async move { axum_server::from_tcp(listener).unwrap().serve(service).await.unwrap() });
    address
}
