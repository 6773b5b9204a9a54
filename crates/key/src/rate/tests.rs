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
