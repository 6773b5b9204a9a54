//! What clients wait that connect all at once, beside nginx: the listen backlog holds connections until a server accepts
//! them. A connection that finds the backlog full is dropped, and the client tries again a second later.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::nginx::{self, Nginx};
use crate::program::Program;
use crate::quantile;

const CONNECTIONS: usize = 1_000;
const ROUNDS: usize = 10;

pub(crate) fn run() {
    let Some(nginx_program) = nginx::program() else { return };
    let data = tempfile::tempdir().unwrap();
    // All connections come from one address.
    let limit = CONNECTIONS.to_string();
    let keyrack = Program::start(data.path(), &["--connections-per-address-max", &limit]);
    let address = nginx::free_address();
    let configuration = format!(
        "events {{ worker_connections 4096; }}
        http {{ access_log off; server {{ listen {address} backlog=4096; location / {{ return 200 'a cat'; }} }} }}"
    );
    let _nginx = Nginx::start(nginx_program, &configuration, address);
    let mut servers = [("keyrack", keyrack.address, Vec::new(), 0), ("nginx", address, Vec::new(), 0)];
    for _ in 0..ROUNDS {
        for (_, address, times, drops) in &mut servers {
            let before = dropped_connections();
            times.extend(connect_at_once(*address));
            *drops += dropped_connections() - before;
        }
    }
    println!("{CONNECTIONS} connections at once with a request each, {ROUNDS} rounds in turns\n");
    println!("| | p50, ms | p99, ms | slowest, ms | dropped |\n| --- | ---: | ---: | ---: | ---: |");
    for (name, _, mut times, drops) in servers {
        times.sort_by(f64::total_cmp);
        let [p50, p99, slowest] = [0.5, 0.99, 1.0].map(|share| quantile(&times, share));
        println!("| {name} | {p50:.0} | {p99:.0} | {slowest:.0} | {drops} |");
    }
    println!();
}

/// Opens all connections at once, and returns for each the milliseconds until its answer was read.
fn connect_at_once(address: SocketAddr) -> Vec<f64> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let all: JoinSet<f64> = (0..CONNECTIONS).map(|_| request(address)).collect();
        all.join_all().await
    })
}

async fn request(address: SocketAddr) -> f64 {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /api/v1/scopes HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    started.elapsed().as_secs_f64() * 1e3
}

/// Returns the connections that this machine has dropped so far because a backlog was full, or 0 without `/proc`.
fn dropped_connections() -> u64 {
    let text = std::fs::read_to_string("/proc/net/netstat").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut fields = names.split_whitespace().zip(values.split_whitespace());
    fields.find(|(name, _)| *name == "ListenDrops").and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}
