//! Lists of keys: filters, counts, and pages.

use keyrack_key::{Class, KeyId, Permission, Scope};
use keyrack_rack::{LastUse, Outcome, SecretUsage};
use keyrack_store::{KeyFilter, KeyOrder, KeySlice, KeyStatus, NewKey};

use crate::{NOW, World, grant, later, rng, world};

impl World {
    async fn names(&self, filter: &KeyFilter<'_>) -> Vec<String> {
        let page = self.store.keys(self.workspace, filter).await.unwrap();
        let mut names: Vec<_> = page.items.into_iter().map(|key| key.name).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn filters_return_matching_keys() {
    let world = world().await;
    world.key("École 100%").await;
    let expiring = NewKey { expires_at: Some(later(10)), ..world.new_key("soon_over") };
    world.store.create_key(&expiring).await.unwrap();
    let public = NewKey { grant: grant(Class::Publishable, &[Scope::Inference]), ..world.new_key("Page") };
    world.store.create_key(&public).await.unwrap();
    let deleted = world.key("Gone").await;
    world.store.delete_key(&world.delete(deleted.id)).await.unwrap();

    for (filter, names) in [
        (with(|_| {}), &["Gone", "Page", "soon_over", "École 100%"][..]),
        (with(|f| f.status = KeyStatus::Live), &["Page", "École 100%"]),
        (with(|f| f.status = KeyStatus::Expired), &["soon_over"]),
        (with(|f| f.status = KeyStatus::Deleted), &["Gone"]),
        (with(|f| f.scope = Some(Scope::Inference)), &["Page"]),
        (with(|f| f.scope = Some(Scope::Keys)), &[]),
        (with(|f| f.class = Some(Class::Publishable)), &["Page"]),
        (with(|f| f.text = Some("éCOLE")), &["École 100%"]),
        (with(|f| f.text = Some("0%")), &["École 100%"]),
        (with(|f| f.text = Some("n_o")), &["soon_over"]),
        (with(|f| f.text = Some("o_n")), &[]),
        (with(|f| f.text = Some("\\")), &[]),
    ] {
        assert_eq!(world.names(&filter).await, names, "{filter:?}");
    }
    let hint = public.secret.hint.to_string();
    let by_hint = KeyFilter { text: Some(&hint), ..with(|_| {}) };
    assert_eq!(world.names(&by_hint).await, ["Page"]);
}

fn with(change: fn(&mut KeyFilter<'static>)) -> KeyFilter<'static> {
    let mut filter = KeyFilter::any(later(10));
    change(&mut filter);
    filter
}

#[tokio::test]
async fn pages_of_keys_are_complete_and_newest_first() {
    let world = world().await;
    let mut created = Vec::new();
    for number in 0..25_u64 {
        let id = KeyId::new(later(number), &mut rng());
        created.push(world.store.create_key(&NewKey { id, ..world.new_key("k") }).await.unwrap().id);
    }
    created.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = KeyFilter { after, limit: 10, ..KeyFilter::any(NOW) };
        let page = world.store.keys(world.workspace, &filter).await.unwrap();
        seen.extend(page.items.iter().map(|key| key.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, created);
}

/// Not a benchmark: it detects a list that reads every key for each row.
#[tokio::test]
async fn page_of_ten_thousand_keys_is_fast() {
    let world = world().await;
    let sample = world.key("sample").await;
    let fill = format!(
        "BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM c WHERE i < 10001) SELECT i FROM c;
         CREATE TEMP TRIGGER fill AFTER INSERT ON changes BEGIN
           INSERT INTO keys (id, workspace_id, name, folded, class, scopes, permissions, restrictions, created_by, created_at, revision)
           SELECT NEW.key_id, workspace_id, name, folded, class, scopes, permissions, restrictions, created_by, created_at, NEW.revision
           FROM main.keys WHERE id = '{}';
           INSERT INTO key_secrets (digest, key_id, hint, created_at, retires_at) VALUES (randomblob(32), NEW.key_id, 'abcd', 0, NULL);
         END;
         CREATE TEMP TABLE turn (i INTEGER);
         CREATE TEMP TRIGGER take AFTER INSERT ON turn BEGIN
           UPDATE feed_head SET revision = revision + 1, change_id = randomblob(16);
           INSERT INTO changes SELECT revision, change_id, 'key_' || printf('%032x', NEW.i), 0 FROM feed_head;
         END;
         INSERT INTO turn SELECT i FROM n;
         COMMIT",
        sample.id
    );
    let console = world.console();
    console.execute_batch(&fill).unwrap();
    let any = KeyFilter::any(NOW);
    assert_eq!(world.store.count_keys_by_status(world.workspace, &any).await.unwrap().active, 10_001);
    let middle = format!("key_{:032x}", 5_000).parse().ok();
    for filter in [
        any,
        KeyFilter { after: middle, ..any },
        KeyFilter { text: Some("nowhere"), ..any },
        KeyFilter { text: Some("abcd"), ..any },
    ] {
        let began = std::time::Instant::now();
        world.store.keys(world.workspace, &filter).await.unwrap();
        let elapsed = began.elapsed();
        println!("{elapsed:?} for {:?} after {:?}", filter.text, filter.after);
        assert!(elapsed < std::time::Duration::from_millis(500), "{elapsed:?} for {filter:?}");
    }
}

/// Three keys: each order sorts them differently.
#[tokio::test]
async fn sorted_keys_follow_order_direction_and_position() {
    let world = world().await;
    for (seconds, name, expires_in) in [(0, "Beta", Some(90)), (1, "alpha", None), (2, "gamma", Some(50))] {
        let id = KeyId::new(later(seconds), &mut rng());
        let key = NewKey { id, expires_at: expires_in.map(later), ..world.new_key(name) };
        world.store.create_key(&key).await.unwrap();
        let usage = match name {
            "Beta" => used(id, 9, 1),
            "alpha" => used(id, 5, 7),
            _ => continue,
        };
        world.store.store_usage(&[usage], later(9)).await.unwrap();
    }
    let usage = KeyOrder::Usage { since: NOW };
    for (order, names) in [
        (KeyOrder::Created, ["gamma", "alpha", "Beta"]),
        (KeyOrder::Name, ["alpha", "Beta", "gamma"]),
        (KeyOrder::LastUsed, ["Beta", "alpha", "gamma"]),
        (KeyOrder::Expires, ["gamma", "Beta", "alpha"]),
        (usage, ["alpha", "Beta", "gamma"]),
    ] {
        let slice = KeySlice { order, ..KeySlice::default() };
        assert_eq!(world.sorted(slice, 50).await, names, "{order:?}");
        let reversed = KeySlice { reversed: true, ..slice };
        let backwards: Vec<_> = names.into_iter().rev().collect();
        assert_eq!(world.sorted(reversed, 50).await, backwards, "{order:?} reversed");
        assert_eq!(world.sorted(KeySlice { skip: 1, ..slice }, 1).await, names[1..2], "second of {order:?}");
    }
}

#[tokio::test]
async fn filter_by_latest_expiry_excludes_later_and_never_expiring_keys() {
    let world = world().await;
    world.key("never").await;
    for (name, seconds) in [("soon", 50), ("later", 90)] {
        let key = NewKey { expires_at: Some(later(seconds)), ..world.new_key(name) };
        world.store.create_key(&key).await.unwrap();
    }
    let filter = KeyFilter { expires_by: Some(later(50)), ..KeyFilter::any(NOW) };
    assert_eq!(world.names(&filter).await, ["soon"]);
}

fn used(key: KeyId, seconds: u64, checks: u32) -> SecretUsage {
    let permission = Some(Permission::ModelsPredict);
    SecretUsage {
        key,
        secret: None,
        counts: vec![(Outcome { permission, denied: None }, checks)],
        last: Some(LastUse::new(later(seconds), None, permission, b"")),
        exposures: Vec::new(),
    }
}

impl World {
    async fn sorted(&self, slice: KeySlice, limit: u32) -> Vec<String> {
        let filter = KeyFilter { limit, ..KeyFilter::any(NOW) };
        let keys = self.store.sorted_keys(self.workspace, &filter, slice).await.unwrap();
        keys.into_iter().map(|key| key.name).collect()
    }
}
