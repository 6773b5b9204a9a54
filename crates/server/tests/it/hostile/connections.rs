//! Clients that open too many connections.

use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Server, wait_until};
use crate::raw_http::{connect, exchange};

/// The longest time to wait for the end of a connection.
const LIMIT: Duration = Duration::from_secs(30);
const ASK: &str = "GET /api/v1/scopes HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

async fn has_metric(server: &Server, line: &str) -> Option<()> {
    server.ops("/metrics").await.text.lines().any(|one| one == line).then_some(())
}

async fn is_closed(mut stream: TcpStream) -> bool {
    let read = timeout(LIMIT, stream.read(&mut [0])).await.expect("the connection ends");
    read.is_err() || read.is_ok_and(|bytes| bytes == 0)
}

#[tokio::test]
async fn excess_connections_are_closed_and_counted() {
    for (choice, reason) in [("--connections-per-address-max", "address"), ("--connections-max", "total")] {
        let server = Server::start_with(&[choice, "5"], &[]).await;
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(connect(&server.url).await);
        }
        let open = "keyrack_connections{listener=\"public\"} 5";
        wait_until("all connections are counted", async || has_metric(&server, open).await).await;
        for _ in 0..3 {
            assert!(is_closed(connect(&server.url).await).await, "a connection above {choice} is closed");
        }
        let denied = format!("keyrack_connections_denied_total{{listener=\"public\",reason=\"{reason}\"}} 3");
        wait_until("the denied connections are counted", async || has_metric(&server, &denied).await).await;
        let message = server.output();
        assert_eq!(
            message.matches("because too many are open; see --connections-max").count(),
            1,
            "{message}"
        );
        drop(held);
        let answer = wait_until("a connection is free", async || exchange(&server.url, ASK).await).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn exhausted_file_descriptors_are_logged_and_counted() {
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
    let message = "the limit of open files is reached";
    wait_until("the error is logged", async || server.output().contains(message).then_some(())).await;
    limit("20000:20000");
    let counted = "keyrack_connections_denied_total{listener=\"public\",reason=\"descriptors\"}";
    wait_until("the error is counted", async || {
        server.ops("/metrics").await.text.contains(counted).then_some(())
    })
    .await;
    assert_eq!(exchange(&server.url, ASK).await.unwrap().status, 200);
    assert_eq!(server.output().matches(message).count(), 1, "{}", server.output());
}
