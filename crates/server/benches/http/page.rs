//! The API Keys page of a workspace with 10,000 keys, from the real server over a real connection.

use std::net::SocketAddr;

use keyrack::app::Shared;
use keyrack_core::AuthorizedCaller;
use keyrack_core::clock;
use keyrack_key::{Class, Digest, Grant, Hint, KeyId, Restrictions, Scope, WorkspaceId};
use keyrack_store::{Actor, NewKey, NewSecret};
use rand_core::UnwrapErr;

use crate::load::Client;
use crate::opened::Opened;
use crate::quantile;

const KEYS: u32 = 10_000;
const PAGES: usize = 1_000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let (_opened, address, session, last) = runtime.block_on(start(data.path()));
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
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {session}\r\n\r\n");
        let mut client = Client::connect(address);
        let mut times: Vec<_> =
            (0..PAGES).map(|_| client.ask(request.as_bytes(), "HTTP/1.1 200").as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        println!("| {what} | {:.2} | {:.2} |", quantile(&times, 0.5), quantile(&times, 0.99));
    }
}

async fn start(data: &std::path::Path) -> (Opened, SocketAddr, String, KeyId) {
    let opened = Opened::on(data).await;
    let last = fill(&opened.app, opened.workspace.id).await;
    let by = AuthorizedCaller::operator(opened.workspace.id);
    assert!(opened.app.keys.read(&by, last).await.is_ok());
    let (address, session) = (opened.serve(), opened.session().await);
    (opened, address, session, last)
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
            secret: NewSecret {
                digest: Digest::of(&number.to_be_bytes()),
                hint: Hint::parse("Ab0z").unwrap(),
                publishable: None,
            },
            actor: Actor::Operator,
            now,
            idempotency_key: None,
        };
        app.store.as_operator().create_key(&new).await.unwrap();
        if number == 50 {
            last = Some(id);
        }
    }
    last.unwrap()
}
