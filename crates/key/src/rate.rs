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

use crate::numbers::grouped;
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
    #[error("Use a whole number from 1 to 1,000,000.")]
    Requests,
    /// The number of seconds is not from 1 to 86,400.
    #[error("Use a whole number from 1 to 86,400.")]
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
        let plural = if self.requests() == 1 { "" } else { "s" };
        write!(f, "{} request{plural} per ", grouped(self.requests()))?;
        match self.seconds() {
            1 => f.write_str("second"),
            60 => f.write_str("minute"),
            3_600 => f.write_str("hour"),
            SECONDS_MAX => f.write_str("day"),
            seconds => write!(f, "{} seconds", grouped(seconds)),
        }
    }
}

#[cfg(test)]
mod tests;
