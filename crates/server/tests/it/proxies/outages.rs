//! While Keyrack doesn't answer, nobody is allowed, and nobody waits long.

use std::fs;
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use tokio::time::timeout;

use super::deployment::{Deployment, is_readable_by_pages};
use crate::harness::{Answer, until};

with_each_proxy!(denies_with_503_while_keyrack_is_away);

/// Far above what the examples set (5 s, HAProxy 8 s), and below what proxies wait by default.
const PATIENCE: Duration = Duration::from_secs(20);

async fn denies_with_503_while_keyrack_is_away(mut proxy: Deployment) {
    let key = proxy.desk.key(&["inference"]).await;
    assert_eq!(proxy.get("/", &key.secret).await.status, 200);

    signal(&proxy, "STOP");
    until("Keyrack hangs", async || is_stopped(proxy.desk.server.pid()).then_some(())).await;
    denied(&proxy, &key.secret, "Keyrack hangs").await;
    signal(&proxy, "CONT");
    until("the key is allowed again", async || {
        (proxy.get("/", &key.secret).await.status == 200).then_some(())
    })
    .await;

    proxy.desk.server.kill();
    denied(&proxy, &key.secret, "Keyrack is gone").await;
    let preflight = proxy.request(Method::OPTIONS, "/").header("origin", "https://site.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), 200, "{}", proxy.log());
}

async fn denied(proxy: &Deployment, secret: &str, why: &str) {
    let answer: Answer = timeout(PATIENCE, proxy.get("/", secret)).await.expect(why);
    assert_eq!(answer.status, 503, "{why}: {answer:?} {}", proxy.log());
    is_readable_by_pages(&answer);
}

/// Whether all threads of a process are stopped, which takes a moment after the signal.
fn is_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let states = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
    states.into_iter().all(|state| state.rsplit(')').next().unwrap().starts_with(" T "))
}

fn signal(proxy: &Deployment, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(proxy.desk.server.pid().to_string()).status();
    assert!(sent.unwrap().success());
}
