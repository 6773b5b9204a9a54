//! Alternating measurements of several functions.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::rack::Texts;

const ROUNDS: usize = 41;
/// The number of calls of one function in one round.
const CHECKS: usize = 20_000;

/// Texts, and a function that must return `true` for each of them.
pub(super) type Work<'a> = (&'a Texts, &'a (dyn Fn(&[u8]) -> bool + Sync));

/// The median cost of each function in nanoseconds per call. Each round measures all of them in order.
pub(super) fn medians<const N: usize>(works: [Work<'_>; N]) -> [f64; N] {
    let mut costs: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
        for ((texts, work), costs) in works.iter().zip(&mut costs) {
            costs.push(nanoseconds(timed(texts, work, round), CHECKS));
        }
    }
    costs.map(median)
}

/// The throughput of two threads relative to one thread: the median over the rounds.
pub(super) fn two_thread_speedup(texts: &Texts, work: &(dyn Fn(&[u8]) -> bool + Sync)) -> f64 {
    let ratio = |round| {
        let alone = timed(texts, work, round);
        let start = Barrier::new(2);
        let both = thread::scope(|scope| {
            let run = |round| {
                start.wait();
                timed(texts, work, round)
            };
            let other = scope.spawn(move || run(round + 1));
            let own = run(round);
            own.max(other.join().unwrap_or(Duration::MAX))
        });
        2.0 * alone.as_secs_f64() / both.as_secs_f64()
    };
    median((0..ROUNDS).map(ratio).collect())
}

fn timed(texts: &Texts, work: &(dyn Fn(&[u8]) -> bool + Sync), round: usize) -> Duration {
    let part = texts.part(round, CHECKS);
    let started = Instant::now();
    for text in part {
        assert!(black_box(work(black_box(text))), "a check had an unexpected result");
    }
    started.elapsed()
}

#[expect(clippy::cast_precision_loss, reason = "few checks")]
fn nanoseconds(took: Duration, checks: usize) -> f64 {
    took.as_secs_f64() * 1e9 / checks as f64
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
