//! The pages in a real Chromium, as people see and use them. `./test` installs what this needs.

mod activity;
mod axe;
mod chromium;
mod document;
mod errors;
mod eyes;
mod fitness;
mod general;
mod guarded;
mod hands;
mod keyboard;
mod life;
mod limits;
mod looks;
mod narrowing;
mod nodes;
mod painted;
mod picture;
mod pictures;
mod plain_http;
mod seen;
mod sessions;
mod settings;
mod shop;
mod steps;
mod story;
mod tour;
mod without_script;

pub(super) use chromium::{Browser, Kind};

/// What a browser is asked again and again until it holds: an answer, or why not yet.
async fn wait<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let started = std::time::Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(why) => assert!(started.elapsed() < PATIENCE, "waited in vain: {what}: {why}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The longest that a page is waited for; only a failing test waits so long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
