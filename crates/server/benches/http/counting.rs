//! What counting usage costs: how long `forward-auth` takes at a steady rate after few or many keys were used, and how busy
//! an idle server is afterwards. `KEYRACK_PROGRAM` names another build to compare with.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use keyrack_core::AuthorizedCaller;
use keyrack_core::keys::KeyDraft;
use keyrack_key::{Class, Restrictions, Scope};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::load::Client;
use crate::opened::Opened;
use crate::program::Program;
use crate::quantile;

const KEYS: [usize; 3] = [1_000, 30_000, 100_000];
/// Keys that are made at the same time: they share commits.
const TOGETHER: usize = 64;
const CLIENTS: usize = 4;
const A_SECOND: usize = 1_000;
const SPAN: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(5);
const IDLE_KEYS: usize = 1_000_000;
/// The share of a core below which no usage is left to write.
const WRITTEN: f64 = 0.05;
/// What `/proc` counts a process's time in.
const TICKS: f64 = 100.0;

pub(crate) fn run() {
    println!(
        "forward-auth, {A_SECOND} requests a second with keys drawn evenly, each of which was used before\n"
    );
    println!(
        "| keys | p50, ms | p99, ms | slowest, ms | a core, idle |\n| ---: | ---: | ---: | ---: | ---: |"
    );
    for keys in KEYS {
        let (folder, secrets) = filled(keys);
        let server = Program::start(folder.path(), &[]);
        server.use_all(&secrets);
        let times = server.times(&secrets);
        let [half, most] = [0.5, 0.99].map(|share| quantile(&times, share));
        let slowest = times.last().copied().unwrap_or_default();
        println!("| {keys} | {half:.2} | {most:.2} | {slowest:.1} | {:.1} % |", 100.0 * server.settled());
    }
    println!();
}

/// Prints how busy an idle server is after a million keys were each used once.
pub(crate) fn idle() {
    let (folder, secrets) = filled(IDLE_KEYS);
    let server = Program::start(folder.path(), &[]);
    server.use_all(&secrets);
    let idle = 100.0 * server.settled();
    println!("An idle server takes {idle:.1} % of a core after {IDLE_KEYS} keys were each used once\n");
}

/// A folder with so many keys, and their secrets.
fn filled(keys: usize) -> (TempDir, Vec<String>) {
    let data = tempfile::tempdir().unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let secrets = runtime.block_on(async {
        let opened = Opened::on(data.path()).await;
        let acting = AuthorizedCaller::operator(opened.workspace.id);
        let make = async |_| {
            let draft = KeyDraft {
                name: "bench".to_owned(),
                class: Class::Secret,
                scopes: [Scope::Inference].into_iter().collect(),
                restrictions: Restrictions::default(),
                expires_at: None,
                note: String::new(),
            };
            opened.app.keys.create(&acting, draft, None).await.unwrap().secret.expose().to_owned()
        };
        let secrets = stream::iter(0..keys).map(make).buffer_unordered(TOGETHER).collect().await;
        opened.app.store.close().await;
        secrets
    });
    (data, secrets)
}

impl Program {
    /// Uses each key once, and waits until this is written down.
    fn use_all(&self, secrets: &[String]) {
        std::thread::scope(|scope| {
            for some in secrets.chunks(secrets.len().div_ceil(CLIENTS)) {
                scope.spawn(|| {
                    let mut client = Client::connect(self.address);
                    some.iter().for_each(|secret| self.ask(&mut client, secret));
                });
            }
        });
        // The server writes usage in batches and rests after each for as long as the batch took.
        while self.idle() > WRITTEN {}
    }

    /// How long each of many requests takes, in milliseconds, from when it was due: sorted.
    fn times(&self, secrets: &[String]) -> Vec<f64> {
        let pause =
            Duration::from_secs(1) * u32::try_from(CLIENTS).unwrap() / u32::try_from(A_SECOND).unwrap();
        let client = |number: usize| {
            let mut client = Client::connect(self.address);
            let (started, mut due, mut times, mut at) = (Instant::now(), Instant::now(), Vec::new(), number);
            while started.elapsed() < SPAN {
                let is_early = Instant::now() < due;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                // Sleeping takes longer than it should; an answer that came late is the server's.
                let from = if is_early { Instant::now() } else { due };
                at = (at * 48_271 + 11) % 2_147_483_647;
                self.ask(&mut client, &secrets[at % secrets.len()]);
                times.push(from.elapsed().as_secs_f64() * 1e3);
                due += pause;
            }
            times
        };
        let client = &client;
        let mut times: Vec<f64> = std::thread::scope(|scope| {
            let all: Vec<_> = (1..=CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
            all.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        times.sort_by(f64::total_cmp);
        times
    }

    fn ask(&self, client: &mut Client, secret: &str) {
        let request = format!(
            "GET /api/v1/forward-auth HTTP/1.1\r\nhost: {}\r\nx-api-key: {secret}\r\n\
             x-keyrack-for-workspace: bench\r\nx-keyrack-permission: models:predict\r\n\r\n",
            self.address
        );
        client.ask(request.as_bytes(), "HTTP/1.1 204");
    }

    /// The share of a core that the server takes once the usage of the last requests is written.
    fn settled(&self) -> f64 {
        self.idle();
        self.idle()
    }

    /// The share of a core that the server takes in five seconds without requests.
    fn idle(&self) -> f64 {
        let before = self.ticks();
        std::thread::sleep(IDLE);
        (self.ticks() - before) / TICKS / IDLE.as_secs_f64()
    }

    /// The time that the process has had, in ticks; 0 where `/proc` does not tell.
    fn ticks(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        fields.filter_map(|field| field.parse::<f64>().ok()).sum()
    }
}
