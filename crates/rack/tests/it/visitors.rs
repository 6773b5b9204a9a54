//! The rate limit for each visitor of a key, in addition to the rate limit of the key.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyrack_key::{
    AccessRequest, Brands, Denial, Exposure, Period, Permission, Presented, Quota, QuotaResource, QuotaState,
    Rate, RateUse, Restrictions, Timestamp,
};
use keyrack_rack::{Caller, DeniedCheck, Outcome, Rack};

use crate::history::{History, NOW, Step, ask_from, later, loaded};

fn hourly(requests: u32) -> Option<Rate> {
    Rate::new(requests, 3_600).ok()
}

#[expect(clippy::unnecessary_wraps, reason = "as a question has it")]
fn address(last: u8) -> Option<IpAddr> {
    Some([192, 0, 2, last].into())
}

/// Returns a rack with one key that has these rate limits, and the key's secret.
fn limited(visitor_rate: Option<Rate>, rate: Option<Rate>) -> (History, Rack) {
    let mut history = History::of_keys(1, 1);
    history.restrict(0, Restrictions { rate, visitor_rate, ..Restrictions::NONE });
    let rack = loaded(history.snapshot());
    (history, rack)
}

fn question(address: Option<IpAddr>, now: Timestamp, spend: RateUse) -> AccessRequest<'static> {
    let permission = Some(Permission::ModelsPredict);
    AccessRequest { now, permission, address, origin: None, exposure: Exposure::None, spend }
}

fn asked(rack: &Rack, secret: &str, question: &AccessRequest<'_>) -> Result<Caller, DeniedCheck> {
    rack.check(&Presented::parse(secret.as_bytes(), &Brands::default()).unwrap(), question)
}

/// Returns what is left to a visitor, or the code of the denial.
fn ask(rack: &Rack, history: &History, last: u8) -> Result<u32, &'static str> {
    let asked = asked(rack, &history.secrets[0], &question(address(last), NOW, RateUse::Take));
    asked.map(|caller| caller.visitor_rate_status().unwrap().remaining).map_err(|no| no.denial.code())
}

#[test]
fn visitors_have_separate_rates() {
    let (history, rack) = limited(hourly(2), None);
    let denied = Err("visitor_rate_limited");
    assert_eq!(
        [1, 1, 1, 2, 2, 2].map(|last| ask(&rack, &history, last)),
        [Ok(1), Ok(0), denied, Ok(1), Ok(0), denied]
    );
    let from = |address| ask_from(&rack, &history.secrets[0], NOW, address);
    let network = |text: &str| Some(text.parse().unwrap());
    assert!(from(network("2001:db8::1")) && from(network("2001:db8::2:1")));
    assert!(!from(network("2001:db8::3")), "a network of 64 bits is one visitor");
    assert!(from(network("2001:db8:0:1::1")));
    assert!(!from(network("::ffff:192.0.2.1")), "an IPv4 address, however it is written");
    assert!(from(None) && from(None) && !from(None), "those that are not known are one");
    let again = asked(&rack, &history.secrets[0], &question(address(1), later(1_800), RateUse::Take));
    assert_eq!(again.unwrap().visitor_rate_status().unwrap().remaining, 0);
}

#[test]
fn denied_visitor_takes_nothing_from_key_and_denied_key_nothing_from_visitor() {
    let (history, rack) = limited(hourly(2), hourly(5));
    let asks = |last| ask(&rack, &history, last);
    assert_eq!([asks(1), asks(1)], [Ok(1), Ok(0)]);
    for _ in 0..10 {
        assert_eq!(asks(1), Err("visitor_rate_limited"));
    }
    assert_eq!([asks(2), asks(2), asks(3)], [Ok(1), Ok(0), Ok(1)], "five in all");
    assert_eq!([asks(3), asks(3), asks(4)], [Err("rate_limited"); 3]);
    // The key gets one request back, and the third visitor still has one.
    let one = asked(&rack, &history.secrets[0], &question(address(3), later(720), RateUse::Take)).unwrap();
    assert_eq!((one.rate_status().unwrap().remaining, one.visitor_rate_status().unwrap().remaining), (0, 0));
}

