//! Past usage of keys, written directly to the store.

use std::net::IpAddr;

use keyrack_core::clock;
use keyrack_key::{Exposure, Hint, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{Call, CallGroup, LastUse, Outcome, SecretUsage};
use keyrack_store::Store;
use rand_core::UnwrapErr;
use std::time::Duration;

use crate::api::CreatedKey;
use crate::harness::Server;

/// The requests of one day.
pub(crate) struct DailyUsage<'a> {
    pub(crate) key: &'a CreatedKey,
    pub(crate) days_ago: u32,
    pub(crate) permission: Permission,
    pub(crate) denied: Option<&'static str>,
    pub(crate) calls: u32,
    pub(crate) address: &'a str,
    pub(crate) agent: &'a str,
}

impl DailyUsage<'_> {
    /// Allowed predictions.
    pub(crate) fn predictions(key: &CreatedKey, days_ago: u32, calls: u32) -> DailyUsage<'_> {
        let permission = Permission::ModelsPredict;
        DailyUsage {
            key,
            days_ago,
            permission,
            denied: None,
            calls,
            address: "203.0.113.9",
            agent: "camera/3",
        }
    }

    fn at(&self) -> Timestamp {
        clock::now().minus(Duration::from_hours(24 * u64::from(self.days_ago)))
    }

    async fn write(&self, store: &Store) {
        let (key, at): (KeyId, _) = (self.key.id.parse().unwrap(), self.at());
        let address: IpAddr = self.address.parse().unwrap();
        let outcome = Outcome { permission: Some(self.permission), denied: self.denied };
        let last = LastUse::new(at, Some(address), outcome.permission, self.agent.as_bytes());
        let last = Some(last).filter(|_| self.denied.is_none());
        let used = SecretUsage {
            key,
            secret: None,
            counts: vec![(outcome, self.calls)],
            last,
            exposures: Vec::new(),
        };
        store.store_usage(&[used], at).await.unwrap();
        let hint = Hint::parse(&self.key.secret[self.key.secret.len() - 4..]).unwrap();
        let agent = self.agent.as_bytes();
        let (address, exposure) = (Some(address), Exposure::None);
        let workspace = WorkspaceId::new(at, &mut UnwrapErr(getrandom::SysRng));
        let call = Call { workspace, key, hint, at, address, origin: b"", agent, exposure, outcome };
        store.store_callers(&[CallGroup { count: self.calls, ..CallGroup::one(&call) }], at).await.unwrap();
    }
}

/// Stops the server, writes the usage to the store, and starts the server again.
pub(crate) async fn write_usage(server: &mut Server, days: &[DailyUsage<'_>]) {
    server.stop().await;
    let rng = UnwrapErr(getrandom::SysRng);
    let store = Store::open(&server.data().join("keyrack.db"), rng).await.unwrap();
    for day in days {
        day.write(&store).await;
    }
    store.close().await;
    server.restart().await;
}
