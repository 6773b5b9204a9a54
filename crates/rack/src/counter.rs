//! Counts checks that end as the one before them did. Most do, so that most are counted in one number.

use crate::outcome::OUTCOMES;
use crate::sync::atomic::{AtomicU32, Ordering};

/// How the last check ended, in the highest 8 bits, and how many ended so since somebody took the count.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU32);

/// Checks that ended alike: how, and how many.
pub(crate) type Alike = (usize, u32);

const OUTCOME: u32 = 24;
const COUNT: u32 = (1 << OUTCOME) - 1;
const _: () = assert!(OUTCOMES <= 256);

impl Counter {
    /// Counts one more that ended so, and tells what has to be counted elsewhere to make room for it.
    pub(crate) fn count(&self, outcome: usize) -> Option<Alike> {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let (next, spilt) = one_more(seen, outcome);
            // The number is all that has to be seen in order by others.
            match self.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return spilt,
                Err(other) => seen = other,
            }
        }
    }

    /// Adds checks that ended so, if it counts such checks or none. Says whether it did.
    pub(crate) fn add(&self, outcome: usize, count: u32) -> bool {
        let add = |seen: u32| match alike(seen) {
            None => Some(packed(outcome, count)),
            Some((own, there)) => {
                (own == outcome && COUNT - there >= count).then(|| packed(own, there + count))
            }
        };
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Takes back one check that ended so, if one is counted here. Says whether it did.
    pub(crate) fn take_one(&self, outcome: usize) -> bool {
        let less = |seen: u32| alike(seen).filter(|(own, _)| *own == outcome).map(|_| seen - 1);
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// What was counted, if anything was; it counts on from nothing.
    pub(crate) fn take(&self) -> Option<Alike> {
        let nothing = self.0.load(Ordering::Relaxed) & COUNT == 0;
        if nothing { None } else { alike(self.0.swap(0, Ordering::Relaxed)) }
    }
}

fn one_more(counted: u32, outcome: usize) -> (u32, Option<Alike>) {
    if (counted >> OUTCOME) as usize == outcome && counted & COUNT < COUNT {
        (counted + 1, None)
    } else {
        (packed(outcome, 1), alike(counted))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "there are far fewer outcomes")]
const fn packed(outcome: usize, count: u32) -> u32 {
    ((outcome as u32) << OUTCOME) | count
}

const fn alike(counted: u32) -> Option<Alike> {
    if counted & COUNT == 0 { None } else { Some(((counted >> OUTCOME) as usize, counted & COUNT)) }
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
        assert!(!counter.add(3, COUNT), "there is no room for so many");
        assert_eq!([counter.take_one(4), counter.take_one(3)], [false, true]);
        assert_eq!(counter.take(), Some((3, 6)));
        assert!(!counter.take_one(3) && counter.add(4, 1));
    }

    #[test]
    fn full_count_spills() {
        assert_eq!(one_more((3 << OUTCOME) | COUNT, 3), ((3 << OUTCOME) | 1, Some((3, COUNT))));
    }
}
