//! `kill -9` during a stream of creations and deletions: acknowledged changes must survive.
//!
//! A killed process loses only what it hasn't written to the kernel. The test therefore shows that responses wait for
//! commits. Only a power failure could show that commits wait for the disk (`synchronous=FULL`).

use std::time::Duration;

use crate::harness::{Server, wait_until};
use crate::ledger::{Ledger, check_data_folder};

const CLIENTS: usize = 4;

const ROUNDS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_changes_survive_killed_server() {
    let mut server = Server::set_up().await;
    let manager_key = server.create_secret(&["project", "keys"]).await;
    let ledger = Ledger::default();
    let mut delays = RandomDelays(0x6b65_7972);
    for round in 0..ROUNDS {
        let (before, known) = (ledger.acknowledged(), ledger.len());
        let mut streams = ledger.stream(&server, &manager_key, CLIENTS);
        // Kill at a random point of the stream, and then at a random point within a commit.
        let enough = before + delays.next(3, 50);
        wait_until("enough changes are acknowledged", async || {
            (ledger.acknowledged() >= enough).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_micros(delays.next(0, 6_000) as u64)).await;
        server.kill();
        while let Some(ended) = streams.join_next().await {
            ended.unwrap();
        }
        // In every second round, the server is the first to open the data folder after the kill.
        if round % 2 == 0 {
            let keys = check_data_folder(&server).await;
            assert!((ledger.len()..=ledger.len() + 1 + (round + 1) * CLIENTS).contains(&keys), "{keys}");
        }
        server.restart().await;
        // Check the keys of this round and a sample of the earlier ones.
        let checked = ledger
            .check_keys(&server, |number| number >= known.saturating_sub(CLIENTS) || number % 17 == 0)
            .await;
        assert!(checked > 0, "round {round}");
    }
    ledger.check_keys(&server, |_| true).await;
    server.stop().await;
    let keys = check_data_folder(&server).await;
    let (answers, unacknowledged) = (ledger.acknowledged(), keys - 1 - ledger.len());
    println!("{ROUNDS} kills, {answers} answers; {keys} keys, {unacknowledged} of which nobody was told");
    let doubts = ledger.unacknowledged_deletions();
    println!("{doubts} deletions were cut off");
    assert!(answers > 10 * ROUNDS && unacknowledged + doubts > ROUNDS / 4, "the kills interrupt changes");
}

/// A pseudorandom number generator with a fixed seed.
struct RandomDelays(u64);

impl RandomDelays {
    fn next(&mut self, from: usize, to: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + usize::try_from(self.0 >> 33).unwrap() % (to - from)
    }
}
