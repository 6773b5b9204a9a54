//! The wire is cut, or the server is away.

use std::time::Duration;

use http::StatusCode;
use keyrack_guard::OfflinePolicy;
use serde_json::json;

use super::{Pair, node_key};
use crate::harness::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_goes_on_while_its_server_is_away_and_catches_up_without_loading_anew() {
    let mut pair = Pair::following(OfflinePolicy::ServeFor(Duration::from_mins(10))).await;
    let (stays, goes) = (pair.desk.key(&["inference"]).await, pair.desk.key(&["inference"]).await);
    pair.desk.server.kill();
    until("the node has noticed", async || pair.node.last_error()).await;
    assert_eq!((pair.ask(&stays).await, pair.ask(&goes).await), (StatusCode::OK, StatusCode::OK));
    pair.desk.server.restart().await;
    // Before the node finds the way: it is known to a server that was started anew, and a deletion names it.
    let propagation = pair.delete(&goes).await;
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(1)));
    assert_eq!(propagation["unconfirmed"][0]["id"], pair.node.id().unwrap().to_string());
    assert_eq!(pair.ask(&goes).await, 200, "until it is told");
    pair.wire.lead_to(&pair.desk.server.url);
    until("the node refuses", async || (pair.ask(&goes).await == 401).then_some(())).await;
    assert_eq!(pair.ask(&stays).await, 200);
    assert_eq!(pair.wire.snapshots(), 1);
    assert_eq!(pair.delete(&stays).await["confirmed"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_to_refuse_does_so_before_a_deletion_is_answered() {
    let pair = Pair::following(OfflinePolicy::Deny).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.wire.cut(true);
    assert_eq!(pair.ask(&key).await, 200, "for what is left of its time");
    let propagation = pair.delete(&key).await;
    assert_eq!(pair.ask(&key).await, 503);
    assert_eq!((&propagation["nodes"], &propagation["unconfirmed"]), (&json!(2), &json!([])));
    // It is gone by then, and has to read everything anew.
    pair.wire.cut(false);
    pair.is_whole().await;
    assert_eq!(pair.ask(&key).await, 401);
    assert_eq!(pair.wire.snapshots(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_names_the_node_that_is_cut_off_and_when_it_will_have_stopped() {
    let pair = Pair::following(OfflinePolicy::ServeFor(Duration::from_secs(4))).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.wire.cut(true);
    let propagation = pair.delete(&key).await;
    let unconfirmed = &propagation["unconfirmed"][0];
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(1)));
    assert_eq!(unconfirmed["name"], "of a test");
    let until_then: jiff::Timestamp = unconfirmed["until"].as_str().unwrap().parse().unwrap();
    until("the node refuses", async || (pair.ask(&key).await == 503).then_some(())).await;
    assert!(jiff::Timestamp::now() <= until_then, "{until_then}");
    // What is gone is not waited for, and not named.
    until("the server counts on it no more", async || (jiff::Timestamp::now() > until_then).then_some(()))
        .await;
    let next = pair.desk.key(&["inference"]).await;
    let propagation = pair.delete(&next).await;
    assert_eq!((&propagation["nodes"], &propagation["unconfirmed"]), (&json!(1), &json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_silent_already_is_not_waited_for_again() {
    let pair = Pair::following(OfflinePolicy::ServeFor(Duration::from_mins(10))).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.wire.cut(true);
    let (first, second) = (pair.delete(&key).await, pair.desk.key(&["inference"]).await);
    assert_eq!(first["confirmed"], 1);
    // Other changes say the same at once, while other nodes of the workspace are confirmed as ever.
    let other =
        super::start(&pair.desk.server.url, &node_key(&pair.desk).await.secret, OfflinePolicy::Deny).await;
    let propagation = pair.delete(&second).await;
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(3), &json!(2)));
    assert_eq!(super::ask(&other, &second.secret).await, 401);
}
