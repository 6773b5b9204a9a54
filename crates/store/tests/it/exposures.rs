//! Exposures of secrets are kept as long as the secret works.

use keyrack_key::{Class, Exposure, Hint, KeyId, Scope, Timestamp, WorkspaceId};
use keyrack_rack::{Call, CallGroup, Outcome, SanitizedText, SecretExposure, SecretUsage};
use keyrack_store::{DeleteKey, ExposureRecord, KeyRow, NewKey, RotateKey};

use crate::{NOW, World, grant, later, rng, secret, world};

fn calls(key: KeyId, hint: Hint, exposure: Exposure, origin: &str, at: Timestamp) -> CallGroup {
    let outcome = Outcome { permission: None, denied: Some("key_in_browser") };
    let (origin, agent) = (origin.as_bytes(), b"Mozilla/5.0");
    let workspace = WorkspaceId::new(NOW, &mut rng());
    CallGroup::one(&Call { workspace, key, hint, at, address: None, origin, agent, exposure, outcome })
}

fn hint_of(key: &KeyRow) -> Hint {
    key.secrets[0].hint
}

impl World {
    async fn seen(&self, key: KeyId, now: Timestamp) -> Vec<ExposureRecord> {
        self.store.exposures(self.workspace, &[key], now).await.unwrap()
    }

    async fn note(&self, calls: &[CallGroup]) {
        self.store.store_callers(calls, later(1_000)).await.unwrap();
    }

    async fn with_new_secret(&self, key: &KeyRow, retires_at: Timestamp) -> KeyRow {
        let before = self.store.key(self.workspace, key.id).await.unwrap().unwrap();
        let rotate = RotateKey {
            workspace: self.workspace,
            id: key.id,
            expected: before.revision,
            secret: secret(),
            retires_at,
            actor: self.actor(),
            now: later(10),
            idempotency_key: None,
        };
        self.store.rotate_key(&rotate).await.unwrap()
    }
}

#[tokio::test]
async fn exposure_has_first_and_last_time_and_stays_in_its_workspace() {
    let world = world().await;
    let (key, other) = (world.key("CI").await, world.key("other").await);
    let shop = |at| calls(key.id, hint_of(&key), Exposure::Browser, "https://shop.example", at);
    world.note(&[shop(later(5)), shop(later(9)), shop(later(2))]).await;
    world.note(&[calls(key.id, hint_of(&key), Exposure::Url, "", later(7))]).await;
    world.note(&[calls(other.id, hint_of(&other), Exposure::None, "", NOW)]).await;
    let [last, first] = world.seen(key.id, later(20)).await.try_into().unwrap();
    assert_eq!((last.origin.as_str(), last.exposure), ("https://shop.example", Exposure::Browser));
    assert_eq!((last.first, last.last, last.hint), (later(2), later(9), hint_of(&key)));
    assert_eq!((first.origin.as_str(), first.exposure, first.last), ("", Exposure::Url, later(7)));
    assert!(world.seen(other.id, later(20)).await.is_empty(), "a program on a server exposes no secret");
    let of_another = WorkspaceId::new(NOW, &mut rng());
    assert!(world.store.exposures(of_another, &[key.id], later(20)).await.unwrap().is_empty());
}

#[tokio::test]
async fn usage_records_exposures() {
    let world = world().await;
    let key = world.key("CI").await;
    let (key, hint) = (key.id, hint_of(&key));
    let used = |exposure, origin: &str, at| SecretUsage {
        key,
        secret: None,
        counts: Vec::new(),
        last: None,
        exposures: vec![SecretExposure { hint, exposure, origin: SanitizedText::new(origin.as_bytes()), at }],
    };
    let ahead = Timestamp::from_micros(253_086_595_200_000_000);
    let all = [
        used(Exposure::Browser, "https://shop.example", later(3)),
        used(Exposure::Url, "", Timestamp::from_micros(0)),
        used(Exposure::Browser, "https://node.example", ahead),
    ];
    world.store.store_usage(&all, later(9)).await.unwrap();
    let records: Vec<_> = world.seen(key, later(20)).await;
    let records: Vec<_> = records.iter().map(|one| (one.origin.as_str(), one.first, one.last)).collect();
    let created = world.store.key(world.workspace, key).await.unwrap().unwrap().created_at;
    let expected = [
        ("https://node.example", later(9), later(9)),
        ("https://shop.example", later(3), later(3)),
        ("", created, created),
    ];
    assert_eq!(records, expected);
}

