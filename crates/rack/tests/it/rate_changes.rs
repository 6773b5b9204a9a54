//! No change of a key's rate limits makes used requests available again, whatever rates come in between.

use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::{Denial, Rate, Restrictions, Timestamp};
use keyrack_rack::Rack;
use proptest::prelude::*;

use crate::history::{History, NOW, ask_from, later, loaded};

const DAY: u32 = 86_400;

/// One of the two rate limits of a key.
#[derive(Clone, Copy, Debug)]
enum Which {
    OfKey,
    OfVisitor,
}

/// A key whose rate limit changes.
struct Limited {
    which: Which,
    history: History,
    rack: Rack,
}

impl Limited {
    fn new(which: Which) -> Self {
        let mut history = History::of_keys(1, 2);
        // A rack gets the time from requests of keys with a rate limit.
        history.restrict(1, Restrictions { rate: Rate::new(1, 1).ok(), ..Restrictions::NONE });
        let rack = loaded(history.snapshot());
        Self { which, history, rack }
    }

    fn set(&mut self, rate: Option<Rate>, now: Timestamp) {
        ask_from(&self.rack, &self.history.secrets[1], now, None);
        let restrictions = match self.which {
            Which::OfKey => Restrictions { rate, ..Restrictions::NONE },
            Which::OfVisitor => Restrictions { visitor_rate: rate, ..Restrictions::NONE },
        };
        self.history.restrict(0, restrictions);
        self.rack.apply(self.history.since(self.rack.position())).unwrap();
    }

    fn set_to(&mut self, requests: u32, seconds: u32, now: Timestamp) {
        self.set(Some(Rate::new(requests, seconds).unwrap()), now);
    }

    fn ask(&self, now: Timestamp) -> bool {
        let address: IpAddr = [192, 0, 2, 1].into();
        ask_from(&self.rack, &self.history.secrets[0], now, Some(address))
    }

    /// Returns how many of a thousand requests are allowed.
    fn allowed(&self, now: Timestamp) -> usize {
        (0..1_000).filter(|_| self.ask(now)).count()
    }
}

#[test]
fn rate_restored_after_faster_rate_keeps_usage() {
    for which in [Which::OfKey, Which::OfVisitor] {
        let mut key = Limited::new(which);
        key.set_to(100, DAY, NOW);
        assert_eq!(key.allowed(NOW), 100);
        key.set_to(100, 1, NOW);
        assert_eq!(key.allowed(later(5)), 100, "{which:?}: the fast rate recovers as fast as it says");
        key.set_to(100, DAY, later(10));
        assert_eq!(key.allowed(later(10)), 0, "{which:?}");
        assert_eq!(key.allowed(later(864)), 1, "{which:?}: one comes back after 864 seconds");
    }
}

#[test]
fn slow_rate_after_fast_rate_keeps_share_of_first_rate() {
    for which in [Which::OfKey, Which::OfVisitor] {
        let mut key = Limited::new(which);
        key.set_to(4, DAY, NOW);
        assert_eq!([key.ask(NOW), key.ask(NOW), key.ask(NOW)], [true; 3]);
        key.set_to(1_000, 1, NOW);
        assert_eq!(key.allowed(later(5)), 1_000);
        key.set_to(400, DAY, later(10));
        assert_eq!(key.allowed(later(10)), 100, "{which:?}");
    }
}

/// Each of three rates keeps its usage, although one was used up and another only in part.
#[test]
fn chain_of_rates_keeps_usage_of_each() {
    for which in [Which::OfKey, Which::OfVisitor] {
        let mut key = Limited::new(which);
        key.set_to(10, DAY, NOW);
        assert_eq!((0..5).filter(|_| key.ask(NOW)).count(), 5);
        key.set_to(10, 3_600, NOW);
        assert_eq!(key.allowed(NOW), 5, "{which:?}: half was used");
        for round in 1..20 {
            key.set_to(10, 1, later(round * 2));
            key.allowed(later(round * 2));
            key.set_to(10, 3_600, later(round * 2 + 1));
            assert_eq!(key.allowed(later(round * 2 + 1)), 0, "{which:?}");
        }
        key.set(None, later(50));
        assert!(key.ask(later(50)));
        key.set_to(10, DAY, later(4_000));
        assert_eq!(key.allowed(later(4_000)), 5, "{which:?}: the hour has recovered, and the day has not");
    }
}

/// If there are more rates than are kept, the fast ones count as the slow ones do.
#[test]
fn more_rates_than_kept_never_reset_usage() {
    for which in [Which::OfKey, Which::OfVisitor] {
        let mut key = Limited::new(which);
        let rates = [DAY, 40_000, 20_000, 10_000, 5_000, 2_500];
        for seconds in rates {
            key.set_to(100, seconds, NOW);
            key.allowed(NOW);
        }
        for round in 1..10 {
            for seconds in rates {
                key.set_to(100, 1, later(round * 2));
                key.ask(later(round * 2));
                key.set_to(100, seconds, later(round * 2 + 1));
                assert_eq!(key.allowed(later(round * 2 + 1)), 0, "{which:?}: {seconds}");
            }
        }
    }
}

