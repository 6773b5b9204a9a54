//! How often a key may be used: the generic cell rate algorithm (GCRA; ITU-T I.371, annex A), as a bucket that holds
//! `requests` and refills evenly within `seconds`.
//!
//! All that is kept of the past is one number, the *due* time: when a client that never hurried would send its next
//! request, in nanoseconds since the Unix epoch. Whoever is at most a burst ahead of it is let through.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Denial, Timestamp};

/// The most requests that a rate can name.
const MOST_REQUESTS: u32 = 1_000_000;
/// The longest time that a rate can name, in seconds: a day.
const MOST_SECONDS: u32 = 86_400;
/// Requests that come together may have read the clock in another order, up to this far apart (nanoseconds).
/// What lies further ahead was written before the clock was set back.
const SLACK: u64 = NANOS;
/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// At most so many requests at once, and no more than so many every so many seconds for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Rate {
    requests: NonZeroU32,
    seconds: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    requests: u32,
    seconds: u32,
}

/// What is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The number of requests is out of range.
    #[error("expected a whole number from 1 to {MOST_REQUESTS}")]
    Requests,
    /// The number of seconds is out of range.
    #[error("expected a whole number from 1 to {MOST_SECONDS}")]
    Seconds,
}

/// What a rate leaves to its key at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The rate.
    pub rate: Rate,
    /// How many requests would be let through at once.
    pub remaining: u32,
    /// When all of them are back, in seconds from then, rounded up.
    pub full_in: u32,
}

impl Rate {
    /// So many requests, from 1 to 1,000,000, every so many seconds, from 1 to 86,400.
    pub fn new(requests: u32, seconds: u32) -> Result<Self, RateError> {
        let within = |number, most| NonZeroU32::new(number).filter(|number| number.get() <= most);
        Ok(Self {
            requests: within(requests, MOST_REQUESTS).ok_or(RateError::Requests)?,
            seconds: within(seconds, MOST_SECONDS).ok_or(RateError::Seconds)?,
        })
    }

    /// How many requests come through at once.
    pub const fn requests(self) -> u32 {
        self.requests.get()
    }

    /// The seconds in which as many come back.
    pub const fn seconds(self) -> u32 {
        self.seconds.get()
    }

    /// How long it takes until all requests of a used-up rate are back: its seconds, or up to a thousandth more by rounding.
    pub fn recovery(self) -> Duration {
        Duration::from_nanos(self.burst())
    }

    /// Whether `other` lets through all that `self` does, whenever it is asked for: neither the burst nor what comes back
    /// in the long run may be more.
    pub fn is_within(self, other: Self) -> bool {
        let speed = |rate: Self, seconds: u32| u64::from(rate.requests()) * u64::from(seconds);
        self.requests <= other.requests && speed(self, other.seconds()) <= speed(other, self.seconds())
    }

    /// The due time after a request at `now` that is let through, or that there is none left. Whoever keeps the due time
    /// writes that down, or, of a refused request, writes nothing.
    pub fn take(self, due: u64, now: Timestamp) -> Result<u64, Denial> {
        let next = due.max(nanos(now)).saturating_add(self.interval());
        let ahead = next.saturating_sub(nanos(now));
        if ahead <= self.burst() {
            return Ok(next);
        }
        Err(Denial::Rate { rate: self, wait: seconds_up(ahead - self.burst()) })
    }

    /// The due time before a request that was let through and is taken back: it left `due` behind.
    pub fn give_back(self, due: u64) -> u64 {
        due.saturating_sub(self.interval())
    }

    /// The due time as it counts at `now`. One that no request can have left behind until now was written before the clock
    /// was set back: it counts as that of a key that has just used up its burst, so that none waits for long.
    pub fn settle(self, due: u64, now: Timestamp) -> u64 {
        let furthest = nanos(now).saturating_add(self.burst());
        if due > furthest.saturating_add(SLACK) { furthest } else { due }
    }

    /// The due time of a key whose rate was `was` and left `due` behind: as much of this rate is used at `now` as was of that
    /// one. Rounded up.
    pub fn carry(self, due: u64, was: Self, now: Timestamp) -> u64 {
        let ahead = due.saturating_sub(nanos(now)).min(was.burst());
        if self == was || ahead == 0 {
            return due;
        }
        let share = (u128::from(ahead) * u128::from(self.burst())).div_ceil(u128::from(was.burst()));
        nanos(now).saturating_add(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// What is left at `now`.
    pub fn allowance(self, due: u64, now: Timestamp) -> Allowance {
        let ahead = due.saturating_sub(nanos(now));
        let remaining = self.burst().saturating_sub(ahead) / self.interval();
        Allowance {
            rate: self,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            full_in: seconds_up(ahead),
        }
    }

    /// The nanoseconds in which one request comes back. Rounded up: never more comes back than was said, and less by a
    /// thousandth at the most.
    fn interval(self) -> u64 {
        (u64::from(self.seconds()) * NANOS).div_ceil(u64::from(self.requests()))
    }

    /// The nanoseconds in which all come back.
    fn burst(self) -> u64 {
        self.interval() * u64::from(self.requests())
    }
}

fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.micros()).unwrap_or(0).saturating_mul(1_000)
}

