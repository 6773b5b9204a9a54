//! Checks at full speed while keys change under them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::filled::Filled;

/// A second.
const CHANGES: u32 = 1_000;
const LASTS: Duration = Duration::from_secs(3);

/// How many checks took how long, by powers of two of nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: [u64; 32],
    slowest: Duration,
    /// The slowest turn of the same loop without a check: meanwhile the machine did something else.
    slowest_without: Duration,
    changes: u32,
    /// Changes that were not in effect when they had returned.
    late: u32,
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
            "\nWhile {} keys changed, {CHANGES} a second: {all} checks, the slowest {:.1} µs; {} changes were not in effect at once.\n\n\
             Without the check, the slowest turn of the same loop took {:.1} µs: then the machine did something else.\n\n\
             | faster than, ns | checks |\n| ---: | ---: |\n",
            self.changes,
            micros(self.slowest),
            self.late,
            micros(self.slowest_without),
        );
        for (place, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // Writing into a string does not fail.
            let _ = writeln!(text, "| {} | {count} |", 2_u64 << place);
        }
        text
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// One thread checks keys drawn at random, and times each check; another deletes keys and lets them live again, and asks
/// after each change whether it is in effect. Once before, the first thread draws keys and checks none.
pub(super) fn while_checking(filled: &Filled) -> Histogram {
    let without = while_changing(filled, |_| true);
    // A key that is just deleted is refused: how long that takes is counted all the same.
    Histogram { slowest_without: without.slowest, ..while_changing(filled, |text| filled.check(text)) }
}

fn while_changing(filled: &Filled, check: impl Fn(&[u8]) -> bool + Sync) -> Histogram {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let checking = scope.spawn(|| {
            let mut histogram = Histogram::default();
            for text in filled.samples().known.endless() {
                let started = Instant::now();
                std::hint::black_box(check(text));
                histogram.add(started.elapsed());
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
            histogram
        });
        let (changes, late) = change(filled);
        is_over.store(true, Ordering::Relaxed);
        Histogram { changes, late, ..checking.join().unwrap_or_default() }
    })
}

/// How many changes there were, and how many were not in effect when they had returned.
fn change(filled: &Filled) -> (u32, u32) {
    let (started, mut changes, mut late) = (Instant::now(), 0, 0);
    while started.elapsed() < LASTS {
        let number = changes as usize / 2 % filled.keys();
        let is_deleted = changes % 2 == 0;
        let is_applied = filled.change(number, is_deleted).is_ok();
        let is_effective = filled.check(filled.text(number).expose().as_bytes()) != is_deleted;
        late += u32::from(!is_applied || !is_effective);
        changes += 1;
        thread::sleep((Duration::from_secs(1) / CHANGES * changes).saturating_sub(started.elapsed()));
    }
    (changes, late)
}
