//! What was seen of keys: a million requests of 10,000 keys in a month, written down as the server writes them; the pages
//! that show it, the room that it takes, and how it is forgotten.
//!
//! `cargo bench -p keyrack --bench seen`, or with another number of requests behind ` -- `.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[expect(dead_code, reason = "how many a second is another benchmark's question")]
#[path = "../http/load.rs"]
mod load;
mod month;
#[path = "../opened/mod.rs"]
mod opened;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use keyrack_core::clock;

use load::Client;
use month::{KEYS, Month};
use opened::Opened;

const REQUESTS: u32 = 1_000_000;
const LOADS: usize = 300;

fn main() {
    // Cargo's own arguments are no numbers.
    let requests = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(REQUESTS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let opened = runtime.block_on(Opened::on(data.path()));
    let (app, workspace) = (&opened.app, &opened.workspace);
    let month = runtime.block_on(Month::of_keys(app, workspace.id));
    let before = size(data.path());
    let started = Instant::now();
    runtime.block_on(month.pass(app, requests));
    let (took, grown) = (started.elapsed().as_secs_f64(), size(data.path()) - before);
    let requests = f64::from(requests);
    println!(
        "{requests} requests of {KEYS} keys in 30 days, a key of them busy in every hour and called by everybody\n"
    );
    println!("| what | |\n| --- | ---: |");
    println!("| written down | {:.0} a second |", requests / took);
    println!("| the file grew by | {:.1} MB: {:.0} bytes a request |", grown / 1e6, grown / requests);
    println!("| for each key and day | {:.0} bytes |", grown / f64::from(KEYS) / 30.0);
    let (address, session) = runtime.block_on(async { (opened.serve(), opened.session().await) });
    println!(
        "\n{LOADS} loads each, time to the first byte in ms\n\n| page | median | p99 |\n| --- | ---: | ---: |"
    );
    let base = format!("/w/{}/settings/api-keys", workspace.slug);
    let busy = format!("{base}/{}", month.busy());
    let keys = (0..LOADS).map(|load| format!("{base}/{}", month.key(load)));
    measure(address, &session, "the list, 50 sparklines", std::iter::repeat_n(base.clone(), LOADS));
    measure(address, &session, "any key: chart, callers, refusals", keys);
    measure(address, &session, "the busy key, 30 days", std::iter::repeat_n(busy.clone(), LOADS));
    measure(
        address,
        &session,
        "the busy key, 48 hours",
        std::iter::repeat_n(format!("{busy}?period=48h"), LOADS),
    );
    let started = Instant::now();
    let then = clock::now().minus(std::time::Duration::from_hours(24 * 15));
    let rows = runtime.block_on(app.store.delete_usage_before(then)).unwrap();
    let took = started.elapsed().as_secs_f64();
    println!("\n{rows} rows of the first half forgotten in {took:.1} s, 500 at a time");
}

fn measure(address: SocketAddr, session: &str, what: &str, paths: impl Iterator<Item = String>) {
    let mut client = Client::connect(address);
    let mut times: Vec<_> = paths
        .map(|path| {
            let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {session}\r\n\r\n");
            client.ask(request.as_bytes(), "HTTP/1.1 200").as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("| {what} | {:.1} | {:.1} |", times[times.len() / 2], times[times.len() * 99 / 100]);
}

/// Of the database, in bytes. Its log is folded in every few megabytes.
#[expect(clippy::cast_precision_loss, reason = "far less than 2^52")]
fn size(data: &Path) -> f64 {
    std::fs::metadata(data.join("keyrack.db")).unwrap().len() as f64
}
