//! The API Keys page of a workspace with 10,000 keys, from the real server over a real connection.

use std::net::SocketAddr;

use keyrack::app::{App, Shared};
use keyrack::clock;
use keyrack::config::Choices;
use keyrack::folder::Folder;
use keyrack::ops::Acting;
use keyrack::ops::people::{Founding, From};
use keyrack::router;
use keyrack_key::{Class, Digest, Grant, Hint, KeyId, Restrictions, Scope, WorkspaceId};
use keyrack_store::{Actor, NewKey, Role};
use rand_core::UnwrapErr;

use crate::load::Client;
use crate::quantile;

const KEYS: u32 = 10_000;
const PAGES: usize = 1_000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let (address, session, last) = runtime.block_on(start(data.path()));
    println!(
        "the API Keys page with {KEYS} keys (50 on a page), {PAGES} loads each, time to the first byte in ms\n"
    );
    println!("| page | median | p99 |\n| --- | ---: | ---: |");
    let base = "/w/bench/settings/api-keys";
    for (what, path) in [
        ("the first page", base.to_owned()),
        ("the last page", format!("{base}?cursor={last}")),
        ("a search that finds one", format!("{base}?q=camera+7777")),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: keyrack_session={session}\r\n\r\n");
        let mut client = Client::connect(address);
        let mut times: Vec<_> =
            (0..PAGES).map(|_| client.ask(request.as_bytes(), "HTTP/1.1 200").as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        println!("| {what} | {:.2} | {:.2} |", quantile(&times, 0.5), quantile(&times, 0.99));
    }
}

async fn start(data: &std::path::Path) -> (SocketAddr, String, KeyId) {
    let config = Choices { data: Some(data.to_owned()), ..Choices::default() }.complete().unwrap();
    let folder = Folder::hold(data).unwrap();
    let app = App::open(config, &folder, clock::now).await.unwrap();
    let founding = Founding {
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
        password: "correct horse battery".to_owned().into(),
        workspace: "bench".to_owned(),
    };
    let (user, workspace) = app.people.set_up(founding).await.unwrap();
    let token = app.people.remember(user.id, From { address: None, agent: None }).await.unwrap();
    let last = fill(&app, workspace.id).await;
    let by = Acting::member(&workspace, user.id, Role::Owner);
    assert!(app.keys.read(&by, last).await.is_ok());
    (serve(&app), token.expose().to_owned(), last)
}

/// Makes the keys; the id of one 50 from the end.
async fn fill(app: &Shared, workspace: WorkspaceId) -> KeyId {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let grant = Grant::new(Class::Secret, [Scope::Project].into_iter().collect()).unwrap();
    let mut last = None;
    for number in 0..KEYS {
        let now = clock::now();
        let id = KeyId::new(now, &mut rng);
        let new = NewKey {
            id,
            workspace,
            name: &format!("camera {number}"),
            grant,
            restrictions: &Restrictions::default(),
            note: None,
            expires_at: None,
            secret: (Digest::of(&number.to_be_bytes()), Hint::parse("Ab0z").unwrap()),
            actor: Actor::Operator,
            judged: None,
            now,
            once: None,
        };
        app.store.create_key(&new).await.unwrap();
        if number == 50 {
            last = Some(id);
        }
    }
    last.unwrap()
}

fn serve(app: &Shared) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let service = router::service(app).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        axum_server::from_tcp(listener).unwrap().serve(service).await.unwrap();
    });
    address
}
