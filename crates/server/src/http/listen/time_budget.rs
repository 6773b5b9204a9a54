//! Limits how long the server waits for a peer that reads or sends slowly.

use std::time::{Duration, Instant};

/// The longest time that a peer may make no progress.
const LONGEST: Duration = Duration::from_secs(10);
/// Bytes that earn a peer another second, and so the slowest rate that a peer can sustain, in bytes per second.
const BYTES_PER_SECOND: u32 = 8 * 1024;

/// A budget of time. Waiting uses the budget up, and received bytes refill it: a peer that takes a few bytes now and then
/// gains only the time that these bytes are worth.
#[derive(Clone, Copy, Debug)]
pub struct TimeBudget {
    longest: Duration,
    left: Duration,
    waiting_since: Option<Instant>,
}

impl TimeBudget {
    /// Returns a full budget of ten seconds. The server does not wait for the peer yet.
    pub const fn full() -> Self {
        Self::up_to(LONGEST)
    }

    /// Returns a full budget of this length.
    pub const fn up_to(longest: Duration) -> Self {
        Self { longest, left: longest, waiting_since: None }
    }

    /// Returns whether the whole budget is left and the server does not wait.
    pub fn is_full(&self) -> bool {
        self.waiting_since.is_none() && self.left == self.longest
    }

    /// Starts to wait for the peer. Does nothing if the server already waits.
    pub fn wait(&mut self, now: Instant) {
        self.waiting_since.get_or_insert(now);
    }

    /// Stops the wait and refills the budget, because the peer has taken or sent this many bytes.
    pub fn receive(&mut self, bytes: usize, now: Instant) {
        let earned = Duration::from_secs(bytes as u64) / BYTES_PER_SECOND;
        self.left = self.left_at(now).saturating_add(earned).min(self.longest);
        self.waiting_since = None;
    }

    /// Returns whether the server waits and the budget is used up.
    pub fn is_over(&self, now: Instant) -> bool {
        self.waiting_since.is_some() && self.left_at(now).is_zero()
    }

    /// Returns how much longer the server waits for the peer.
    pub fn left_at(&self, now: Instant) -> Duration {
        let waited = self.waiting_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.left.saturating_sub(waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const RATE: usize = BYTES_PER_SECOND as usize;

    #[test]
    fn budget_ends_after_ten_seconds_without_progress() {
        let start = Instant::now();
        let mut budget = TimeBudget::full();
        assert!(!budget.is_over(start + 60 * SECOND), "the budget does not run before a wait");
        budget.wait(start);
        budget.wait(start + 5 * SECOND);
        assert!(!budget.is_over(start + 9 * SECOND));
        assert!(budget.is_over(start + 10 * SECOND));
    }

    #[test]
    fn budget_ends_despite_one_byte_a_second() {
        let (start, mut budget) = (Instant::now(), TimeBudget::full());
        let mut now = start;
        while !budget.is_over(now) {
            budget.receive(1, now);
            budget.wait(now);
            now += SECOND;
            assert!(now < start + 12 * SECOND, "one byte a second is not enough");
        }
    }

    #[test]
    fn budget_lasts_while_a_slow_peer_makes_progress() {
        let (start, mut budget) = (Instant::now(), TimeBudget::full());
        for round in 0..1_000 {
            let now = start + round * 9 * SECOND;
            budget.receive(9 * RATE, now);
            assert!(!budget.is_over(now));
            budget.wait(now);
            assert!(!budget.is_over(now + 9 * SECOND));
        }
        budget.receive(usize::MAX, start + 9_000 * SECOND);
        assert!(budget.is_full(), "the budget never exceeds its maximum");
    }
}
