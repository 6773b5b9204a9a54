//! What counting usage costs, what clients wait that connect all at once, what the guard costs a server and `forward-auth` a
//! proxy, how long a deletion takes to reach a node, and how fast the API Keys page is with 10,000 keys.
//!
//! `cargo bench -p keyrack --bench http`, or a part of it: `cargo bench -p keyrack --bench http -- counting`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod backlog;
mod counting;
mod desk;
mod guard;
mod load;
mod nginx;
mod nodes;
#[path = "../opened/mod.rs"]
mod opened;
mod page;
mod pairs;
mod program;
mod proxies;

fn main() {
    println!(
        "{} cores, the load comes from the same machine\n",
        std::thread::available_parallelism().unwrap()
    );
    let wanted: Vec<_> = std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    let all: [(&str, fn()); 7] = [
        ("counting", counting::run),
        ("idle", counting::idle),
        ("backlog", backlog::run),
        ("guard", guard::run),
        ("proxies", proxies::run),
        ("nodes", nodes::run),
        ("page", page::run),
    ];
    for (_, run) in all.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name)) {
        run();
    }
}

/// The value below which this share of the sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let place = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[place]
}
