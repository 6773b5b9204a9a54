//! The usage of keys.

use std::time::Duration;

use keyrack_key::{KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{LastUse, Outcome, SecretUsage};
use keyrack_store::Usage;

use crate::{NOW, later, rng, world};

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), denied: None };
const HOUR: u64 = 3_600;

#[tokio::test]
async fn latest_use_is_kept_and_unknown_keys_are_skipped() {
    let world = world().await;
    let key = world.key("CI").await;
    let used = |key, at, agent: &str| {
        let last = LastUse::new(at, Some([10, 0, 0, 9].into()), PREDICTED.permission, agent.as_bytes());
        SecretUsage {
            key,
            secret: None,
            counts: vec![(PREDICTED, 1)],
            last: Some(last),
            exposures: Vec::new(),
        }
    };
    let stranger = KeyId::new(NOW, &mut rng());
    world.store.store_usage(&[], NOW).await.unwrap();
    let together = [used(stranger, NOW, "ghost"), used(key.id, later(2), "curl/8")];
    world.store.store_usage(&together, later(2)).await.unwrap();
    world.store.store_usage(&[used(key.id, later(1), "late")], later(2)).await.unwrap();
    let read = world.store.key(world.workspace, key.id).await.unwrap().unwrap();
    let last = read.last_use.unwrap();
    assert_eq!((last.at, last.agent()), (later(2), "curl/8"));
    assert_eq!(
        (last.address, last.permission),
        (Some([10, 0, 0, 9].into()), Some(Permission::ModelsPredict))
    );
    assert_eq!(read.revision, key.revision, "usage does not change the revision");
}

fn at(key: KeyId, at: Timestamp, agent: &str) -> SecretUsage {
    let last = LastUse::new(at, None, PREDICTED.permission, agent.as_bytes());
    SecretUsage { key, secret: None, counts: vec![(PREDICTED, 1)], last: Some(last), exposures: Vec::new() }
}

/// A node can report any time.
#[tokio::test]
async fn last_use_is_clamped_between_key_creation_and_now() {
    let world = world().await;
    let key = world.key("CI").await.id;
    let last = async || world.store.key(world.workspace, key).await.unwrap().unwrap().last_use.unwrap().at;
    let year_9990 = Timestamp::from_micros(253_086_595_200_000_000);
    world.store.store_usage(&[at(key, year_9990, "node")], later(5)).await.unwrap();
    assert_eq!(last().await, later(5));
    world.store.store_usage(&[at(key, later(6), "here")], later(6)).await.unwrap();
    assert_eq!(last().await, later(6));
    let other = world.key("old").await.id;
    world.store.store_usage(&[at(other, Timestamp::from_micros(0), "node")], later(7)).await.unwrap();
    let read = world.store.key(world.workspace, other).await.unwrap().unwrap();
    assert_eq!(read.last_use.unwrap().at, read.created_at);
}

/// A time in the past.
#[tokio::test]
async fn last_use_in_the_future_is_replaced() {
    let world = world().await;
    let key = world.key("CI").await.id;
    world.store.store_usage(&[at(key, later(1), "node")], later(1)).await.unwrap();
    world.console().execute("UPDATE key_uses SET at = 253086595200000000", []).unwrap();
    world.store.store_usage(&[at(key, later(2), "here")], later(2)).await.unwrap();
    let last = world.store.key(world.workspace, key).await.unwrap().unwrap().last_use.unwrap();
    assert_eq!((last.at, last.agent()), (later(2), "here"));
}

#[tokio::test]
async fn checks_add_up_by_hour_and_stay_in_their_workspace() {
    let world = world().await;
    let key = world.key("CI").await;
    let denied_outcome = Outcome { permission: None, denied: Some("expired_key") };
    let used = |checks| SecretUsage {
        key: key.id,
        secret: None,
        counts: vec![(PREDICTED, checks), (denied_outcome, 1)],
        last: None,
        exposures: Vec::new(),
    };
    world.store.store_usage(&[used(3), used(4)], NOW).await.unwrap();
    world.store.store_usage(&[used(5)], NOW).await.unwrap();
    world.store.store_usage(&[used(6)], later(HOUR)).await.unwrap();
    let hours =
        world.store.usage(world.workspace, key.id, later(0).minus(Duration::from_secs(HOUR))).await.unwrap();
    let all: Vec<_> = hours.iter().map(|one| (one.permission, one.outcome.as_str(), one.checks)).collect();
    let (predict, none) = (PREDICTED.permission, None);
    assert_eq!(
        all,
        [
            (none, "expired_key", 3),
            (predict, "allowed", 12),
            (none, "expired_key", 1),
            (predict, "allowed", 6)
        ]
    );
    assert!(hours.iter().all(|Usage { hour, .. }| hour.micros() % 3_600_000_000 == 0));
    let recent = world.store.usage(world.workspace, key.id, hours[2].hour).await.unwrap();
    assert_eq!(recent, hours[2..]);
    let stranger = WorkspaceId::new(NOW, &mut rng());
    assert!(world.store.usage(stranger, key.id, NOW).await.unwrap().is_empty());
}
