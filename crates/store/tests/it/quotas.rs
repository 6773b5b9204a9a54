//! The usage of quotas never exceeds the limit.

use std::time::Duration;

use keyrack_key::{KeyId, Period, Quota, QuotaResource, Timestamp};
use keyrack_store::{QuotaBlock, Store, UnspentBlock};

use crate::constraints::{assert_rejected, run};
use crate::{NOW, world};

fn quota(limit: u32, per: Period) -> Quota {
    Quota::new(QuotaResource::Predictions, limit, per).unwrap()
}

fn none(key: KeyId) -> UnspentBlock {
    UnspentBlock { key, of: QuotaResource::Predictions, left: 0, from: Vec::new() }
}

async fn take(store: &Store, key: KeyId, quotas: &[Quota], most: u32, now: Timestamp) -> (u32, Vec<u32>) {
    let QuotaBlock { size, taken } = store.take_block(&none(key), quotas, most, now).await.unwrap();
    (size, taken.iter().map(|one| one.taken).collect())
}

#[tokio::test]
async fn block_has_the_requested_size_or_the_rest_of_the_smaller_quota() {
    let world = world().await;
    let (store, key) = (&world.store, world.key("k").await.id);
    let quotas = [quota(100, Period::Day), quota(150, Period::Month)];
    assert_eq!(take(store, key, &quotas, 60, NOW).await, (60, vec![60, 60]));
    assert_eq!(take(store, key, &quotas, 60, NOW).await, (40, vec![100, 100]));
    assert_eq!(take(store, key, &quotas, 1, NOW).await, (0, vec![100, 100]));
    let tomorrow = NOW.plus(Duration::from_hours(24));
    assert_eq!(
        take(store, key, &quotas, 60, tomorrow).await,
        (50, vec![50, 150]),
        "the monthly quota is used up"
    );
    let in_a_month = NOW.plus(Duration::from_hours(31 * 24));
    assert_eq!(take(store, key, &quotas, 60, in_a_month).await, (60, vec![60, 60]));
    let other = world.key("other").await.id;
    assert_eq!(
        take(store, other, &quotas, 60, NOW).await,
        (60, vec![60, 60]),
        "each key has a separate quota"
    );
    assert!(store.take_block(&none(KeyId::new(NOW, &mut crate::rng())), &quotas, 1, NOW).await.is_err());
}

#[tokio::test]
async fn changed_quota_keeps_its_usage() {
    let world = world().await;
    let (store, key) = (&world.store, world.key("k").await.id);
    assert_eq!(take(store, key, &[quota(100, Period::Day)], 80, NOW).await.0, 80);
    assert_eq!(take(store, key, &[quota(50, Period::Day)], 1, NOW).await, (0, vec![80]));
    assert_eq!(take(store, key, &[quota(81, Period::Day)], 5, NOW).await, (1, vec![81]));
    assert_eq!(take(store, key, &[quota(200, Period::Day)], 500, NOW).await, (119, vec![200]));
}

#[tokio::test]
async fn returned_amount_can_be_taken_again_once() {
    let world = world().await;
    let (store, key) = (&world.store, world.key("k").await.id);
    let quotas = [quota(10, Period::Day)];
    assert_eq!(take(store, key, &quotas, 10, NOW).await.0, 10);
    let begins = Period::Day.around(NOW).start;
    let rest = |left, begins| UnspentBlock { left, from: vec![(Period::Day, begins)], ..none(key) };
    store.return_blocks(&[rest(3, begins), rest(11, begins)]).await.unwrap();
    store.return_blocks(&[rest(3, begins.plus(Duration::from_hours(24)))]).await.unwrap();
    assert_eq!(take(store, key, &quotas, 10, NOW).await, (3, vec![10]));
    let QuotaBlock { size, .. } = store.take_block(&rest(2, begins), &quotas, 10, NOW).await.unwrap();
    assert_eq!(size, 2, "the returned amount is taken again in one step");
}

#[tokio::test]
async fn concurrent_takers_never_exceed_the_quota() {
    let world = world().await;
    let (store, key) = (&world.store, world.key("k").await.id);
    let quotas = [quota(1_000, Period::Day), quota(700, Period::Month)];
    let takers = (0..16_u32).map(|taker| async move {
        let mut sum = 0;
        loop {
            match take(store, key, &quotas, 1 + taker * 3, NOW).await.0 {
                0 => return sum,
                size => sum += size,
            }
        }
    });
    let sums = futures_util::future::join_all(takers).await;
    assert_eq!(sums.iter().sum::<u32>(), 700);
}

#[tokio::test]
async fn invalid_rows_are_rejected() {
    let world = world().await;
    let (key, console) = (world.key("k").await.id, world.console());
    let row = |key: &str, rest: &str| format!("INSERT INTO quota_uses VALUES ('{key}', {rest})");
    for (rest, because) in [
        ("'guesses', 'day', 0, 1", "counted IN"),
        ("'images', 'week', 0, 1", "period IN"),
        ("'images', 'day', 1, 1", "begins %"),
        ("'images', 'day', 0, -1", "taken >= 0"),
    ] {
        assert_rejected(run(&console, row(&key.to_string(), rest)), because);
    }
    assert_rejected(run(&console, row("key_none", "'images', 'day', 0, 1")), "FOREIGN KEY");
    run(&console, row(&key.to_string(), "'images', 'day', 0, 1")).unwrap();
}

#[tokio::test]
async fn past_periods_are_deleted_and_others_reported() {
    let world = world().await;
    let (store, key) = (&world.store, world.key("k").await.id);
    let quotas = [quota(10, Period::Day), quota(10, Period::Month)];
    take(store, key, &quotas, 1, NOW).await;
    let later = NOW.plus(Duration::from_hours(70 * 24));
    take(store, key, &quotas, 2, later).await;
    assert_eq!(store.quota_usage(key, Timestamp::from_micros(0)).await.unwrap().len(), 4);
    assert_eq!(store.delete_quota_usage_before(later.minus(Duration::from_hours(62 * 24))).await.unwrap(), 2);
    let left = store.quota_usage(key, Period::Month.around(later).start).await.unwrap();
    assert_eq!(
        left.iter().map(|(of, one)| (*of, one.taken)).collect::<Vec<_>>(),
        [(QuotaResource::Predictions, 2), (QuotaResource::Predictions, 2)]
    );
}
