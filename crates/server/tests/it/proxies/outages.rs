//! While Keyrack doesn't respond, all requests are denied within a short time.

use std::fs;
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use tokio::time::timeout;

use super::deployment::{Deployment, assert_readable_by_pages};
use crate::harness::{Answer, wait_until};

with_each_proxy!(requests_are_denied_with_503_while_keyrack_is_down);

/// Far above the timeouts of the examples (5 s, HAProxy 8 s), and below the default timeouts of the proxies.
const TIMEOUT: Duration = Duration::from_secs(20);

async fn requests_are_denied_with_503_while_keyrack_is_down(mut proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    assert_eq!(proxy.get("/", &key.secret).await.status, 200);

    signal(&proxy, "STOP");
    wait_until("Keyrack hangs", async || is_stopped(proxy.api.server.pid()).then_some(())).await;
    assert_denied(&proxy, &key.secret, "Keyrack hangs").await;
    signal(&proxy, "CONT");
    wait_until("the key is allowed again", async || {
        (proxy.get("/", &key.secret).await.status == 200).then_some(())
    })
    .await;

    proxy.api.server.kill();
    assert_denied(&proxy, &key.secret, "Keyrack is gone").await;
    let preflight = proxy.request(Method::OPTIONS, "/").header("origin", "https://site.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), 200, "{}", proxy.log());
}

async fn assert_denied(proxy: &Deployment, secret: &str, why: &str) {
    let answer: Answer = timeout(TIMEOUT, proxy.get("/", secret)).await.expect(why);
    assert_eq!(answer.status, 503, "{why}: {answer:?} {}", proxy.log());
    assert_readable_by_pages(&answer);
}

/// Whether all threads of a process are stopped, which takes a moment after the signal.
fn is_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let states = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
    states.into_iter().all(|state| state.rsplit(')').next().unwrap().starts_with(" T "))
}

fn signal(proxy: &Deployment, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(proxy.api.server.pid().to_string()).status();
    assert!(sent.unwrap().success());
}