fn seconds_up(nanos: u64) -> u32 {
    u32::try_from(nanos.div_ceil(NANOS)).unwrap_or(u32::MAX)
}

impl TryFrom<Unchecked> for Rate {
    type Error = RateError;

    fn try_from(Unchecked { requests, seconds }: Unchecked) -> Result<Self, RateError> {
        Self::new(requests, seconds)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requests() {
            1 => f.write_str("1 request every ")?,
            requests => write!(f, "{requests} requests every ")?,
        }
        match self.seconds() {
            1 => f.write_str("second"),
            seconds => write!(f, "{seconds} seconds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn rate(requests: u32, seconds: u32) -> Rate {
        Rate::new(requests, seconds).unwrap()
    }

    /// Asks at `now`, and keeps what is to be kept.
    fn ask(rate: Rate, due: &mut u64, now: Timestamp) -> Result<Allowance, u32> {
        *due = rate.settle(*due, now);
        match rate.take(*due, now) {
            Ok(next) => {
                *due = next;
                Ok(rate.allowance(next, now))
            }
            Err(Denial::Rate { wait, .. }) => Err(wait),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_burst_passes_at_once_and_then_one_at_a_time() {
        let (rate, mut due) = (rate(5, 60), 0);
        let left: Vec<_> = (0..5).map(|_| ask(rate, &mut due, NOW).unwrap()).collect();
        let told: Vec<_> = left.iter().map(|left| (left.remaining, left.full_in)).collect();
        assert_eq!(told, [(4, 12), (3, 24), (2, 36), (1, 48), (0, 60)]);
        assert_eq!(ask(rate, &mut due, NOW), Err(12));
        let almost = NOW.plus(Duration::from_micros(11_999_999));
        assert_eq!(ask(rate, &mut due, almost), Err(1));
        let back = NOW.plus(Duration::from_secs(12));
        assert!(ask(rate, &mut due, back).is_ok());
        assert_eq!(ask(rate, &mut due, back), Err(12));
    }

    #[test]
    fn what_does_not_divide_comes_back_later_and_never_sooner() {
        // One comes back in 1,666 2/3 nanoseconds.
        let (rate, mut due) = (rate(600_000, 1), 0);
        while ask(rate, &mut due, NOW).is_ok() {}
        let left = rate.allowance(due, NOW.plus(Duration::from_micros(999_700)));
        assert!((599_220..=599_820).contains(&left.remaining), "{left:?}");
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up_for_longer_than_one_request_takes() {
        let (rate, mut due) = (rate(5, 60), 0);
        let ahead = NOW.plus(Duration::from_hours(24 * 365));
        assert!(ask(rate, &mut due, ahead).is_ok());
        assert_eq!(ask(rate, &mut due, NOW), Err(12));
        assert!(ask(rate, &mut due, NOW.plus(Duration::from_secs(12))).is_ok());
    }

    #[test]
    fn another_rate_takes_over_the_share_that_was_used() {
        let used = |was: Rate, times: u32| (0..times).fold(0, |due, _| was.take(due, NOW).unwrap());
        let left = |rate: Rate, due| rate.allowance(due, NOW).remaining;
        let (quick, slow) = (rate(100, 100), rate(2, 3_600));
        assert_eq!(left(slow, slow.carry(used(quick, 100), quick, NOW)), 0, "all of it");
        assert_eq!(left(slow, slow.carry(used(quick, 50), quick, NOW)), 1, "half of it");
        assert_eq!(left(slow, slow.carry(used(quick, 51), quick, NOW)), 0, "rounded up");
        assert_eq!(left(quick, quick.carry(used(slow, 1), slow, NOW)), 50);
        // There and back again is where it was, or further.
        let due = used(quick, 33);
        let back = quick.carry(slow.carry(due, quick, NOW), slow, NOW);
        assert!((due..=due + 100).contains(&back), "{due} {back}");
        assert_eq!(slow.carry(0, quick, NOW), 0);
    }

    #[test]
    fn a_rate_has_a_range_in_the_store_too() {
        let read = |requests: &str, seconds: &str| {
            let text = format!(r#"{{"requests":{requests},"seconds":{seconds}}}"#);
            serde_json::from_str::<Rate>(&text).is_ok()
        };
        assert!(read("1", "1") && read("1000000", "86400"));
        for wrong in ["0", "-1", "1000001", "1.5", "\"1\"", "null", "1e3", "99999999999999999999"] {
            assert!(!read(wrong, "60"), "{wrong} requests");
            assert!(!read("60", wrong), "{wrong} seconds");
        }
        assert!(!read("1", "86401"));
        let with_more = r#"{"requests":1,"seconds":1,"burst":2}"#;
        assert!(serde_json::from_str::<Rate>(with_more).is_err(), "a newer version's rate is not read past");
        let text = serde_json::to_string(&rate(100, 60)).unwrap();
        assert_eq!(text, r#"{"requests":100,"seconds":60}"#);
    }

    #[test]
    fn within_is_neither_a_larger_burst_nor_a_faster_refill() {
        assert!(rate(100, 60).is_within(rate(100, 60)));
        assert!(rate(50, 60).is_within(rate(100, 60)));
        assert!(rate(5, 3_600).is_within(rate(100, 60)));
        assert!(!rate(101, 86_400).is_within(rate(100, 60)), "more at once");
        assert!(!rate(2, 1).is_within(rate(100, 60)), "more in the long run");
        assert!(rate(1_000_000, 86_400).is_within(rate(1_000_000, 1)));
    }

    fn any_rate() -> impl Strategy<Value = Rate> {
        let requests = prop_oneof![4 => 1_u32..20, 1 => 1_u32..=MOST_REQUESTS];
        let seconds = prop_oneof![4 => 1_u32..20, 1 => 1_u32..=MOST_SECONDS];
        (requests, seconds).prop_map(|(requests, seconds)| rate(requests, seconds))
    }

    /// Pauses between requests in microseconds: many at one instant, many about as long as a refill takes.
    fn pauses() -> impl Strategy<Value = Vec<u64>> {
        let pause = prop_oneof![Just(0_u64), 1_u64..1_000, 1_u64..10_000_000];
        proptest::collection::vec(pause, 1..200)
    }

    /// The same rule with nothing rounded: a level in fractions of a request, of which each second gives back some.
    struct Exact {
        rate: Rate,
        /// In requests times microseconds of the whole window.
        used: u128,
        last: Timestamp,
    }

    impl Exact {
        fn ask(&mut self, now: Timestamp) -> bool {
            let window = u128::from(self.rate.seconds()) * 1_000_000;
            let back = now.since(self.last).as_micros() * u128::from(self.rate.requests());
            self.last = now;
            let used = self.used.saturating_sub(back) + window;
            let passes = used <= window * u128::from(self.rate.requests());
            self.used = if passes { used } else { used - window };
            passes
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_came_back_in_any_window(rate in any_rate(), pauses in pauses()) {
            let (mut due, mut now, mut passed) = (0, NOW, Vec::new());
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                if ask(rate, &mut due, now).is_ok() {
                    passed.push(now);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, until) in passed.iter().enumerate().skip(first) {
                    let beyond_burst = (last - first + 1).saturating_sub(rate.requests() as usize) as u128;
                    let came_back = until.since(*from).as_micros() * u128::from(rate.requests());
                    prop_assert!(beyond_burst * u128::from(rate.seconds()) * 1_000_000 <= came_back);
                }
            }
        }

        #[test]
        fn where_nothing_is_rounded_it_is_the_exact_rule(step in 1_u32..1_000, requests in 1_u32..50, pauses in pauses()) {
            // As many requests as divide the seconds: each comes back after whole microseconds.
            let rate = rate(requests, step.min(MOST_SECONDS / requests) * requests);
            let (mut due, mut now) = (0, NOW);
            let mut exact = Exact { rate, used: 0, last: NOW };
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                prop_assert_eq!(ask(rate, &mut due, now).is_ok(), exact.ask(now));
            }
        }

        #[test]
        fn whoever_waits_as_told_is_let_through_and_after_a_window_there_is_a_burst(rate in any_rate(), pauses in pauses()) {
            let (mut due, mut now) = (0, NOW);
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                if let Err(wait) = ask(rate, &mut due, now) {
                    prop_assert!((1..=rate.seconds() + 1).contains(&wait));
                    prop_assert!(rate.take(due, now.plus(Duration::from_secs(wait.into()))).is_ok());
                    if wait > 1 {
                        prop_assert!(rate.take(due, now.plus(Duration::from_secs(u64::from(wait) - 1))).is_err());
                    }
                }
            }
            let left = rate.allowance(due, now);
            let full = now.plus(Duration::from_secs(left.full_in.into()));
            prop_assert_eq!(rate.allowance(due, full), Allowance { rate, remaining: rate.requests(), full_in: 0 });
        }

        #[test]
        fn what_is_within_lets_no_more_through(
            inner in any_rate(), outer in any_rate(), pauses in pauses()
        ) {
            prop_assume!(inner.is_within(outer));
            // What is rounded is rounded for both: a request of slack.
            let (mut ours, mut theirs, mut now, mut behind) = (0, 0, NOW, 0_i32);
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                let (inner, outer) = (ask(inner, &mut ours, now), ask(outer, &mut theirs, now));
                behind += i32::from(inner.is_ok()) - i32::from(outer.is_ok());
                prop_assert!(behind <= 1);
            }
        }
    }
}
