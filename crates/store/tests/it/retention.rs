//! Old rows are deleted, others are kept, and all queries use an index.

use std::time::Duration;

use keyrack_key::{Exposure, Hint, KeyId, Permission, Permissions, Timestamp};
use keyrack_rack::{Call, CallGroup, LastUse, Outcome, SecretUsage};
use keyrack_store::DeniedRequest;

use crate::{NOW, World, later, world};

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), denied: None };
const REFUSED: Outcome =
    Outcome { permission: Some(Permission::ModelsTrain), denied: Some("insufficient_scope") };

async fn used(world: &World, key: KeyId, at: Timestamp) {
    let last = LastUse::new(at, None, PREDICTED.permission, b"camera");
    let counts = vec![(PREDICTED, 3), (REFUSED, 2)];
    world
        .store
        .store_usage(
            &[SecretUsage { key, secret: None, counts, last: Some(last), exposures: Vec::new() }],
            at,
        )
        .await
        .unwrap();
    let hint = Hint::parse("9fQ2").unwrap();
    // A different address each day.
    let [a, b, c, d, ..] = at.micros().to_le_bytes();
    let address = Some(std::net::IpAddr::from([d, c, b, a]));
    let (origin, agent, exposure) = (b"", b"camera", Exposure::Url);
    let workspace = world.workspace;
    let call = Call { workspace, key, hint, at, address, origin, agent, exposure, outcome: PREDICTED };
    world.store.store_callers(&[CallGroup::one(&call)], at).await.unwrap();
    let denied = DeniedRequest {
        request: format!("req_{:024x}", at.micros()),
        key,
        at,
        code: "insufficient_scope".into(),
        permission: REFUSED.permission,
        address: None,
        origin: None,
        agent: String::new(),
        method: "GET".into(),
        route: "/api/v1/projects".into(),
    };
    world.store.store_denied_requests(&[denied]).await.unwrap();
}

fn days(days: u64) -> Timestamp {
    later(days * 86_400)
}

