//! axum with the guard, over axum without it: the same handler, the same request, in turns.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use keyrack::clock;
use keyrack_guard::{Guard, GuardLayer};
use keyrack_key::{
    Brands, Class, Grant, KeyId, Permission, Restrictions, Scope, Secret, SecretState, Terms, WorkspaceId,
};
use keyrack_rack::{Position, Rack, Record, Revision, Snapshot, Trust};
use rand_core::UnwrapErr;

use crate::load::rate;
use crate::quantile;

const KEYS: usize = 1_000;
const CLIENTS: usize = 16;
const ROUNDS: usize = 15;
const SPAN: Duration = Duration::from_millis(700);

pub(crate) fn run() {
    let (rack, secret) = rack();
    let guard = Arc::new(Guard::new(Arc::new(rack), Brands::default(), clock::now));
    let plain = Router::new().route("/", get(async || "a cat"));
    let guarded = plain.clone().layer(GuardLayer::new(guard, Permission::ModelsPredict));
    let (plain, guarded) = (serve(plain), serve(guarded));
    let request = format!("GET / HTTP/1.1\r\nhost: bench\r\nx-api-key: {secret}\r\n\r\n");
    let mut ratios = Vec::new();
    let mut rates = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Who goes first changes, so that neither is always the one that finds the machine warm.
        let ask = |address| rate(address, request.as_bytes(), CLIENTS, SPAN);
        let (without, with) = if round % 2 == 0 {
            let without = ask(plain);
            (without, ask(guarded))
        } else {
            let with = ask(guarded);
            (ask(plain), with)
        };
        ratios.push(with / without);
        rates.0.push(without);
        rates.1.push(with);
    }
    for values in [&mut ratios, &mut rates.0, &mut rates.1] {
        values.sort_by(f64::total_cmp);
    }
    println!(
        "axum with the guard over axum without, {KEYS} keys, {CLIENTS} clients, medians of {ROUNDS} paired rounds\n"
    );
    println!("| | requests a second |\n| --- | ---: |");
    println!("| axum | {:.0} |", quantile(&rates.0, 0.5));
    println!("| axum with the guard | {:.0} |", quantile(&rates.1, 0.5));
    println!(
        "| ratio | {:.3} (middle half {:.3} to {:.3}) |\n",
        quantile(&ratios, 0.5),
        quantile(&ratios, 0.25),
        quantile(&ratios, 0.75)
    );
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
    let record = |secret: &Secret| Record {
        key: KeyId::new(now, &mut rng),
        revision: Revision(1),
        workspace,
        name: Arc::from("bench"),
        class: Class::Secret,
        scopes: grant.scopes(),
        terms: Terms {
            permissions: grant.permissions(),
            restrictions: Some(Restrictions::default()),
            expires_at: None,
            deleted_at: None,
        },
        secrets: vec![(secret.digest(), SecretState::Current)],
    };
    let rack = Rack::new();
    rack.load(Snapshot { position: Position::default(), records: secrets.iter().map(record).collect() });
    rack.trust(Trust::Always);
    (rack, secrets[KEYS / 2].expose().to_owned())
}