#[tokio::test]
async fn exposure_time_in_the_future_is_replaced() {
    let world = world().await;
    let key = world.key("CI").await;
    let shop = |at| calls(key.id, hint_of(&key), Exposure::Browser, "https://shop.example", at);
    world.note(&[shop(later(5))]).await;
    let ahead = "UPDATE key_sightings SET first_at = 253086595200000000, last_at = 253086595200000000";
    world.console().execute(ahead, []).unwrap();
    world.note(&[shop(later(7))]).await;
    let [one] = world.seen(key.id, later(20)).await.try_into().unwrap();
    assert_eq!((one.first, one.last), (later(7), later(7)));
}

#[tokio::test]
async fn publishable_key_has_no_exposures() {
    let world = world().await;
    let grant = grant(Class::Publishable, &[Scope::Inference]);
    let key = world.store.create_key(&NewKey { grant, ..world.new_key("web") }).await.unwrap();
    world.note(&[calls(key.id, hint_of(&key), Exposure::Browser, "https://shop.example", NOW)]).await;
    assert!(world.seen(key.id, NOW).await.is_empty());
}

#[tokio::test]
async fn invented_origins_store_at_most_eight_exposures() {
    let world = world().await;
    let key = world.key("CI").await;
    let seen = |origin: &str, at| calls(key.id, hint_of(&key), Exposure::Browser, origin, at);
    world.note(&[seen("https://shop.example", NOW)]).await;
    for number in 0..50 {
        world.note(&[seen(&format!("https://evil{number}.example"), later(number))]).await;
    }
    world.note(&[seen("https://shop.example", later(900))]).await;
    let all = world.seen(key.id, later(999)).await;
    assert_eq!((all.len(), all[0].origin.as_str(), all[0].last), (8, "https://shop.example", later(900)));
}

#[tokio::test]
async fn exposure_of_an_unknown_secret_is_ignored() {
    let world = world().await;
    let key = world.key("CI").await;
    let hints = (1_000..1_020).map(|number| Hint::parse(&number.to_string()).unwrap());
    let made_up: Vec<_> = hints.map(|hint| calls(key.id, hint, Exposure::Url, "", NOW)).collect();
    world.note(&made_up).await;
    world.note(&[calls(key.id, hint_of(&key), Exposure::Url, "", NOW)]).await;
    let rows = world.console().query_row("SELECT count(*) FROM key_sightings", [], |row| row.get(0));
    assert_eq!(rows, Ok(1_i64));
}

#[tokio::test]
async fn exposure_ends_with_its_secret() {
    let world = world().await;
    let key = world.key("CI").await;
    world.note(&[calls(key.id, hint_of(&key), Exposure::Browser, "https://shop.example", NOW)]).await;
    let rotated = world.with_new_secret(&key, later(100)).await;
    assert_eq!(world.seen(key.id, later(99)).await.len(), 1, "the old secret still works");
    assert!(world.seen(key.id, later(100)).await.is_empty());
    world.note(&[calls(key.id, hint_of(&rotated), Exposure::Url, "", later(101))]).await;
    assert_eq!(world.seen(key.id, later(102)).await.len(), 1);
    // Old callers are deleted, but the exposure of a working secret is kept.
    world.store.delete_usage_before(later(1_000_000_000)).await.unwrap();
    assert_eq!(world.seen(key.id, later(102)).await.len(), 1);
    let (workspace, actor) = (world.workspace, world.actor());
    let delete = DeleteKey { workspace, id: key.id, reason: None, actor, now: later(103) };
    world.store.delete_key(&delete).await.unwrap();
    assert!(world.seen(key.id, later(104)).await.is_empty());
    assert_eq!(
        world.store.delete_usage_before(later(1_000_000_000)).await.unwrap(),
        1,
        "a deleted key keeps no rows"
    );
}
