//! The real binary: servers that live as long as a test, and the command line on their folders.

mod answer;
mod keyrack;
mod server;
mod small_disk;

use std::time::{Duration, Instant};

pub(crate) use answer::{Answer, client, send, text};
pub(crate) use keyrack::{Keyrack, keyrack, setup};
pub(crate) use server::Server;

pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const WORKSPACE: &str = "Northfield Vision";
/// The workspace in addresses and in `--workspace`.
pub(crate) const SLUG: &str = "northfield-vision";

/// The longest that a condition is waited for; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
