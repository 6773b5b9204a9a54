//! What the guard costs a server and `forward-auth` a proxy, how long a deletion takes to reach a service elsewhere, and how
//! fast the API Keys page is with 10,000 keys.
//!
//! `cargo bench -p keyrack --bench http`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod desk;
mod guard;
mod load;
mod nodes;
#[path = "../opened/mod.rs"]
mod opened;
mod page;
mod pairs;
mod proxies;

fn main() {
    println!(
        "{} cores, the load comes from the same machine\n",
        std::thread::available_parallelism().unwrap()
    );
    guard::run();
    proxies::run();
    nodes::run();
    page::run();
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
