//! A month of requests, hour by hour.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use keyrack::app::Shared;
use keyrack_core::clock;
use keyrack_key::{
    Class, Digest, Exposure, Grant, Hint, KeyId, Permission, Restrictions, Scope, Timestamp, WorkspaceId,
};
use keyrack_rack::{Call, CallGroup, LastUse, Outcome, SecretUsage};
use keyrack_store::{Actor, DeniedRequest, NewKey, NewSecret};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng, UnwrapErr};

pub(crate) const KEYS: u32 = 10_000;
const HOURS: u32 = 30 * 24;
const PREDICT: Outcome = Outcome { permission: Some(Permission::ModelsPredict), denied: None };

/// The keys, and when it all ends.
pub(crate) struct Month {
    keys: Vec<KeyId>,
    end: Timestamp,
    hint: Hint,
}

impl Month {
    pub(crate) async fn of_keys(app: &Shared, workspace: WorkspaceId) -> Self {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let grant = Grant::new(Class::Secret, [Scope::Project].into_iter().collect()).unwrap();
        let (end, hint) = (clock::now(), Hint::parse("Ab0z").unwrap());
        let mut keys = Vec::new();
        for number in 0..KEYS {
            let now = end.minus(Duration::from_hours(24 * 60)).plus(Duration::from_secs(u64::from(number)));
            let new = NewKey {
                id: KeyId::new(now, &mut rng),
                workspace,
                name: &format!("camera {number}"),
                grant,
                restrictions: &Restrictions::default(),
                note: None,
                expires_at: None,
                secret: NewSecret { digest: Digest::of(&number.to_be_bytes()), hint, publishable: None },
                actor: Actor::Operator,
                now,
                idempotency_key: None,
            };
            keys.push(app.store.as_operator().create_key(&new).await.unwrap().id);
        }
        Self { keys, end, hint }
    }

    /// The one that is called all the time.
    pub(crate) fn busy(&self) -> KeyId {
        self.keys[self.keys.len() - 1]
    }

    pub(crate) fn key(&self, number: usize) -> KeyId {
        self.keys[number * 31 % self.keys.len()]
    }

    /// Writes them down as the server does: what came in an hour together.
    pub(crate) async fn pass(&self, app: &Shared, requests: u32) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for hour in 0..HOURS {
            let at = self.end.minus(Duration::from_hours(u64::from(HOURS - hour)));
            let share = requests / HOURS + u32::from(hour < requests % HOURS);
            let mut hour: Vec<_> = (0..share).map(|_| self.one(at, &mut rng)).collect();
            hour.extend(self.busy_hour(at, hour.len()));
            let used: Vec<_> = hour.iter().map(used).collect();
            app.store.store_usage(&used, at).await.unwrap();
            app.store.store_callers(&hour, at).await.unwrap();
            let refused: Vec<_> = hour.iter().filter_map(|calls| refusal(calls, &mut rng)).collect();
            app.store.store_denied_requests(&refused).await.unwrap();
        }
    }

    /// A request of any key: each is called from a few addresses, and one in thirty is refused.
    fn one(&self, at: Timestamp, rng: &mut ChaCha8Rng) -> CallGroup {
        let number = rng.next_u32() % KEYS;
        let address = Ipv4Addr::from(0x0a00_0000 | (number << 3) | (rng.next_u32() % 5));
        let refused = rng.next_u32().is_multiple_of(30).then_some("rate_limited");
        self.calls(number as usize, at, address, Outcome { denied: refused, ..PREDICT })
    }

    /// The busy key does all that there is, from another network each time.
    fn busy_hour(&self, at: Timestamp, seed: usize) -> Vec<CallGroup> {
        let asked = [Permission::ModelsPredict, Permission::DatasetsUpload, Permission::ModelsTrain];
        let hour = u32::try_from(at.micros() / 3_600_000_000 % i64::from(HOURS)).unwrap_or(0);
        let call = |(number, permission): (usize, Permission)| {
            let address =
                Ipv4Addr::from(0xc600_0000 | hour << 8 | u32::try_from(number + seed % 7).unwrap_or(0));
            let outcome = Outcome { permission: Some(permission), denied: None };
            self.calls(self.keys.len() - 1, at, address, outcome)
        };
        asked.into_iter().enumerate().map(call).collect()
    }

    fn calls(&self, number: usize, at: Timestamp, address: Ipv4Addr, outcome: Outcome) -> CallGroup {
        let (key, hint, address) = (self.keys[number], self.hint, Some(IpAddr::from(address)));
        let (origin, agent, exposure) = (b"", b"camera/3 (line; armv7)", Exposure::None);
        // Nothing is shared here, so that any will do.
        let workspace = WorkspaceId::new(at, &mut UnwrapErr(getrandom::SysRng));
        CallGroup::one(&Call { workspace, key, hint, at, address, origin, agent, exposure, outcome })
    }
}

fn used(calls: &CallGroup) -> SecretUsage {
    let last =
        LastUse::new(calls.last, calls.address, calls.outcome.permission, calls.agent.as_str().as_bytes());
    let last = Some(last).filter(|_| calls.outcome.denied.is_none());
    SecretUsage {
        key: calls.key,
        secret: None,
        counts: vec![(calls.outcome, 1)],
        last,
        exposures: Vec::new(),
    }
}

fn refusal(calls: &CallGroup, rng: &mut ChaCha8Rng) -> Option<DeniedRequest> {
    Some(DeniedRequest {
        request: format!("req_{:08x}{:016x}", rng.next_u32(), rng.next_u64()),
        key: calls.key,
        at: calls.last,
        code: calls.outcome.denied?.to_owned(),
        permission: calls.outcome.permission,
        address: calls.address,
        origin: None,
        agent: calls.agent.as_str().to_owned(),
        method: "POST".to_owned(),
        route: "/api/v1/predict/classify/{model_id}".to_owned(),
    })
}
