//! Two servers, asked in turns.

use std::net::SocketAddr;
use std::time::Duration;

use crate::load::rate;
use crate::quantile;

const CLIENTS: usize = 16;
const ROUNDS: usize = 15;
const SPAN: Duration = Duration::from_millis(700);

/// A server under its name, and what it is asked.
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: SocketAddr,
    pub(crate) request: String,
    pub(crate) status: &'a str,
}

/// Prints how many requests a second each of two answers, and the second's ratio to the first.
pub(crate) fn compare(what: &str, first: &Asked<'_>, second: &Asked<'_>) {
    let mut ratios = Vec::new();
    let mut rates = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Who goes first changes, so that neither is always the one that finds the machine warm.
        let ask = |one: &Asked<'_>| rate(one.address, one.request.as_bytes(), one.status, CLIENTS, SPAN);
        let (one, other) = if round % 2 == 0 {
            let one = ask(first);
            (one, ask(second))
        } else {
            let other = ask(second);
            (ask(first), other)
        };
        ratios.push(other / one);
        rates.0.push(one);
        rates.1.push(other);
    }
    for values in [&mut ratios, &mut rates.0, &mut rates.1] {
        values.sort_by(f64::total_cmp);
    }
    println!("{what}, {CLIENTS} clients, medians of {ROUNDS} paired rounds\n");
    println!("| | requests a second |\n| --- | ---: |");
    println!("| {} | {:.0} |", first.name, quantile(&rates.0, 0.5));
    println!("| {} | {:.0} |", second.name, quantile(&rates.1, 0.5));
    println!(
        "| ratio | {:.3} (middle half {:.3} to {:.3}) |\n",
        quantile(&ratios, 0.5),
        quantile(&ratios, 0.25),
        quantile(&ratios, 0.75)
    );
}
