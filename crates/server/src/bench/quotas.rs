//! The cost that a quota adds to a request. A quota is counted after the check, when the work is accepted.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyrack_core::clock;
use keyrack_core::quotas::Quotas;
use keyrack_key::{
    AccessRequest, Brands, Class, Exposure, Grant, KeyId, Period, Permission, Presented, QuotaResource,
    RateUse, Restrictions, Scope, Secret, UserId, WorkspaceId,
};
use keyrack_rack::{Caller, Follower, Rack, Revision};
use keyrack_store::{Actor, NewKey, NewSecret, NewUser, NewWorkspace, Store};
use rand_core::UnwrapErr;

const TAKES: usize = 20_000;

/// The cost of taking one unit of a quota.
#[derive(Debug)]
pub(super) struct QuotaCost {
    /// The median cost of a unit from a block in memory, in nanoseconds.
    memory: f64,
    /// The median cost of a block from the store, in microseconds.
    store: f64,
    /// The mean cost of a unit, in nanoseconds.
    mean: f64,
}

/// Takes units of a quota that is never used up, from a temporary store that is removed afterwards.
pub(super) fn measure() -> io::Result<QuotaCost> {
    let folder = std::env::temp_dir().join(format!("keyrack-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let database = folder.join("keyrack.db");
    // On its own thread, because the caller may run within a runtime, and runtimes cannot be nested.
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            let (quotas, caller, store) = set_up(&database).await?;
            let measured = take(&quotas, &caller).await;
            store.close().await;
            measured
        })
    });
    let measured = thread.join().unwrap_or_else(|_| Err(io::Error::other("the measurement ended early")));
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn take(quotas: &Quotas, caller: &Caller) -> io::Result<QuotaCost> {
    let mut took = Vec::with_capacity(TAKES);
    let started = Instant::now();
    for _ in 0..TAKES {
        let begun = Instant::now();
        let quota = quotas.spend_for(caller, QuotaResource::Predictions).await.map_err(io::Error::other)?;
        took.push(begun.elapsed());
        drop(quota);
    }
    let mean = nanoseconds(started.elapsed()) / nanoseconds(Duration::from_nanos(TAKES as u64));
    took.sort_unstable();
    let memory = took[TAKES / 2];
    // Units from memory take less than this, and blocks from the store take longer.
    let stored: Vec<_> = took.into_iter().filter(|took| *took > Duration::from_micros(30)).collect();
    let store = stored.get(stored.len() / 2).copied().unwrap_or_default();
    Ok(QuotaCost { memory: nanoseconds(memory), store: nanoseconds(store) / 1e3, mean })
}

fn nanoseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e9
}

/// Creates a key with a quota, and returns a caller that a rack has allowed.
async fn set_up(database: &std::path::Path) -> io::Result<(Quotas, Caller, Store)> {
    let rng = || UnwrapErr(getrandom::SysRng);
    let (now, brands) = (clock::now(), Brands::default());
    let store = Store::open(database, rng()).await.map_err(io::Error::other)?;
    let (owner, workspace) = (UserId::new(now, &mut rng()), WorkspaceId::new(now, &mut rng()));
    let user =
        NewUser { id: owner, email: "bench@example.org", name: "Bench", password_hash: "$argon2id$none" };
    let named = NewWorkspace { id: workspace, slug: "bench", name: "Bench" };
    store.set_up(&user, &named, now).await.map_err(io::Error::other)?;
    let secret = Secret::generate(brands.current(), Class::Secret, &mut rng());
    let mut restrictions = Restrictions::NONE;
    for per in Period::ALL {
        let quota = keyrack_key::Quota::new(QuotaResource::Predictions, 1_000_000_000, per);
        restrictions.quotas.add(quota.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let grant = Grant::new(Class::Secret, [Scope::Inference].into_iter().collect());
    let key = NewKey {
        id: KeyId::new(now, &mut rng()),
        workspace,
        name: "bench",
        grant: grant.map_err(io::Error::other)?,
        restrictions: &restrictions,
        note: None,
        expires_at: None,
        secret: NewSecret::of(&secret),
        actor: Actor::User(owner),
        now,
        idempotency_key: None,
    };
    store.as_operator().create_key(&key).await.map_err(io::Error::other)?;
    let rack = Arc::new(Rack::new());
    let follower = Follower::new(store.clone(), Arc::clone(&rack));
    follower.catch_up_to(Revision::default(), now).await.map_err(io::Error::other)?;
    let caller = allowed_caller(&rack, &secret, &brands)?;
    let quotas = Quotas::new(store.clone(), rack, clock::now);
    Ok((quotas, caller, store))
}

fn allowed_caller(rack: &Rack, secret: &Secret, brands: &Brands) -> io::Result<Caller> {
    let presented = Presented::parse(secret.expose().as_bytes(), brands).map_err(io::Error::other)?;
    let question = AccessRequest {
        now: clock::now(),
        permission: Some(Permission::ModelsPredict),
        address: None,
        origin: None,
        exposure: Exposure::None,
        spend: RateUse::Take,
    };
    rack.check(&presented, &question).map_err(|refusal| io::Error::other(refusal.denial))
}

impl QuotaCost {
    pub(super) fn text(&self) -> String {
        let Self { memory, store, mean } = self;
        format!(
            "\nCost of a daily and monthly quota, in addition to the check: {memory:.0} ns per unit from \
             memory. A block of 64 units from the store takes {store:.0} µs. Mean: {mean:.0} ns per unit.\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn measured_key_has_a_quota() {
        let folder = tempfile::tempdir().unwrap();
        let (quotas, caller, _store) = set_up(&folder.path().join("keyrack.db")).await.unwrap();
        drop(quotas.spend_for(&caller, QuotaResource::Predictions).await.unwrap());
    }
}