#[test]
fn peek_takes_nothing_and_later_spend_takes_one() {
    let (history, rack) = limited(hourly(1), None);
    let look = |spend| asked(&rack, &history.secrets[0], &question(address(1), NOW, spend));
    for _ in 0..3 {
        assert_eq!(look(RateUse::Peek).unwrap().visitor_rate_status().unwrap().remaining, 1);
    }
    assert!(look(RateUse::Skip).unwrap().visitor_rate_status().is_none());
    let spent = look(RateUse::Peek).unwrap().spend(NOW, address(1)).unwrap();
    assert_eq!(spent.visitor_rate_status().unwrap().remaining, 0);
    assert!(matches!(look(RateUse::Peek).unwrap_err().denial, Denial::VisitorRate { wait: 3_600, .. }));
}

#[test]
fn key_change_does_not_reset_visitor_rate() {
    let (mut history, rack) = limited(hourly(2), None);
    assert_eq!(ask(&rack, &history, 1), Ok(1));
    history.take(Step::Rotate { key: 0, overlap: 60 });
    rack.apply(history.since(rack.position())).unwrap();
    assert_eq!(ask(&rack, &history, 1), Ok(0));
    rack.load(history.snapshot());
    assert_eq!(ask(&rack, &history, 1), Err("visitor_rate_limited"));
    history.restrict(0, Restrictions { visitor_rate: hourly(4), rate: hourly(9), ..Restrictions::NONE });
    rack.apply(history.since(rack.position())).unwrap();
    // Two of two an hour are four of four.
    assert_eq!(ask(&rack, &history, 1), Err("visitor_rate_limited"));
    assert_eq!(ask(&rack, &history, 2), Ok(3));
}

#[test]
fn removed_and_restored_visitor_rate_keeps_usage() {
    let (mut history, rack) = limited(hourly(2), None);
    assert_eq!([ask(&rack, &history, 1), ask(&rack, &history, 1)], [Ok(1), Ok(0)]);
    let denied = Err("visitor_rate_limited");
    for rate in [hourly(2), hourly(4)] {
        history.restrict(0, Restrictions::NONE);
        rack.apply(history.since(rack.position())).unwrap();
        history.restrict(0, Restrictions { visitor_rate: rate, ..Restrictions::NONE });
        rack.apply(history.since(rack.position())).unwrap();
        assert_eq!(ask(&rack, &history, 1), denied);
    }
    assert_eq!(ask(&rack, &history, 2), Ok(3));
}

#[test]
fn clock_set_back_does_not_block_visitor() {
    let (history, rack) = limited(Rate::new(2, 10).ok(), None);
    let ask = |now, spend| {
        let asked = asked(&rack, &history.secrets[0], &question(address(1), now, spend));
        asked.map(|caller| caller.visitor_rate_status().unwrap().remaining).map_err(|no| no.denial.code())
    };
    assert_eq!([0, 0].map(|_| ask(later(5_000), RateUse::Take)), [Ok(1), Ok(0)]);
    let denied = Err("visitor_rate_limited");
    assert_eq!([RateUse::Take, RateUse::Peek].map(|spend| ask(NOW, spend)), [denied; 2]);
    assert_eq!(ask(later(4), RateUse::Take), denied);
    assert_eq!(ask(later(5), RateUse::Take), Ok(0));
    assert_eq!(ask(later(15), RateUse::Peek), Ok(2));
}

#[test]
fn concurrent_requests_of_one_visitor_are_allowed_exactly_rate() {
    let (history, rack) = limited(hourly(500), None);
    let passed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let own = (0..200).filter(|_| ask(&rack, &history, 1).is_ok()).count();
                passed.fetch_add(own, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(passed.into_inner(), 500);
}

#[test]
fn denial_after_check_is_counted_as_denied() {
    let (history, rack) = limited(hourly(9), None);
    let ask = || asked(&rack, &history.secrets[0], &question(address(1), NOW, RateUse::Take)).unwrap();
    let quota = Quota::new(QuotaResource::Predictions, 1, Period::Day).unwrap();
    let denial = QuotaState { quota, used: 1, window: Period::Day.around(NOW) }.denial(NOW);
    let (first, second) = (ask(), ask());
    rack.record_denial(&second, Permission::ModelsPredict, denial);
    let ended = |denied| Outcome { permission: Some(Permission::ModelsPredict), denied };
    let [used] = rack.drain_usage().try_into().unwrap();
    assert_eq!(used.counts, [(ended(None), 1), (ended(Some("quota_exceeded")), 1)]);
    // The allowed request is drained by now.
    rack.record_denial(&first, Permission::ModelsPredict, denial);
    let [used] = rack.drain_usage().try_into().unwrap();
    assert_eq!(used.counts, [(ended(Some("quota_exceeded")), 1)]);
}
