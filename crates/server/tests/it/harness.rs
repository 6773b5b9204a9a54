//! The real binary: servers that live as long as a test, and the command line on their data folders.

mod answer;
mod keyrack;
mod server;
mod small_disk;

use std::time::{Duration, Instant};

pub(crate) use answer::{Answer, client, send, text};
pub(crate) use keyrack::{KeyrackCommand, keyrack, setup};
pub(crate) use server::Server;

pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const WORKSPACE: &str = "Northfield Vision";
/// The workspace in URLs and in `--workspace`.
pub(crate) const SLUG: &str = "northfield-vision";

/// The longest time to wait for a condition. Only a failing test waits this long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Repeats `ask` until it returns a value. Panics after [`TIMEOUT`].
pub(crate) async fn wait_until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < TIMEOUT, "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
