//! `kill -9` in the middle of a stream of creates and deletes: what was acknowledged is there, or gone.
//!
//! A killed process loses what it has not handed to the kernel, so this shows that answers wait for commits. That commits
//! wait for the disk (`synchronous=FULL`) only a power cut shows.

use std::time::Duration;

use crate::harness::{Server, until};
use crate::ledger::{Ledger, folder_is_whole};

const CLIENTS: usize = 4;

const ROUNDS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_being_killed() {
    let mut server = Server::set_up().await;
    let master = server.key(&["project", "keys"]).await;
    let ledger = Ledger::default();
    let mut moments = Moments(0x6b65_7972);
    for round in 0..ROUNDS {
        let (before, known) = (ledger.acknowledged(), ledger.len());
        let mut streams = ledger.stream(&server, &master, CLIENTS);
        // Somewhere in the stream, and then anywhere within a commit.
        let enough = before + moments.next(3, 50);
        until("the stream flows", async || (ledger.acknowledged() >= enough).then_some(())).await;
        tokio::time::sleep(Duration::from_micros(moments.next(0, 6_000) as u64)).await;
        server.kill();
        while let Some(ended) = streams.join_next().await {
            ended.unwrap();
        }
        // Every other time the server itself is the first to open what was left.
        if round % 2 == 0 {
            let keys = folder_is_whole(&server).await;
            assert!((ledger.len()..=ledger.len() + 1 + (round + 1) * CLIENTS).contains(&keys), "{keys}");
        }
        server.restart().await;
        // Those of this round, and some of all that went before.
        let asked =
            ledger.hold(&server, |number| number >= known.saturating_sub(CLIENTS) || number % 17 == 0).await;
        assert!(asked > 0, "round {round}");
    }
    ledger.hold(&server, |_| true).await;
    server.stop().await;
    let keys = folder_is_whole(&server).await;
    let (answers, untold) = (ledger.acknowledged(), keys - 1 - ledger.len());
    println!("{ROUNDS} kills, {answers} answers; {keys} keys, {untold} of which nobody was told");
    let doubts = ledger.doubts();
    println!("{doubts} deletions were cut off");
    assert!(answers > 10 * ROUNDS && untold + doubts > ROUNDS / 4, "the kills come between the changes");
}

/// Moments that look like chance and repeat in every run.
struct Moments(u64);

impl Moments {
    fn next(&mut self, from: usize, to: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + usize::try_from(self.0 >> 33).unwrap() % (to - from)
    }
}
