//! Rate limits by the generic cell rate algorithm (GCRA; ITU-T I.371, annex A): a bucket that holds
//! `requests` and refills evenly within `seconds`.
//!
//! The whole state is one number, the *due* time, in nanoseconds since the Unix epoch: when a client
//! that sends at an even pace would send its next request. A request is allowed if the due time is at
//! most one burst in the future.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Denial, Timestamp};

/// The largest number of requests.
const REQUESTS_MAX: u32 = 1_000_000;
/// The largest number of seconds: a day.
const SECONDS_MAX: u32 = 86_400;
/// How far clock readings of concurrent requests may be out of order, in nanoseconds. A due time that is
/// further in the future was stored before the clock was set back.
const SLACK: u64 = NANOS_PER_SECOND;
/// The number of nanoseconds in a second.
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A limit of `requests` at once, and of as many in every `seconds` in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedRate")]
pub struct Rate {
    requests: NonZeroU32,
    seconds: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedRate {
    requests: u32,
    seconds: u32,
}

/// The numbers are not a valid rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The number of requests is not from 1 to 1,000,000.
    #[error("expected a whole number from 1 to {REQUESTS_MAX}")]
    Requests,
    /// The number of seconds is not from 1 to 86,400.
    #[error("expected a whole number from 1 to {SECONDS_MAX}")]
    Seconds,
}

/// What a rate limit leaves at a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateStatus {
    /// The rate limit.
    pub rate: Rate,
    /// The number of requests that would be allowed at once.
    pub remaining: u32,
    /// Seconds until all requests are available again, rounded up.
    pub full_in_seconds: u32,
}

impl Rate {
    /// Creates a rate of `requests` (1 to 1,000,000) every `seconds` (1 to 86,400).
    pub fn new(requests: u32, seconds: u32) -> Result<Self, RateError> {
        let within = |number, most| NonZeroU32::new(number).filter(|number| number.get() <= most);
        Ok(Self {
            requests: within(requests, REQUESTS_MAX).ok_or(RateError::Requests)?,
            seconds: within(seconds, SECONDS_MAX).ok_or(RateError::Seconds)?,
        })
    }

    /// Returns the number of requests that are allowed at once.
    pub const fn requests(self) -> u32 {
        self.requests.get()
    }

    /// Returns the seconds in which as many requests become available again.
    pub const fn seconds(self) -> u32 {
        self.seconds.get()
    }

    /// Returns the time until a used-up rate has recovered: its seconds, or up to a thousandth
    /// more because of rounding.
    pub fn recovery(self) -> Duration {
        Duration::from_nanos(self.burst())
    }

    /// Returns `true` if `other` allows everything that `self` allows: neither the burst nor the long-run
    /// rate of `self` is larger.
    pub fn is_within(self, other: Self) -> bool {
        let speed = |rate: Self, seconds: u32| u64::from(rate.requests()) * u64::from(seconds);
        self.requests <= other.requests && speed(self, other.seconds()) <= speed(other, self.seconds())
    }

    /// Takes one request at `now`. Returns the new due time, which the caller must store, or the denial if no
    /// request is left. After a denial the stored due time stays.
    pub fn take(self, due: u64, now: Timestamp) -> Result<u64, Denial> {
        let next = due.max(nanos(now)).saturating_add(self.interval());
        let ahead = next.saturating_sub(nanos(now));
        if ahead <= self.burst() {
            return Ok(next);
        }
        Err(Denial::Rate { rate: self, wait: seconds_up(ahead - self.burst()) })
    }

    /// Returns the due time before the allowed request that led to `due`, to take the request back.
    pub fn give_back(self, due: u64) -> u64 {
        due.saturating_sub(self.interval())
    }

    /// Corrects a stored due time that no request before `now` can have led to, because the clock was
    /// set back since. Returns the due time of a used-up burst in its place, so that the key waits no
    /// longer than after a burst.
    pub fn settle(self, due: u64, now: Timestamp) -> u64 {
        let furthest = nanos(now).saturating_add(self.burst());
        if due > furthest.saturating_add(SLACK) { furthest } else { due }
    }

