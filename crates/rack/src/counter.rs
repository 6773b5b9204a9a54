//! A counter for checks that have the same outcome as the previous one, which most checks have.

use crate::outcome::OUTCOMES;
use crate::sync::atomic::{AtomicU32, Ordering};

/// The outcome of the last check, in the highest 8 bits, and the number of checks in a row with this outcome.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU32);

/// An outcome, and the number of checks that had it.
pub(crate) type OutcomeCount = (usize, u32);

const OUTCOME_SHIFT: u32 = 24;
const COUNT_MASK: u32 = (1 << OUTCOME_SHIFT) - 1;
const _: () = assert!(OUTCOMES <= 256);

impl Counter {
    /// Counts one check. Returns the previous count if that had another outcome or is full: the
    /// caller must count it elsewhere.
    pub(crate) fn count(&self, outcome: usize) -> Option<OutcomeCount> {
        let mut current = self.0.load(Ordering::Relaxed);
        loop {
            let (next, spilled) = one_more(current, outcome);
            // Relaxed: no other memory depends on this number.
            match self.0.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return spilled,
                Err(other) => current = other,
            }
        }
    }

    /// Adds checks if the counter is empty or has the same outcome. Returns whether it did.
    pub(crate) fn add(&self, outcome: usize, count: u32) -> bool {
        let add = |current: u32| match unpacked(current) {
            None => Some(packed(outcome, count)),
            Some((own, there)) => {
                (own == outcome && COUNT_MASK - there >= count).then(|| packed(own, there + count))
            }
        };
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Subtracts one check if the counter has this outcome. Returns whether it did.
    pub(crate) fn take_one(&self, outcome: usize) -> bool {
        let less = |current: u32| unpacked(current).filter(|(own, _)| *own == outcome).map(|_| current - 1);
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Takes the count and starts again at zero. Returns `None` if nothing was counted.
    pub(crate) fn take(&self) -> Option<OutcomeCount> {
        let nothing = self.0.load(Ordering::Relaxed) & COUNT_MASK == 0;
        if nothing { None } else { unpacked(self.0.swap(0, Ordering::Relaxed)) }
    }
}

fn one_more(counted: u32, outcome: usize) -> (u32, Option<OutcomeCount>) {
    if (counted >> OUTCOME_SHIFT) as usize == outcome && counted & COUNT_MASK < COUNT_MASK {
        (counted + 1, None)
    } else {
        (packed(outcome, 1), unpacked(counted))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "there are far fewer outcomes")]
const fn packed(outcome: usize, count: u32) -> u32 {
    ((outcome as u32) << OUTCOME_SHIFT) | count
}

const fn unpacked(counted: u32) -> Option<OutcomeCount> {
    if counted & COUNT_MASK == 0 {
        None
    } else {
        Some(((counted >> OUTCOME_SHIFT) as usize, counted & COUNT_MASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_outcome_spills_previous_count() {
        let counter = Counter::default();
        assert_eq!([3, 3, OUTCOMES - 1].map(|end| counter.count(end)), [None, None, Some((3, 2))]);
        assert_eq!([0; 2].map(|_| counter.take()), [Some((OUTCOMES - 1, 1)), None]);
        assert_eq!((counter.count(0), counter.take()), (None, Some((0, 1))));
    }

    #[test]
    fn same_outcome_adds_and_takes_back() {
        let counter = Counter::default();
        assert_eq!([counter.add(3, 5), counter.add(4, 1), counter.add(3, 2)], [true, false, true]);
        assert!(!counter.add(3, COUNT_MASK), "the count would overflow");
        assert_eq!([counter.take_one(4), counter.take_one(3)], [false, true]);
        assert_eq!(counter.take(), Some((3, 6)));
        assert!(!counter.take_one(3) && counter.add(4, 1));
    }

    #[test]
    fn full_count_spills() {
        assert_eq!(
            one_more((3 << OUTCOME_SHIFT) | COUNT_MASK, 3),
            ((3 << OUTCOME_SHIFT) | 1, Some((3, COUNT_MASK)))
        );
    }
}