#[tokio::test]
async fn old_rows_are_deleted_in_every_table_but_last_use_is_kept() {
    let world = world().await;
    let key = world.key("CI").await.id;
    for day in 0..10 {
        used(&world, key, days(day)).await;
    }
    let forgotten = world.store.delete_usage_before(days(7)).await.unwrap();
    // Seven days with two rows by hour, one by day, one of calls, a caller, and a denial. The eighth day started
    // before.
    assert!(forgotten >= 7 * 6, "{forgotten}");
    let hours = world.store.usage(world.workspace, key, Timestamp::from_micros(0)).await.unwrap();
    assert_eq!(hours.iter().map(|one| one.checks).sum::<u64>(), 3 * 5);
    let callers = world.store.callers(world.workspace, key, NOW, None, 100).await.unwrap().items;
    assert_eq!(callers.len(), 3);
    assert_eq!(world.store.denied_requests(world.workspace, key, 100).await.unwrap().len(), 3);
    let left = world.store.daily_usage(world.workspace, &[key], Timestamp::from_micros(0)).await.unwrap();
    assert!((2..=3).contains(&left.len()), "{left:?}");
    assert_eq!(world.store.delete_usage_before(days(7)).await.unwrap(), 0);
    assert!(world.store.delete_usage_before(days(1_000)).await.unwrap() > 0);
    let console = world.console();
    for table in ["key_usage", "key_days", "key_callers", "caller_days", "key_refusals", "key_sightings"] {
        let rows =
            console.query_one(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
        assert_eq!(rows.unwrap(), 0, "{table}");
    }
    let read = world.store.key(world.workspace, key).await.unwrap().unwrap();
    assert_eq!(read.last_use.unwrap().at, days(9));
}

#[tokio::test]
async fn days_add_up_and_have_the_permissions() {
    let world = world().await;
    let (key, other) = (world.key("CI").await.id, world.key("other").await.id);
    used(&world, key, NOW).await;
    used(&world, key, later(3_600)).await;
    used(&world, key, days(2)).await;
    used(&world, other, NOW).await;
    let daily = world.store.daily_usage(world.workspace, &[key], NOW).await.unwrap();
    let numbers: Vec<_> = daily.iter().map(|day| (day.allowed, day.denied)).collect();
    assert_eq!(numbers, [(6, 4), (3, 2)]);
    assert!(
        daily
            .iter()
            .all(|day| day.key == key && day.permissions == Permissions::of(&[Permission::ModelsPredict]))
    );
    let both = world.store.daily_usage(world.workspace, &[key, other], NOW).await.unwrap();
    assert_eq!(both.len(), 3);
    let by_day = world.store.usage_by_day(world.workspace, key, NOW).await.unwrap();
    assert_eq!(by_day.iter().map(|one| one.checks).collect::<Vec<_>>(), [6, 4, 3, 2]);
}

/// Rows by hour from before there were rows by day.
#[tokio::test]
async fn migration_computes_days_from_hours() {
    let world = world().await;
    let key = world.key("CI").await.id;
    used(&world, key, NOW).await;
    used(&world, key, NOW.plus(Duration::from_hours(1))).await;
    let before = world.store.daily_usage(world.workspace, &[key], NOW).await.unwrap();
    let console = world.console();
    console.execute("DELETE FROM key_days", []).unwrap();
    let migration = include_str!("../../migrations/sqlite/0009_callers.sql");
    let start = migration.find("INSERT INTO key_days").unwrap();
    let fill = &migration[start..start + migration[start..].find(';').unwrap()];
    console.execute(fill, []).unwrap();
    assert_eq!(world.store.daily_usage(world.workspace, &[key], NOW).await.unwrap(), before);
}

#[tokio::test]
async fn retention_queries_use_indexes() {
    let world = world().await;
    let console = world.console();
    let look = [
        "SELECT d.allowed FROM key_days d JOIN keys k ON k.id = d.key_id
         WHERE k.workspace_id = 'w' AND d.day >= 1 AND d.key_id IN (SELECT value FROM json_each('[]')) ORDER BY d.key_id, d.day",
        "SELECT sum(u.checks) FROM key_usage u JOIN keys k ON k.id = u.key_id
         WHERE k.workspace_id = 'w' AND k.id = 'a' AND u.hour >= 1 GROUP BY u.hour - u.hour % 86400000000, u.permission, u.outcome",
        "SELECT c.id, (SELECT sum(d.allowed) FROM caller_days d WHERE d.caller = c.id AND d.day >= 1)
         FROM key_callers c JOIN keys k ON k.id = c.key_id WHERE c.key_id = 'a' AND k.workspace_id = 'w'
         AND (c.last_at, c.id) < (1, 1) ORDER BY c.last_at DESC, c.id DESC LIMIT 10",
        "SELECT sum(d.allowed) FROM key_callers c JOIN keys k ON k.id = c.key_id JOIN caller_days d ON d.caller = c.id
         WHERE c.key_id = 'a' AND k.workspace_id = 'w' AND d.day >= 1 GROUP BY d.caller, d.permission",
        "SELECT r.* FROM key_refusals r JOIN keys k ON k.id = r.key_id WHERE r.key_id = 'a' AND k.workspace_id = 'w'
         ORDER BY r.at DESC LIMIT 10",
        "SELECT count(*) FROM key_callers WHERE key_id = 'a'",
        "SELECT g.* FROM key_sightings g JOIN keys k ON k.id = g.key_id WHERE k.workspace_id = 'w' AND k.deleted_at IS NULL
         AND g.key_id IN (SELECT value FROM json_each('[]')) AND EXISTS (SELECT 1 FROM key_secrets s
         WHERE s.key_id = g.key_id AND s.hint = g.hint AND (s.retires_at IS NULL OR s.retires_at > 1))",
        "SELECT count(*) FROM key_sightings WHERE key_id = 'a' AND hint = 'b'",
        "SELECT g.key_id FROM key_sightings g WHERE g.last_at < 1
         AND NOT EXISTS (SELECT 1 FROM key_secrets s WHERE s.key_id = g.key_id AND s.hint = g.hint) LIMIT 500",
        "SELECT key_id FROM key_usage WHERE hour < 1 LIMIT 500",
        "SELECT key_id FROM key_days WHERE day < 1 LIMIT 500",
        "SELECT caller FROM caller_days WHERE day < 1 LIMIT 500",
        "SELECT id FROM key_callers WHERE last_at < 1 LIMIT 500",
        "SELECT request FROM key_refusals WHERE at < 1 LIMIT 500",
    ];
    for query in look {
        let mut plan = console.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let steps = plan.query_map([], |row| row.get("detail")).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(
            !steps.is_empty()
                && !steps.iter().any(|step| step.starts_with("SCAN") && !step.contains("json_each")),
            "{query}\n{steps:#?}"
        );
    }
}