    /// Converts the due time of a key whose rate was `was` to this rate. The same share of the rate is
    /// used at `now`, rounded up.
    pub fn carry(self, due: u64, was: Self, now: Timestamp) -> u64 {
        let ahead = due.saturating_sub(nanos(now)).min(was.burst());
        if self == was || ahead == 0 {
            return due;
        }
        let share = (u128::from(ahead) * u128::from(self.burst())).div_ceil(u128::from(was.burst()));
        nanos(now).saturating_add(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// Returns what is left at `now`.
    pub fn status(self, due: u64, now: Timestamp) -> RateStatus {
        let ahead = due.saturating_sub(nanos(now));
        let remaining = self.burst().saturating_sub(ahead) / self.interval();
        RateStatus {
            rate: self,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            full_in_seconds: seconds_up(ahead),
        }
    }

    /// Returns the nanoseconds in which one request becomes available again. Rounded up, so that the rate is
    /// never exceeded; up to a thousandth is lost.
    fn interval(self) -> u64 {
        (u64::from(self.seconds()) * NANOS_PER_SECOND).div_ceil(u64::from(self.requests()))
    }

    /// Returns the nanoseconds in which all requests become available again.
    fn burst(self) -> u64 {
        self.interval() * u64::from(self.requests())
    }
}

fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.micros()).unwrap_or(0).saturating_mul(1_000)
}

fn seconds_up(nanos: u64) -> u32 {
    u32::try_from(nanos.div_ceil(NANOS_PER_SECOND)).unwrap_or(u32::MAX)
}

impl TryFrom<UncheckedRate> for Rate {
    type Error = RateError;

