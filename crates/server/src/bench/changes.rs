//! The duration of checks while keys change.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::rack::BenchRack;

/// Changes per second.
/// The duration of each measurement.
const CHANGES: u32 = 1_000;
const LASTS: Duration = Duration::from_secs(3);

/// The distribution of check durations: `counts[i]` is the number of checks that took from 2^i up to 2^(i+1) ns.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: [u64; 32],
    slowest: Duration,
    /// The slowest iteration of the same loop without a check. It shows how long the machine did something else.
    slowest_without: Duration,
    changes: u32,
    /// The number of changes that were not in effect when the call returned.
    missed: u32,
}

impl Histogram {
    fn add(&mut self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let place = (nanoseconds.ilog2() as usize).min(self.counts.len() - 1);
        self.counts[place] += 1;
        self.slowest = self.slowest.max(took);
    }

    pub(super) fn text(&self) -> String {
        let all: u64 = self.counts.iter().sum();
        let mut text = format!(
            "\nWhile {} keys changed, at {CHANGES} changes per second: {all} checks, the slowest {:.1} µs; \
             {} changes were not in effect immediately.\n\nThe slowest iteration of the same loop without a \
             check: {:.1} µs.\n\n| faster than, ns | checks |\n| ---: | ---: |\n",
            self.changes,
            micros(self.slowest),
            self.missed,
            micros(self.slowest_without),
        );
        for (place, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "| {} | {count} |", 2_u64 << place);
        }
        text
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Measures checks of random keys on one thread while another thread deletes and restores keys and verifies
/// after each change that it is in effect. Measures the same loop without checks first, as a baseline.
pub(super) fn while_checking(filled: &BenchRack) -> Histogram {
    let without = while_changing(filled, |_| true);
    // A check of a key that is currently deleted is denied, and its duration counts as well.
    Histogram { slowest_without: without.slowest, ..while_changing(filled, |text| filled.check(text)) }
}

fn while_changing(filled: &BenchRack, check: impl Fn(&[u8]) -> bool + Sync) -> Histogram {
    let is_finished = AtomicBool::new(false);
    thread::scope(|scope| {
        let checking = scope.spawn(|| {
            let mut histogram = Histogram::default();
            for text in filled.samples().known.endless() {
                let started = Instant::now();
                std::hint::black_box(check(text));
                histogram.add(started.elapsed());
                if is_finished.load(Ordering::Relaxed) {
                    break;
                }
            }
            histogram
        });
        let (changes, missed) = change(filled);
        is_finished.store(true, Ordering::Relaxed);
        Histogram { changes, missed, ..checking.join().unwrap_or_default() }
    })
}

/// Returns the number of changes, and how many of them were not in effect when the call returned.
fn change(filled: &BenchRack) -> (u32, u32) {
    let (started, mut changes, mut missed) = (Instant::now(), 0, 0);
    while started.elapsed() < LASTS {
        let number = changes as usize / 2 % filled.keys();
        let is_deleted = changes % 2 == 0;
        let is_applied = filled.change(number, is_deleted).is_ok();
        let is_effective = filled.check(filled.text(number).expose().as_bytes()) != is_deleted;
        missed += u32::from(!is_applied || !is_effective);
        changes += 1;
        thread::sleep((Duration::from_secs(1) / CHANGES * changes).saturating_sub(started.elapsed()));
    }
    (changes, missed)
}
