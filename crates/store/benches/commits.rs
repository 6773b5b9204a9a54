//! Measures how many keys per second are created durably: by a single client, and by sixteen clients that share
//! commits.
//!
//! `cargo bench -p keyrack-store --bench commits`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use keyrack_key::{Brands, Class, Grant, KeyId, Restrictions, Scope, Secret, Timestamp, UserId, WorkspaceId};
use keyrack_store::{Actor, NewKey, NewSecret, NewUser, NewWorkspace, Store};
use rand_core::UnwrapErr;

const CLIENTS: usize = 16;
const ROUNDS: usize = 11;
/// The number of keys per round and kind.
const KEYS: usize = 1_600;
const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// The time between two keys on the clock of the benchmark.
const PAUSE: Duration = Duration::from_micros(200);

#[tokio::main]
async fn main() {
    // Next to the build, not in /tmp, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open(&folder.path().join("keyrack.db"), rng()).await.unwrap();
    let (owner, workspace) = (UserId::new(START, &mut rng()), WorkspaceId::new(START, &mut rng()));
    let user = NewUser { id: owner, email: "ada@example.com", name: "Ada", password_hash: "$argon2id$…" };
    store.set_up(&user, &NewWorkspace { id: workspace, slug: "acme", name: "Acme" }, START).await.unwrap();
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    // Alternate, so that disturbances affect both kinds.
    for _ in 0..ROUNDS {
        alone.push(rate(&store, owner, workspace, 1).await);
        together.push(rate(&store, owner, workspace, CLIENTS).await);
    }
    let ratios = alone.iter().zip(&together).map(|(alone, together)| together / alone).collect();
    println!("medians of {ROUNDS} rounds of {KEYS} keys each, taken in turns\n");
    println!("| clients | durable creates a second |\n| ---: | ---: |");
    println!("| 1 | {:.0} |\n| {CLIENTS} | {:.0} |", median(alone), median(together));
    println!("\nratio: {:.2}", median(ratios));
}

/// Measures the keys per second of this many clients. Each creates its next key after the response.
async fn rate(store: &Store, owner: UserId, workspace: WorkspaceId, clients: usize) -> f64 {
    let started = Instant::now();
    let clients: Vec<_> =
        (0..clients).map(|_| tokio::spawn(make(store.clone(), owner, workspace, KEYS / clients))).collect();
    for client in clients {
        client.await.unwrap();
    }
    f64::from(u32::try_from(KEYS).unwrap()) / started.elapsed().as_secs_f64()
}

async fn make(store: Store, owner: UserId, workspace: WorkspaceId, keys: usize) {
    let restrictions = Restrictions::default();
    for _ in 0..keys {
        let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng());
        let now = now();
        let new = NewKey {
            id: KeyId::new(now, &mut rng()),
            workspace,
            name: "line-3-camera",
            grant: Grant::new(Class::Secret, [Scope::Project].into_iter().collect()).unwrap(),
            restrictions: &restrictions,
            note: None,
            expires_at: None,
            secret: NewSecret::of(&secret),
            actor: Actor::User(owner),
            now,
            idempotency_key: None,
        };
        store.as_operator().create_key(&new).await.unwrap();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// IDs start with the time. IDs with the same time would hit random places of each index, unlike those of a server.
fn now() -> Timestamp {
    static MADE: AtomicU32 = AtomicU32::new(0);
    START.plus(PAUSE * MADE.fetch_add(1, Ordering::Relaxed))
}

const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}
