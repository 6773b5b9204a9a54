//! Limits how often a log line is written.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The shortest time between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Counts an event that is too frequent for a log line each time.
#[derive(Debug, Default)]
pub struct Notice(Mutex<EventCount>);

#[derive(Debug, Default)]
struct EventCount {
    times: u64,
    last: Option<Instant>,
}

impl Notice {
    /// Counts the event. Returns the number of events since the previous line if a line is due, and `None` otherwise.
    pub fn count(&self, now: Instant) -> Option<u64> {
        let mut unsaid = self.0.lock();
        unsaid.times += 1;
        if unsaid.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            return None;
        }
        unsaid.last = Some(now);
        Some(std::mem::take(&mut unsaid.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_event_is_reported_immediately_and_later_ones_together() {
        let (notice, start) = (Notice::default(), Instant::now());
        assert_eq!(notice.count(start), Some(1));
        for millis in 1..100 {
            assert_eq!(notice.count(start + Duration::from_millis(millis)), None);
        }
        assert_eq!(notice.count(start + PAUSE), Some(100));
    }
}