#[test]
fn recovered_rate_does_not_limit_key() {
    for which in [Which::OfKey, Which::OfVisitor] {
        let mut key = Limited::new(which);
        key.set_to(100, 3_600, NOW);
        assert_eq!(key.allowed(NOW), 100);
        key.set(None, NOW);
        assert!(key.ask(later(3_600)));
        key.set_to(100, DAY, later(3_600));
        assert_eq!(key.allowed(later(3_600)), 100, "{which:?}");
        key.set_to(50, 60, later(3_600));
        assert_eq!(key.allowed(later(3_600)), 0, "{which:?}");
        assert_eq!(key.allowed(later(3_660)), 50, "{which:?}: the day is not waited for");
    }
}

/// A step of a key.
#[derive(Clone, Copy, Debug)]
enum Step {
    Set(Option<usize>),
    Ask(usize),
    Wait(Duration),
    Load,
}

/// Divides the share of an allowed request under any of the rates.
const UNIT: u64 = 12;
const RATES: [(u32, u32); 6] = [(2, 2), (3, 6), (4, 60), (6, 60), (12, 3_600), (1, DAY)];

fn step() -> impl Strategy<Value = Step> {
    let micros = prop_oneof![1_u64..1_000_000, 1_u64..10_000_000, 1_u64..4_000_000_000];
    prop_oneof![
        6 => (1_usize..20).prop_map(Step::Ask),
        6 => proptest::option::weighted(0.9, 0..RATES.len()).prop_map(Step::Set),
        3 => micros.prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        1 => Just(Step::Load),
    ]
}

/// An allowed request: its time and its rate.
type Allowed = (Timestamp, usize);

/// Returns `true` if rates that recover in `seconds` or more allowed more in some period than a burst and
/// what recovers in it. Requests under different rates count as their shares.
fn exceeds(allowed: &[Allowed], rates: impl Fn(usize) -> bool, seconds: u32) -> bool {
    let recovery = u64::from(seconds) * 1_000_000;
    let of_rates: Vec<_> = allowed.iter().filter(|(_, rate)| rates(*rate)).collect();
    (0..of_rates.len()).any(|first| {
        let from = of_rates[first].0;
        let mut shares = 0;
        of_rates[first..].iter().any(|(at, rate)| {
            shares += UNIT / u64::from(RATES[*rate].0);
            let period = u64::try_from(at.since(from).as_micros()).unwrap();
            shares * recovery > UNIT * (recovery + period)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_of_rate_changes_exceeds_rates(
        visitor in any::<bool>(), steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut key = Limited::new(if visitor { Which::OfVisitor } else { Which::OfKey });
        let (mut now, mut rate, mut allowed) = (NOW, None, Vec::<Allowed>::new());
        for step in steps {
            match step {
                Step::Wait(time) => now = now.plus(time),
                Step::Load => key.rack.load(key.history.snapshot()),
                Step::Set(next) => {
                    rate = next;
                    key.set(rate.map(|rate| Rate::new(RATES[rate].0, RATES[rate].1).unwrap()), now);
                }
                Step::Ask(times) => {
                    let passed = (0..times).filter(|_| key.ask(now)).count();
                    allowed.extend(rate.into_iter().flat_map(|rate| std::iter::repeat_n((now, rate), passed)));
                }
            }
        }
        for (number, (_, seconds)) in RATES.iter().enumerate() {
            prop_assert!(!exceeds(&allowed, |one| one == number, *seconds), "{:?}: {allowed:?}", RATES[number]);
            let slower = |one: usize| RATES[one].1 >= *seconds;
            prop_assert!(!exceeds(&allowed, slower, *seconds), "all from {seconds} s: {allowed:?}");
        }
    }
}

/// Tests the arithmetic of the property.
#[test]
fn exceeds_detects_excess() {
    let at = |seconds| (later(seconds), 4);
    let burst: Vec<_> = (0..12).map(|_| at(0)).collect();
    assert!(!exceeds(&burst, |_| true, 3_600));
    let more = [burst.clone(), vec![at(299)]].concat();
    assert!(exceeds(&more, |_| true, 3_600));
    let recovered = [burst, vec![at(300)]].concat();
    assert!(!exceeds(&recovered, |_| true, 3_600));
}

#[test]
fn denial_names_current_rate() {
    let mut key = Limited::new(Which::OfKey);
    key.set_to(100, DAY, NOW);
    key.allowed(NOW);
    key.set_to(60, 60, NOW);
    let denied =
        crate::history::ask_as(&keyrack_key::Brands::default(), &key.rack, &key.history.secrets[0], NOW);
    assert!(matches!(denied, Err((Denial::Rate { rate, wait: 1 }, _)) if rate.seconds() == 60), "{denied:?}");
}
