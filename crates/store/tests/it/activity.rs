//! Reading the audit log with filters.

use keyrack_store::{ActivityFilter, Actor, AuditAction, RotateKey};

use crate::{NOW, World, later, secret, world};

/// Creates the keys "CI" and "Camera 50%", and rotates the second one with the first.
async fn busy_world() -> (World, [keyrack_key::KeyId; 2]) {
    let world = world().await;
    let (first, second) = (world.key("CI").await, world.key("Camera 50%").await);
    let rotate = RotateKey {
        workspace: world.workspace,
        id: second.id,
        expected: second.revision,
        secret: secret(),
        retires_at: later(60),
        actor: Actor::Key(first.id),
        now: later(10),
        idempotency_key: None,
    };
    world.store.rotate_key(&rotate).await.unwrap();
    (world, [first.id, second.id])
}

async fn found(world: &World, filter: ActivityFilter) -> Vec<i64> {
    let page = world.store.activity(world.workspace, &filter, None, 10).await.unwrap();
    let after = world.store.activity_after(world.workspace, &filter, 0, u64::MAX, 10).await.unwrap();
    let mut upwards: Vec<_> = after.iter().map(|entry| entry.link.seq).collect();
    upwards.reverse();
    let seqs: Vec<_> = page.items.iter().map(|entry| entry.link.seq).collect();
    assert_eq!(seqs, upwards, "both orders return the same entries");
    seqs
}

#[tokio::test]
async fn activity_filter_returns_matching_entries_only() {
    let (world, [first, second]) = busy_world().await;
    let any = ActivityFilter::default;
    assert_eq!(found(&world, any()).await, [5, 4, 3, 2, 1]);
    let by = |actor| ActivityFilter { actor: Some(actor), ..any() };
    assert_eq!(found(&world, by(world.actor())).await, [4, 3, 2, 1]);
    assert_eq!(found(&world, by(Actor::Key(first))).await, [5]);
    assert_eq!(found(&world, by(Actor::Operator)).await, [0; 0]);
    let of = |target: &str| ActivityFilter { target: Some(target.to_owned()), ..any() };
    assert_eq!(found(&world, of(&second.to_string())).await, [5, 4]);
    let both = ActivityFilter { actor: Some(world.actor()), ..of(&second.to_string()) };
    assert_eq!(found(&world, both).await, [4]);
    let what = ActivityFilter { action: Some(AuditAction::KeyCreated), ..any() };
    assert_eq!(found(&world, what).await, [4, 3]);
    let named = |text: &str| ActivityFilter { text: Some(text.to_owned()), ..any() };
    assert_eq!(found(&world, named("cAmEra")).await, [5, 4]);
    assert_eq!(found(&world, named("0%")).await, [5, 4]);
    assert_eq!(found(&world, named("a%a")).await, [0; 0], "% matches itself only");
    assert_eq!(found(&world, ActivityFilter { from: Some(later(10)), ..any() }).await, [5]);
    assert_eq!(found(&world, ActivityFilter { until: Some(later(10)), ..any() }).await, [4, 3, 2, 1]);
    assert_eq!(found(&world, ActivityFilter { until: Some(NOW), ..any() }).await, [0; 0]);
}

#[tokio::test]
async fn pages_of_activity_are_consecutive_and_end() {
    let (world, _) = busy_world().await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page =
            world.store.activity(world.workspace, &ActivityFilter::default(), before, 2).await.unwrap();
        seen.extend(page.items.iter().map(|entry| entry.link.seq));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let piece =
        world.store.activity_after(world.workspace, &ActivityFilter::default(), 2, 4, 10).await.unwrap();
    assert_eq!(piece.iter().map(|entry| entry.link.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(world.store.activity_length(world.workspace).await.unwrap(), 5);
}

#[tokio::test]
async fn activity_entries_have_hashed_fields_and_current_names() {
    let (world, [first, _]) = busy_world().await;
    let page = world.store.activity(world.workspace, &ActivityFilter::default(), None, 10).await.unwrap();
    for entry in &page.items {
        assert!(entry.link.is_known());
        assert_eq!(entry.link.hash(), entry.hash, "{entry:?}");
    }
    for (newer, older) in page.items.iter().zip(&page.items[1..]) {
        assert_eq!(newer.link.prev, older.hash);
    }
    let names = |seq: usize| {
        let entry = &page.items[5 - seq];
        (entry.actor_name.as_deref(), entry.target_name.as_deref())
    };
    assert_eq!(names(5), (Some("CI"), Some("Camera 50%")));
    assert_eq!(names(2), (Some("Ada"), Some("Ada")));
    let rotation: serde_json::Value = serde_json::from_str(&page.items[0].link.detail).unwrap();
    assert_eq!(rotation["name"], "Camera 50%");
    assert_ne!(rotation["replaced"], rotation["hint"]);
    let actors = world.store.activity_actors(world.workspace, 10).await.unwrap();
    let both = [(Actor::Key(first), Some("CI".to_owned())), (world.actor(), Some("Ada".to_owned()))];
    assert_eq!(actors, both);
}

/// The query for a key must not read the entries of all others.
#[tokio::test]
async fn activity_of_a_key_or_person_uses_an_index() {
    let (world, _) = busy_world().await;
    let console = world.console();
    for (condition, index) in [("target", "audit_of_target"), ("actor", "audit_of_actor")] {
        let query = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM audit a WHERE a.workspace_id = 'x' AND a.seq < 9 AND +a.seq > 0
             AND a.{condition} = 'y' AND ('z' IS NULL OR a.action = 'z') ORDER BY a.seq DESC LIMIT 50"
        );
        let mut plan = console.prepare(&query).unwrap();
        let steps = plan.query_map([], |step| step.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
