//! A feed that is not what it should be is noticed, and everything is loaded anew.

use std::fs;

use keyrack_guard::OfflinePolicy;
use serde_json::{Value, json};

use super::{Pair, ask, start};
use crate::desk::Made;
use crate::harness::until;

/// Says something else to the node than the server would, and waits until it has loaded everything anew.
async fn is_noticed(pair: &Pair, mut answer: Value, dead: &Made, alive: &Made) {
    let before = pair.wire.snapshots();
    // Repeated by somebody who knows what the time is.
    answer["now"] = now().into();
    pair.wire.say(answer);
    pair.wire.is_heard().await;
    pair.is_whole().await;
    assert_eq!(pair.wire.snapshots(), before + 1);
    assert_eq!((pair.ask(dead).await.as_u16(), pair.ask(alive).await.as_u16()), (401, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_a_repetition_and_another_order_are_noticed() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let (dead, alive) = (pair.desk.key(&["inference"]).await, pair.desk.key(&["inference"]).await);
    pair.delete(&dead).await;
    let later = pair.desk.key(&["inference"]).await;
    let [first, .., deletion, last] = &pair.wire.tape()[..] else { panic!("{:?}", pair.wire.tape()) };
    // What came long ago, what came last once more, and both in the wrong order.
    for repeated in [first, last, deletion, first] {
        is_noticed(&pair, repeated.clone(), &dead, &alive).await;
    }
    // A frame from ahead of where the node stands: what lies in between would be lost.
    let ahead = json!({ "revision": last["to"]["revision"].as_u64().unwrap() + 1, "change": "AAAAAAAAAAAAAAAAAAAAAA==" });
    let hole = json!({ "from": ahead, "to": ahead, "changes": [], "now": now() });
    is_noticed(&pair, hole, &dead, &alive).await;
    assert_eq!(pair.ask(&later).await, 200);
    // The deletion undone by a frame that continues nowhere: the key as it was born.
    let born =
        pair.wire.tape().into_iter().find(|frame| frame["changes"][0]["id"] == dead.id.as_str()).unwrap();
    is_noticed(&pair, born, &dead, &alive).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_none_change_nothing_and_renew_nothing() {
    let pair = Pair::following(OfflinePolicy::Deny).await;
    let key = pair.desk.key(&["inference"]).await;
    let at = pair.wire.tape().last().unwrap()["to"].clone();
    let frame = |changes: Value, now: &str| json!({ "from": at, "to": at, "changes": changes, "now": now });
    for nonsense in [
        json!({}),
        json!("nothing"),
        frame(json!([{ "id": "key_0" }]), &now()),
        frame(json!([]), "yesterday"),
        frame(json!([]), "2020-01-01T00:00:00Z"),
    ] {
        pair.wire.say(nonsense.clone());
        pair.wire.is_heard().await;
        pair.is_whole().await;
        assert_eq!(pair.ask(&key).await, 200, "{nonsense}");
    }
    assert_eq!(pair.delete(&key).await["confirmed"], 2);
    assert_eq!(pair.ask(&key).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_history_under_the_same_numbers_is_noticed() {
    let mut pair = Pair::following(OfflinePolicy::default()).await;
    let kept = pair.desk.key(&["inference"]).await;
    pair.desk.server.stop().await;
    let data = pair.desk.server.data();
    let backup = tempfile::TempDir::new().unwrap();
    fs::copy(data.join("keyrack.db"), backup.path().join("keyrack.db")).unwrap();
    pair.desk.server.restart().await;
    pair.wire.lead_to(&pair.desk.server.url);
    let lost = pair.desk.key(&["inference"]).await;
    assert_eq!(pair.ask(&lost).await, 200);
    // The backup comes back, and another change takes the number of the one that was lost with it.
    pair.wire.cut(true);
    pair.desk.server.stop().await;
    fs::copy(backup.path().join("keyrack.db"), data.join("keyrack.db")).unwrap();
    pair.desk.server.restart().await;
    let instead = pair.desk.key(&["inference"]).await;
    pair.wire.lead_to(&pair.desk.server.url);
    pair.wire.cut(false);
    until("what was lost is refused", async || (pair.ask(&lost).await == 401).then_some(())).await;
    assert_eq!((pair.ask(&kept).await.as_u16(), pair.ask(&instead).await.as_u16()), (200, 200));
    let fresh = start(&pair.desk.server.url, &pair.credential.secret, OfflinePolicy::default()).await;
    for key in [&kept, &instead, &lost] {
        assert_eq!(pair.ask(key).await, ask(&fresh, &key.secret).await);
    }
}

/// The server would deny the same report again, and everything behind it would wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_the_server_denies_is_given_up_and_the_next_one_arrives() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.wire.deny_next_report();
    assert_eq!(pair.ask(&key).await, 200);
    until("a report is denied", async || pair.wire.has_denied_report().then_some(())).await;
    assert_eq!(pair.ask(&key).await, 200);
    let usage = format!("{}/usage", key.path());
    let checks = until("the next report arrives", async || {
        let usage = pair.desk.get(&usage).await.ok().json();
        usage["items"][0]["checks"].as_u64()
    })
    .await;
    assert_eq!(checks, 1);
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
