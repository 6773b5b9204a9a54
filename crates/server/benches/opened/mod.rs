//! A server of ours in this process, as the benchmarks open it: on a folder of its own, with an owner and a workspace.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use keyrack::app::{App, Shared};
use keyrack::config::Choices;
use keyrack::folder::Folder;
use keyrack::http::front::Front;
use keyrack::http::listen::{self, Connections};
use keyrack_core::clock;
use keyrack_core::people::{SetupDetails, SignInOrigin};
use keyrack_key::UserId;
use keyrack_store::Workspace;

pub(crate) struct Opened {
    pub(crate) app: Shared,
    /// It is called `bench`.
    pub(crate) workspace: Workspace,
    pub(crate) owner: UserId,
    _folder: Folder,
}

impl Opened {
    pub(crate) async fn on(data: &Path) -> Self {
        let config = Choices { data: Some(data.to_owned()), ..Choices::default() }.complete().unwrap();
        let folder = Folder::hold(data).unwrap();
        let app = App::open(config, &folder, clock::now).await.unwrap();
        let founding = SetupDetails {
            name: "Ada".to_owned(),
            email: "ada@example.org".to_owned(),
            password: "correct horse battery".to_owned().into(),
            workspace: "bench".to_owned(),
        };
        let (owner, workspace) = app.people.set_up(founding).await.unwrap();
        Self { app, workspace, owner: owner.id, _folder: folder }
    }

    /// What the owner's browser sends as a cookie.
    #[allow(dead_code, reason = "not every benchmark asks for pages")]
    pub(crate) async fn session(&self) -> String {
        let token = self
            .app
            .people
            .create_session(self.owner, SignInOrigin { address: None, agent: None })
            .await
            .unwrap();
        format!("keyrack_session={}", token.expose())
    }

    /// Serves it within this runtime, at an address of its own.
    pub(crate) fn serve(&self) -> SocketAddr {
        let listener = listen::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let service = Front::of(&self.app).for_connections();
        let connections = Connections::without_limits();
        tokio::spawn(async move {
            listen::plain(listener, &connections, None).unwrap().serve(service).await.unwrap();
        });
        address
    }
}
