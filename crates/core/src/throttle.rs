//! Slows down sign-in after failures, for each account and for each network address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::Timestamp;
use parking_lot::Mutex;

/// Failures of an account before the first delay: people mistype passwords.
const FREE_BY_ACCOUNT: u32 = 5;
/// Failures from an address before the first delay: the people of an office share an address.
const FREE_BY_ADDRESS: u32 = 20;
/// The longest delay. An attacker can delay an account repeatedly, but each time no longer than this.
const LONGEST: Duration = Duration::from_mins(15);
/// The maximum number of remembered accounts, and of remembered addresses.
const REMEMBERED: usize = 10_000;

/// Recent failures, by account and by address.
#[derive(Debug, Default)]
pub struct Throttle {
    accounts: Mutex<Failures<String>>,
    /// `None` is the entry of all clients with an unknown address.
    addresses: Mutex<Failures<Option<IpAddr>>>,
}

impl Throttle {
    /// Counts an attempt before its password is checked, so that concurrent attempts count each other. The error is
    /// the time to wait.
    pub fn attempt(&self, account: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let account = one_spelling(account);
        let address = address.map(network);
        let wait = self.accounts.lock().wait(&account, FREE_BY_ACCOUNT, now);
        let wait = wait.max(self.addresses.lock().wait(&address, FREE_BY_ADDRESS, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.accounts.lock().count(account, now);
        self.addresses.lock().count(address, now);
        Ok(())
    }

    /// Clears the failures of an account after a correct password, and one failure of the address.
    pub fn record_success(&self, account: &str, address: Option<IpAddr>) {
        self.accounts.lock().failed.remove(&one_spelling(account));
        self.addresses.lock().forgive(&address.map(network));
    }
}

/// Normalizes the email address of an account. Addresses have at most 254 characters, so the rest is cut to save memory.
fn one_spelling(account: &str) -> String {
    account.trim().to_lowercase().chars().take(254).collect()
}

/// Reduces an IPv6 address to its /64, because a client usually controls a whole /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[derive(Debug)]
struct Failures<K> {
    failed: HashMap<K, (u32, Timestamp)>,
}

impl<K> Default for Failures<K> {
    fn default() -> Self {
        Self { failed: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone> Failures<K> {
    fn wait(&mut self, who: &K, free: u32, now: Timestamp) -> Duration {
        let Some((count, last)) = self.failed.get_mut(who) else {
            return Duration::ZERO;
        };
        // A failure in the future was counted before the clock was set back. Move it to now, or the account would wait
        // until the clock reaches that time again.
        *last = now.min(*last);
        let Some(beyond) = count.checked_sub(free) else {
            return Duration::ZERO;
        };
        let pause = Duration::from_secs(1 << beyond.min(10)).min(LONGEST);
        pause.saturating_sub(now.since(*last))
    }

    fn count(&mut self, who: K, now: Timestamp) {
        if self.failed.len() >= REMEMBERED {
            self.failed.retain(|_, (_, last)| now.since(*last) < LONGEST);
        }
        if self.failed.len() >= REMEMBERED {
            self.forget_half();
        }
        let entry = self.failed.entry(who).or_insert((0, now));
        // After a quiet period, the count restarts.
        let before = if now.since(entry.1) > LONGEST { 0 } else { entry.0 };
        *entry = (before.saturating_add(1), now);
    }

    /// Drops the entries with the fewest failures, oldest first, so that a flood of invented names does not displace an
    /// account under attack.
    fn forget_half(&mut self) {
        let mut ranked: Vec<_> = self.failed.iter().map(|(who, failures)| (*failures, who.clone())).collect();
        ranked.sort_by_key(|(failures, _)| *failures);
        for (_, who) in ranked.into_iter().take(REMEMBERED / 2) {
            self.failed.remove(&who);
        }
    }

    fn forgive(&mut self, who: &K) {
        if let Some((count, _)) = self.failed.get_mut(who) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9)));

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn failures_after_the_fifth_wait_increasingly_long() {
        let throttle = Throttle::default();
        let mut now = 0;
        for _ in 0..5 {
            assert_eq!(throttle.attempt("Ada@example.org", ADDRESS, at(now)), Ok(()));
        }
        for wait in [1, 2, 4, 8] {
            assert_eq!(throttle.attempt("ada@example.org", ADDRESS, at(now)), Err(Duration::from_secs(wait)));
            now += wait;
            assert_eq!(throttle.attempt("ada@example.org", ADDRESS, at(now)), Ok(()));
        }
    }

    #[test]
    fn account_ignores_spaces_and_case() {
        let throttle = Throttle::default();
        for spelled in [
            "ada@example.org",
            " ada@example.org",
            "ada@example.org\t",
            "ADA@example.org",
            "ada@Example.org ",
        ] {
            assert_eq!(throttle.attempt(spelled, None, at(0)), Ok(()));
        }
        assert!(throttle.attempt("ada@example.org", None, at(0)).is_err());
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let throttle = Throttle::default();
        let denied =
            (0..40).filter(|n| throttle.attempt(&format!("{n}@example.org"), ADDRESS, at(0)).is_err());
        assert_eq!(denied.count(), 20);
    }

    #[test]
    fn successful_sign_in_clears_failures() {
        let throttle = Throttle::default();
        for _ in 0..30 {
            assert_eq!(throttle.attempt("ada@example.org", ADDRESS, at(0)), Ok(()));
            throttle.record_success("ada@example.org", ADDRESS);
        }
    }

    #[test]
    fn clock_set_back_does_not_extend_the_wait() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(throttle.attempt("ada@example.org", ADDRESS, at(100_000)), Ok(()));
        }
        assert_eq!(throttle.attempt("ada@example.org", ADDRESS, at(10)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.attempt("ada@example.org", ADDRESS, at(11)), Ok(()));
    }

    #[test]
    fn wait_never_exceeds_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        let mut now = 0;
        for _ in 0..50 {
            if let Err(wait) = throttle.attempt("ada@example.org", None, at(now)) {
                assert!(wait <= LONGEST);
                now += wait.as_secs();
            }
        }
    }

    #[test]
    fn unknown_addresses_share_one_limit() {
        let throttle = Throttle::default();
        let denied = (0..40).filter(|n| throttle.attempt(&format!("{n}@example.org"), None, at(0)).is_err());
        assert_eq!(denied.count(), 20);
        assert_eq!(
            throttle.attempt("ada@example.org", ADDRESS, at(0)),
            Ok(()),
            "a known address has a separate limit"
        );
    }

    #[test]
    fn flood_of_invented_accounts_keeps_failures_of_others() {
        let throttle = Throttle::default();
        let from = |n: usize| Some(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()));
        for n in 0..5 {
            assert_eq!(throttle.attempt("ada@example.org", from(n), at(0)), Ok(()));
        }
        for n in 0..2 * REMEMBERED {
            assert_eq!(throttle.attempt(&format!("{n}@example.org"), from(n), at(0)), Ok(()));
        }
        assert!(throttle.attempt("ada@example.org", from(0), at(0)).is_err());
    }
}