    fn try_from(UncheckedRate { requests, seconds }: UncheckedRate) -> Result<Self, RateError> {
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

    /// Takes a request at `now` and stores the new due time.
    fn take(rate: Rate, due: &mut u64, now: Timestamp) -> Result<RateStatus, u32> {
        *due = rate.settle(*due, now);
        match rate.take(*due, now) {
            Ok(next) => {
                *due = next;
                Ok(rate.status(next, now))
            }
            Err(Denial::Rate { wait, .. }) => Err(wait),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn burst_is_allowed_then_one_per_interval() {
        let (rate, mut due) = (rate(5, 60), 0);
        let left: Vec<_> = (0..5).map(|_| take(rate, &mut due, NOW).unwrap()).collect();
        let told: Vec<_> = left.iter().map(|left| (left.remaining, left.full_in_seconds)).collect();
        assert_eq!(told, [(4, 12), (3, 24), (2, 36), (1, 48), (0, 60)]);
        assert_eq!(take(rate, &mut due, NOW), Err(12));
        let almost = NOW.plus(Duration::from_micros(11_999_999));
        assert_eq!(take(rate, &mut due, almost), Err(1));
        let back = NOW.plus(Duration::from_secs(12));
        assert!(take(rate, &mut due, back).is_ok());
        assert_eq!(take(rate, &mut due, back), Err(12));
    }

    #[test]
    fn uneven_interval_refills_late_not_early() {
        // A request becomes available every 1,666 2/3 nanoseconds.
        let (rate, mut due) = (rate(600_000, 1), 0);
        while take(rate, &mut due, NOW).is_ok() {}
        let left = rate.status(due, NOW.plus(Duration::from_micros(999_700)));
        assert!((599_220..=599_820).contains(&left.remaining), "{left:?}");
    }

    #[test]
    fn clock_set_back_delays_at_most_one_request() {
        let (rate, mut due) = (rate(5, 60), 0);
        let ahead = NOW.plus(Duration::from_hours(24 * 365));
        assert!(take(rate, &mut due, ahead).is_ok());
        assert_eq!(take(rate, &mut due, NOW), Err(12));
        assert!(take(rate, &mut due, NOW.plus(Duration::from_secs(12))).is_ok());
    }

    #[test]
    fn changed_rate_keeps_used_share() {
        let used = |was: Rate, times: u32| (0..times).fold(0, |due, _| was.take(due, NOW).unwrap());
        let left = |rate: Rate, due| rate.status(due, NOW).remaining;
        let (quick, slow) = (rate(100, 100), rate(2, 3_600));
        assert_eq!(left(slow, slow.carry(used(quick, 100), quick, NOW)), 0, "all of it");
        assert_eq!(left(slow, slow.carry(used(quick, 50), quick, NOW)), 1, "half of it");
        assert_eq!(left(slow, slow.carry(used(quick, 51), quick, NOW)), 0, "rounded up");
        assert_eq!(left(quick, quick.carry(used(slow, 1), slow, NOW)), 50);
        // Changing back and forth never gains anything.
        let due = used(quick, 33);
        let back = quick.carry(slow.carry(due, quick, NOW), slow, NOW);
        assert!((due..=due + 100).contains(&back), "{due} {back}");
        assert_eq!(slow.carry(0, quick, NOW), 0);
    }

    #[test]
    fn stored_rate_out_of_range_is_rejected() {
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
    fn is_within_compares_burst_and_refill() {
        assert!(rate(100, 60).is_within(rate(100, 60)));
        assert!(rate(50, 60).is_within(rate(100, 60)));
        assert!(rate(5, 3_600).is_within(rate(100, 60)));
        assert!(!rate(101, 86_400).is_within(rate(100, 60)), "more at once");
        assert!(!rate(2, 1).is_within(rate(100, 60)), "more in the long run");
        assert!(rate(1_000_000, 86_400).is_within(rate(1_000_000, 1)));
    }

    fn any_rate() -> impl Strategy<Value = Rate> {
        let requests = prop_oneof![4 => 1_u32..20, 1 => 1_u32..=REQUESTS_MAX];
        let seconds = prop_oneof![4 => 1_u32..20, 1 => 1_u32..=SECONDS_MAX];
        (requests, seconds).prop_map(|(requests, seconds)| rate(requests, seconds))
    }

    /// Pauses between requests in microseconds: many of zero, and many of about a refill interval.
    fn pauses() -> impl Strategy<Value = Vec<u64>> {
        let pause = prop_oneof![Just(0_u64), 1_u64..1_000, 1_u64..10_000_000];
        proptest::collection::vec(pause, 1..200)
    }

    /// The same rule without rounding: a fill level in fractions of a request, which falls with time.
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
        fn no_window_exceeds_burst_plus_refill(rate in any_rate(), pauses in pauses()) {
            let (mut due, mut now, mut passed) = (0, NOW, Vec::new());
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                if take(rate, &mut due, now).is_ok() {
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
        fn rate_without_rounding_equals_exact_model(step in 1_u32..1_000, requests in 1_u32..50, pauses in pauses()) {
            // The number of requests divides the seconds, so that the interval is in whole microseconds.
            let rate = rate(requests, step.min(SECONDS_MAX / requests) * requests);
            let (mut due, mut now) = (0, NOW);
            let mut exact = Exact { rate, used: 0, last: NOW };
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                prop_assert_eq!(take(rate, &mut due, now).is_ok(), exact.ask(now));
            }
        }

        #[test]
        fn reported_wait_suffices_and_window_refills_burst(rate in any_rate(), pauses in pauses()) {
            let (mut due, mut now) = (0, NOW);
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                if let Err(wait) = take(rate, &mut due, now) {
                    prop_assert!((1..=rate.seconds() + 1).contains(&wait));
                    prop_assert!(rate.take(due, now.plus(Duration::from_secs(wait.into()))).is_ok());
                    if wait > 1 {
                        prop_assert!(rate.take(due, now.plus(Duration::from_secs(u64::from(wait) - 1))).is_err());
                    }
                }
            }
            let left = rate.status(due, now);
            let full = now.plus(Duration::from_secs(left.full_in_seconds.into()));
            prop_assert_eq!(rate.status(due, full), RateStatus { rate, remaining: rate.requests(), full_in_seconds: 0 });
        }

        #[test]
        fn narrower_rate_allows_no_more(
            inner in any_rate(), outer in any_rate(), pauses in pauses()
        ) {
            prop_assume!(inner.is_within(outer));
            // Both rates are rounded, which may differ by one request.
            let (mut ours, mut theirs, mut now, mut behind) = (0, 0, NOW, 0_i32);
            for pause in pauses {
                now = now.plus(Duration::from_micros(pause));
                let (inner, outer) = (take(inner, &mut ours, now), take(outer, &mut theirs, now));
                behind += i32::from(inner.is_ok()) - i32::from(outer.is_ok());
                prop_assert!(behind <= 1);
            }
        }
    }
}
