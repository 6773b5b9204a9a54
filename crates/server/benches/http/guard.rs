//! axum with the guard, over axum without it: the same handler, the same request, in turns.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use keyrack_core::clock;
use keyrack_guard::{Guard, GuardLayer};
use keyrack_key::{
    Brands, Class, Grant, KeyId, KeyState, Permission, Restrictions, Scope, Secret, SecretState, WorkspaceId,
};
use keyrack_rack::{Freshness, KeyRecord, Position, Rack, Revision, Snapshot};
use rand_core::UnwrapErr;

use crate::pairs::{Asked, compare};

const KEYS: usize = 1_000;

pub(crate) fn run() {
    let (rack, secret) = rack();
    let guard = Arc::new(Guard::new(Arc::new(rack), Brands::default(), clock::now));
    let plain = Router::new().route("/", get(async || "a cat"));
    let guarded = plain.clone().layer(GuardLayer::new(guard, Permission::ModelsPredict));
    let (plain, guarded) = (serve(plain), serve(guarded));
    let request = format!("GET / HTTP/1.1\r\nhost: bench\r\nx-api-key: {secret}\r\n\r\n");
    let asked = |name, address| Asked { name, address, request: request.clone(), status: "HTTP/1.1 200" };
    let (plain, guarded) = (asked("axum", plain), asked("axum with the guard", guarded));
    compare(&format!("axum with the guard over axum without, {KEYS} keys"), &plain, &guarded);
}

/// Serves on a thread of its own.
fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

fn rack() -> (Rack, String) {
    let now = clock::now();
    let mut rng = UnwrapErr(getrandom::SysRng);
    let workspace = WorkspaceId::new(now, &mut rng);
    let grant = Grant::new(Class::Secret, [Scope::Inference].into_iter().collect()).unwrap();
    let secrets: Vec<_> =
        (0..KEYS).map(|_| Secret::generate(Brands::default().current(), Class::Secret, &mut rng)).collect();
    let record = |secret: &Secret| KeyRecord {
        key: KeyId::new(now, &mut rng),
        revision: Revision(1),
        workspace,
        name: "bench".into(),
        class: Class::Secret,
        scopes: grant.scopes(),
        terms: KeyState {
            permissions: grant.permissions(),
            restrictions: Some(Restrictions::default()),
            expires_at: None,
            pause: None,
            deleted_at: None,
        },
        secrets: vec![(secret.digest(), SecretState::Current)],
    };
    let rack = Rack::new();
    rack.load(Snapshot { position: Position::default(), records: secrets.iter().map(record).collect() });
    rack.set_freshness(Freshness::Fresh);
    (rack, secrets[KEYS / 2].expose().to_owned())
}
