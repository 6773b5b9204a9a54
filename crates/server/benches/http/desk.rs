//! A server of ours in this process, on a thread of its own, with keys.

use std::net::SocketAddr;

use keyrack_core::AuthorizedCaller;
use keyrack_core::keys::KeyDraft;
use keyrack_key::{Class, Restrictions, Scope, Scopes};
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle};

use crate::opened::Opened;

pub(crate) struct Desk {
    pub(crate) opened: Opened,
    pub(crate) address: SocketAddr,
    /// Of keys with Inference.
    pub(crate) secrets: Vec<String>,
    pub(crate) acting: AuthorizedCaller,
    pub(crate) runtime: Handle,
    _data: TempDir,
}

impl Desk {
    pub(crate) fn open(keys: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (opened, address) = handle.block_on(async {
            let opened = Opened::on(data.path()).await;
            let address = opened.serve();
            (opened, address)
        });
        let acting = AuthorizedCaller::operator(opened.workspace.id);
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        let mut desk = Self { opened, address, secrets: Vec::new(), acting, runtime: handle, _data: data };
        desk.secrets = (0..keys).map(|_| desk.key(Scope::Inference).1).collect();
        desk
    }

    /// A new key: its id and its secret.
    pub(crate) fn key(&self, scope: Scope) -> (keyrack_key::KeyId, String) {
        let scopes: Scopes = [scope].into_iter().collect();
        let draft = KeyDraft {
            name: "bench".to_owned(),
            class: Class::Secret,
            scopes,
            restrictions: Restrictions::default(),
            expires_at: None,
            note: String::new(),
        };
        let handed = self.runtime.block_on(self.opened.app.keys.create(&self.acting, draft, None)).unwrap();
        (handed.key.id, handed.secret.expose().to_owned())
    }
}
