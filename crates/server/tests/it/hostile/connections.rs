//! Clients that open more connections than they need.

use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Server, until};
use crate::raw::{connect, exchange};

/// The longest that any end is waited for.
const LIMIT: Duration = Duration::from_secs(30);
const ASK: &str = "GET /api/v1/scopes HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

async fn has(server: &Server, line: &str) -> Option<()> {
    server.ops("/metrics").await.text.lines().any(|one| one == line).then_some(())
}

async fn is_closed(mut stream: TcpStream) -> bool {
    let read = timeout(LIMIT, stream.read(&mut [0])).await.expect("the connection ends");
    read.is_err() || read.is_ok_and(|bytes| bytes == 0)
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once_and_operators_hear_of_it() {
    for (choice, reason) in [("--connections-per-address-max", "address"), ("--connections-max", "total")] {
        let server = Server::with(&[choice, "5"], &[]).await;
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(connect(&server.url).await);
        }
        let open = "keyrack_connections{listener=\"public\"} 5";
        until("all are counted", async || has(&server, open).await).await;
        for _ in 0..3 {
            assert!(is_closed(connect(&server.url).await).await, "one more than {choice} allows");
        }
        let denied = format!("keyrack_connections_denied_total{{listener=\"public\",reason=\"{reason}\"}} 3");
        until("they are counted", async || has(&server, &denied).await).await;
        let said = server.output();
        assert_eq!(said.matches("because too many are open; see --connections-max").count(), 1, "{said}");
        drop(held);
        let answer = until("there is room again", async || exchange(&server.url, ASK).await).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn file_descriptors_that_run_out_are_reported_and_not_forgotten() {
    let server = Server::start().await;
    let limit = |files: &str| {
        let pid = server.pid().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={files}")]).status();
        assert!(set.unwrap().success());
    };
    let used = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    limit(&format!("{}:20000", used + 5));
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(connect(&server.url).await);
    }
    let said = "this process has as many files open as it may";
    until("the log says it", async || server.output().contains(said).then_some(())).await;
    limit("20000:20000");
    let counted = "keyrack_connections_denied_total{listener=\"public\",reason=\"descriptors\"}";
    until("it is counted", async || server.ops("/metrics").await.text.contains(counted).then_some(())).await;
    assert_eq!(exchange(&server.url, ASK).await.unwrap().status, 200);
    assert_eq!(server.output().matches(said).count(), 1, "{}", server.output());
}
