use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use keyrack_key::{Period, Quota, Quotas as Own, Timestamp};
use keyrack_rack::Revision;
use keyrack_store::{QuotaBlock, QuotaUsage, UnspentBlock};
use proptest::prelude::*;

use super::block::{Block, ResourceQuotas, SpendResult};
use super::*;

const NOON: i64 = 1_799_884_800_000_000 + DAY / 2;
const DAY: i64 = 86_400_000_000;

pub(crate) fn own(quotas: &[(u32, Period)]) -> Own {
    let mut own = Own::NONE;
    for (limit, per) in quotas {
        own.add(Quota::new(QuotaResource::Predictions, *limit, *per).unwrap()).unwrap();
    }
    own
}

fn key() -> KeyId {
    "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap()
}

/// An in-memory model of the store.
#[derive(Default)]
struct Ledger(BTreeMap<(&'static str, i64), u32>);

impl Ledger {
    fn give_back(&mut self, rest: &UnspentBlock) {
        for (per, begins) in &rest.from {
            *self.0.get_mut(&(per.name(), begins.micros())).unwrap() -= rest.left;
        }
    }

    fn take(&mut self, rest: &UnspentBlock, quotas: &[Quota], most: u32, now: Timestamp) -> QuotaBlock {
        self.give_back(rest);
        let place = |quota: &Quota| (quota.per.name(), quota.per.around(now).start.micros());
        let left =
            |quota: &Quota| quota.limit.get().saturating_sub(self.0.get(&place(quota)).copied().unwrap_or(0));
        let size = quotas.iter().map(left).min().unwrap().min(most);
        let taken = quotas.iter().map(|quota| {
            let taken = self.0.entry(place(quota)).or_default();
            *taken += size;
            QuotaUsage { per: quota.per, begins: quota.per.around(now).start, taken: *taken }
        });
        QuotaBlock { size, taken: taken.collect() }
    }
}

/// A server, and the units that it has spent and may return.
#[derive(Default)]
struct Server {
    block: Block,
    out: Vec<block::QuotaStates>,
}

impl Server {
    /// Does what [`Quotas::spend_for`] does, without concurrency.
    fn spend(&mut self, ledger: &mut Ledger, quotas: &ResourceQuotas, now: Timestamp) -> bool {
        for _ in 0..3 {
            match self.block.spend(quotas, now) {
                SpendResult::Spent(states) => {
                    self.out.push(states);
                    return true;
                }
                SpendResult::Denied(state) => {
                    assert_eq!(state.left(), 0);
                    return false;
                }
                SpendResult::QueryStore => {
                    assert!(self.block.needs_store(quotas, now));
                    let rest = self.block.drain(key(), QuotaResource::Predictions);
                    let most = self.block.next_size(quotas, now);
                    self.block.fill(&ledger.take(&rest, &quotas.list(), most, now), quotas, now);
                }
            }
        }
        panic!("the block is empty although the store filled it");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Spend,
    /// The work for a unit was denied.
    GiveBack,
    /// The server is killed, and its block is lost.
    Kill,
    /// The server stops, and its block returns to the store.
    Stop,
    /// The quota changes.
    Quota(Option<u32>, Option<u32>),
    /// The number of seconds that pass.
    Wait(u32),
}

fn events() -> impl Strategy<Value = Vec<(usize, Event)>> {
    let limit = || proptest::option::weighted(0.7, 1_u32..200);
    let event = prop_oneof![
        60 => Just(Event::Spend),
        6 => Just(Event::GiveBack),
        1 => Just(Event::Kill),
        1 => Just(Event::Stop),
        2 => (limit(), limit()).prop_map(|(day, month)| Event::Quota(day, month)),
        2 => prop_oneof![0_u32..3, Just(86_400 / 2), Just(86_400 * 16)].prop_map(Event::Wait),
    ];
    proptest::collection::vec((0_usize..2, event), 1..600)
}

/// The number of units used in each day and month.
type Used = BTreeMap<(&'static str, i64), u32>;

fn run(servers: usize, events: Vec<(usize, Event)>) -> Result<(), TestCaseError> {
    let (mut all, mut ledger, mut used) =
        ([Server::default(), Server::default()], Ledger::default(), Used::new());
    let (mut now, mut quotas) = (Timestamp::from_micros(NOON), own(&[(100, Period::Day)]));
    let mut revision = Revision(1);
    let place = |state: &QuotaState| (state.quota.per.name(), state.window.start.micros());
    for (server, event) in events {
        let server = &mut all[server % servers];
        let of = ResourceQuotas::of(quotas, QuotaResource::Predictions, revision);
        match event {
            Event::Spend if of.is_empty() => {}
            Event::Spend => {
                if server.spend(&mut ledger, &of, now) {
                    for state in server.out.last().unwrap().iter().flatten() {
                        let used = used.entry(place(state)).or_default();
                        *used += 1;
                        prop_assert!(*used <= state.quota.limit.get(), "{used} of {state:?}");
                    }
                } else if servers == 1 {
                    // A single server denies only if the quota is used up, except for units that were lost in a kill.
                    let held = ledger.0.clone();
                    let is_used_up = of.list().iter().any(|quota| {
                        let place = (quota.per.name(), quota.per.around(now).start.micros());
                        held.get(&place).copied().unwrap_or(0) >= quota.limit.get()
                    });
                    prop_assert!(is_used_up);
                }
            }
            Event::GiveBack => {
                if let Some(states) = server.out.pop() {
                    server.block.return_unit(&states);
                    for state in states.iter().flatten() {
                        *used.get_mut(&place(state)).unwrap() -= 1;
                    }
                }
            }
            Event::Kill => *server = Server::default(),
            Event::Stop => {
                ledger.give_back(&server.block.drain(key(), QuotaResource::Predictions));
                *server = Server::default();
            }
            Event::Quota(day, month) => {
                let limits = [(day, Period::Day), (month, Period::Month)];
                let limits: Vec<_> =
                    limits.into_iter().filter_map(|(limit, per)| Some((limit?, per))).collect();
                (quotas, revision) = (own(&limits), Revision(revision.0 + 1));
            }
            Event::Wait(seconds) => now = now.plus(std::time::Duration::from_secs(seconds.into())),
        }
        for (place, used) in &used {
            prop_assert!(ledger.0.get(place).copied().unwrap_or(0) >= *used, "the store covers all usage");
        }
    }
    Ok(())
}

/// A case has hundreds of events.
fn cases() -> u32 {
    if std::env::var_os("KEYRACK_LONG").is_some() { 5_000 } else { 300 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn single_server_spends_the_quota_exactly(events in events()) {
        run(1, events)?;
    }

    #[test]
    fn two_servers_never_exceed_the_quota(events in events()) {
        run(2, events)?;
    }
}

#[test]
fn block_is_void_after_quota_is_raised_and_lowered() {
    let now = Timestamp::from_micros(NOON);
    let (mut one, mut other, mut ledger) = (Server::default(), Server::default(), Ledger::default());
    let quota = |limit: u32, revision| {
        ResourceQuotas::of(own(&[(limit, Period::Day)]), QuotaResource::Predictions, Revision(revision))
    };
    // The first server holds a block. The second has used more than the new quota allows.
    assert!(one.spend(&mut ledger, &quota(56, 1), now) && one.spend(&mut ledger, &quota(56, 1), now));
    assert!((0..100).all(|_| other.spend(&mut ledger, &quota(200, 2), now)));
    assert!(!one.spend(&mut ledger, &quota(56, 3), now));
}

#[test]
fn block_size_shrinks_to_one_near_the_limit() {
    let of = ResourceQuotas::of(own(&[(1_000, Period::Day)]), QuotaResource::Predictions, Revision(1));
    let now = Timestamp::from_micros(NOON);
    let (mut server, mut ledger, mut sizes) = (Server::default(), Ledger::default(), Vec::new());
    let day = ("day", Period::Day.around(now).start.micros());
    let mut before = 0;
    while server.spend(&mut ledger, &of, now) {
        sizes.extend(Some(ledger.0[&day] - before).filter(|size| *size > 0));
        before = ledger.0[&day];
    }
    assert_eq!((before, server.out.len()), (1_000, 1_000));
    assert_eq!((sizes[0], sizes[1]), (1, 62), "the first block has one unit");
    assert!(sizes[1..].is_sorted_by(|one, next| one >= next) && sizes.ends_with(&[1; 31]), "{sizes:?}");
}

#[test]
fn changed_quota_applies_to_the_current_block() {
    // The usage of a changed key belongs to another revision.
    let quota = |limit: u32| {
        ResourceQuotas::of(own(&[(limit, Period::Day)]), QuotaResource::Predictions, Revision(limit.into()))
    };
    let now = Timestamp::from_micros(NOON);
    let (mut server, mut ledger) = (Server::default(), Ledger::default());
    let mut spend = |limit: u32| server.spend(&mut ledger, &quota(limit), now);
    assert!((0..100).all(|_| spend(1_000)));
    // The block reaches 121 at this point.
    assert!(!spend(100) && spend(103) && spend(103) && spend(103) && !spend(103));
    assert!(spend(1_000));
    assert!(!spend(50) && spend(105) && !spend(105));
}

static CLOCK: AtomicI64 = AtomicI64::new(NOON);

fn clock() -> Timestamp {
    Timestamp::from_micros(CLOCK.load(Ordering::SeqCst))
}

/// A key with these quotas, allowed by a rack, on a separate store.
pub(crate) async fn world(folder: &std::path::Path, own: Own, clock: Clock) -> (Quotas, Caller) {
    use keyrack_key::{
        AccessRequest, Brands, Class, Exposure, Grant, Permission, Presented, RateUse, Restrictions, Scope,
        Secret, UserId, WorkspaceId,
    };
    use keyrack_store::{Actor, NewKey, NewSecret, NewUser, NewWorkspace};
    let rng = || rand_core::UnwrapErr(getrandom::SysRng);
    let (now, brands) = (clock(), Brands::default());
    let store = Store::open(&folder.join("keyrack.db"), rng()).await.unwrap();
    let (owner, workspace) = (UserId::new(now, &mut rng()), WorkspaceId::new(now, &mut rng()));
    let user = NewUser { id: owner, email: "ada@example.org", name: "Ada", password_hash: "$argon2id$none" };
    store.set_up(&user, &NewWorkspace { id: workspace, slug: "a", name: "A" }, now).await.unwrap();
    let secret = Secret::generate(brands.current(), Class::Secret, &mut rng());
    let key = NewKey {
        id: KeyId::new(now, &mut rng()),
        workspace,
        name: "k",
        grant: Grant::new(Class::Secret, [Scope::Inference].into_iter().collect()).unwrap(),
        restrictions: &Restrictions { quotas: own, ..Restrictions::NONE },
        note: None,
        expires_at: None,
        secret: NewSecret::of(&secret),
        actor: Actor::User(owner),
        now,
        idempotency_key: None,
    };
    store.as_operator().create_key(&key).await.unwrap();
    let rack = Arc::new(Rack::new());
    let follower = keyrack_rack::Follower::new(store.clone(), Arc::clone(&rack));
    follower.catch_up_to(keyrack_rack::Revision::default(), now).await.unwrap();
    let permission = Some(Permission::ModelsPredict);
    let (exposure, spend) = (Exposure::None, RateUse::Take);
    let question = AccessRequest { now, permission, address: None, origin: None, exposure, spend };
    let presented = Presented::parse(secret.expose().as_bytes(), &brands).unwrap();
    let caller = rack.check(&presented, &question).unwrap();
    (Quotas::new(store, rack, clock), caller)
}

pub(crate) async fn used(quotas: &Quotas, caller: &Caller) -> Vec<u32> {
    let states = quotas.states(caller.key().key, &quotas_of(caller)).await.unwrap();
    states.into_iter().map(|state| state.used).collect()
}

/// The only test that moves the clock, with everything that depends on the clock.
#[tokio::test]
async fn quota_restarts_each_period_and_close_returns_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (quotas, caller) = world(folder.path(), own(&[(40, Period::Day), (100, Period::Month)]), clock).await;
    let take_all = async || {
        let mut taken = 0;
        while let Ok(spent) = quotas.spend_for(&caller, QuotaResource::Predictions).await {
            drop(spent);
            taken += 1;
        }
        taken
    };
    let advance = |micros: i64| CLOCK.fetch_add(micros, Ordering::SeqCst);
    assert_eq!(clock(), "2027-01-14T12:00:00Z".parse::<jiff::Timestamp>().map(of_jiff).unwrap());
    assert_eq!((take_all().await, used(&quotas, &caller).await), (40, vec![40, 40]));
    advance(DAY / 2 - 1);
    assert_eq!(take_all().await, 0, "a microsecond before midnight");
    advance(1);
    assert_eq!((take_all().await, used(&quotas, &caller).await), (40, vec![40, 80]));
    advance(DAY);
    assert_eq!(
        (take_all().await, used(&quotas, &caller).await),
        (20, vec![20, 100]),
        "the monthly quota ends first"
    );
    advance(16 * DAY - 1);
    assert_eq!(
        (take_all().await, used(&quotas, &caller).await),
        (0, vec![0, 100]),
        "31 January, 23:59:59.999999"
    );
    advance(1);
    assert_eq!(used(&quotas, &caller).await, [0, 0]);
    for _ in 0..5 {
        let _ = quotas.spend_for(&caller, QuotaResource::Predictions).await.unwrap();
    }
    quotas.spend_for(&caller, QuotaResource::Predictions).await.unwrap().return_unit();
    assert_eq!(used(&quotas, &caller).await, [5, 5]);
    quotas.close().await.unwrap();
    let taken = quotas.store.quota_usage(caller.key().key, Period::Day.around(clock()).start).await.unwrap();
    assert_eq!(taken.iter().map(|(_, one)| one.taken).collect::<Vec<_>>(), [5, 5]);
    quotas.sweep().await.unwrap();
    let kept = quotas.store.quota_usage(caller.key().key, Timestamp::from_micros(0)).await.unwrap();
    assert_eq!(kept.len(), 6, "rows of this month and the previous month stay");
    advance(31 * DAY);
    quotas.sweep().await.unwrap();
    let kept = quotas.store.quota_usage(caller.key().key, Timestamp::from_micros(0)).await.unwrap();
    assert_eq!(kept.len(), 2);
}

fn of_jiff(time: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_microsecond())
}
