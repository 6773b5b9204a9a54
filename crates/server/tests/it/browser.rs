//! The pages in a real Chromium. `./test` installs what these tests need.

mod all_pages;
mod api_keys;
mod audit_log;
mod audited_lifecycle;
mod chromium;
mod docs;
mod form_errors;
mod general;
mod guarded_services;
mod images;
mod input;
mod key_form;
mod key_list;
mod key_page;
mod keyboard;
mod lifecycle;
mod limits;
mod nodes;
mod page_checks;
mod page_content;
mod plain_http;
mod readme_screenshot;
mod restrictions;
mod selected_keys;
mod sessions;
mod settings;
mod shell;
mod steps;
mod test_images;
mod third_party_page;
mod usage;
mod viewports;
mod walkthrough;
mod without_script;

pub(super) use chromium::{Browser, BrowserKind};

/// Repeats `ask` until it returns `Ok`. Panics after [`TIMEOUT`] with the last error.
async fn wait<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let started = std::time::Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(why) => assert!(started.elapsed() < TIMEOUT, "timed out: {what}: {why}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The longest time to wait for a page. Only a failing test waits this long.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
