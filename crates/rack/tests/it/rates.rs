//! A key is allowed as often as its rate limit permits, while the key changes and many requests come at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyrack_key::{AccessRequest, Brands, Denial, Exposure, Permission, Presented, Rate, RateUse, Timestamp};
use keyrack_rack::{Caller, DeniedCheck, Outcome, Rack};

use crate::history::{History, NOW, Step, later, loaded};

fn hourly(requests: u32) -> Rate {
    Rate::new(requests, 3_600).unwrap()
}

/// A history of one key with this rate limit.
fn limited(rate: Rate) -> History {
    let mut history = History::of_keys(1, 1);
    history.take(Step::Limit { key: 0, rate: Some(rate) });
    history
}

fn question(now: Timestamp, spend: RateUse) -> AccessRequest<'static> {
    let permission = Some(Permission::ModelsPredict);
    AccessRequest { now, permission, address: None, origin: None, exposure: Exposure::None, spend }
}

fn asked(rack: &Rack, secret: &str, question: &AccessRequest<'_>) -> Result<Caller, DeniedCheck> {
    rack.check(&Presented::parse(secret.as_bytes(), &Brands::default()).unwrap(), question)
}

/// Returns what is left after a request, or the seconds to wait.
fn ask(rack: &Rack, secret: &str, now: Timestamp, spend: RateUse) -> Result<u32, u32> {
    match asked(rack, secret, &question(now, spend)) {
        Ok(caller) => Ok(caller.rate_status().unwrap().remaining),
        Err(DeniedCheck { denial: Denial::Rate { wait, .. }, .. }) => Err(wait),
        Err(other) => panic!("{other:?}"),
    }
}

fn left(rack: &Rack, secret: &str) -> Result<u32, u32> {
    ask(rack, secret, NOW, RateUse::Take)
}

#[test]
fn rate_allows_burst_and_reports_wait() {
    let history = limited(hourly(3));
    let (rack, secret) = (loaded(history.snapshot()), &history.secrets[0]);
    assert_eq!([left(&rack, secret), left(&rack, secret), left(&rack, secret)], [Ok(2), Ok(1), Ok(0)]);
    assert_eq!(left(&rack, secret), Err(1_200));
    assert_eq!(left(&rack, secret), Err(1_200), "a refusal takes nothing");
    assert_eq!(ask(&rack, secret, later(1_200), RateUse::Take), Ok(0));
    assert_eq!(ask(&rack, secret, later(1_200 + 3_600), RateUse::Take), Ok(2));
    let [used] = rack.drain_usage().try_into().unwrap();
    let ended = |denied| Outcome { permission: Some(Permission::ModelsPredict), denied };
    assert_eq!(used.counts, [(ended(None), 5), (ended(Some("rate_limited")), 2)]);
}

#[test]
fn request_denied_for_other_reason_takes_nothing_from_rate() {
    let history = limited(hourly(1));
    let (rack, secret) = (loaded(history.snapshot()), &history.secrets[0]);
    let in_url = AccessRequest { exposure: Exposure::Url, ..question(NOW, RateUse::Take) };
    assert_eq!(asked(&rack, secret, &in_url).unwrap_err().denial, Denial::InQuery);
    assert_eq!(left(&rack, secret), Ok(0));
}

#[test]
fn peek_takes_nothing_and_repeated_check_skips_rate() {
    let history = limited(hourly(2));
    let (rack, secret) = (loaded(history.snapshot()), &history.secrets[0]);
    assert_eq!(ask(&rack, secret, NOW, RateUse::Peek), Ok(2));
    assert_eq!(ask(&rack, secret, NOW, RateUse::Peek), Ok(2));
    assert_eq!((left(&rack, secret), left(&rack, secret)), (Ok(1), Ok(0)));
    assert_eq!(ask(&rack, secret, NOW, RateUse::Peek), Err(1_800));
    let before = asked(&rack, secret, &question(NOW, RateUse::Skip)).unwrap();
    assert_eq!(before.rate_status(), None);
    let looked = asked(&rack, secret, &question(later(1_800), RateUse::Peek)).unwrap();
    assert_eq!(looked.spend(later(1_800), None).unwrap().rate_status().unwrap().remaining, 0);
    assert_eq!(ask(&rack, secret, later(1_800), RateUse::Take), Err(1_800));
}

#[test]
fn key_change_does_not_reset_rate() {
    let mut history = limited(hourly(4));
    let rack = loaded(history.snapshot());
    let change = |history: &mut History, step| {
        history.take(step);
        rack.apply(history.since(rack.position())).unwrap();
    };
    assert_eq!(left(&rack, &history.secrets[0]), Ok(3));
    change(&mut history, Step::Edit { key: 0, permissions: 31, expires: None });
    assert_eq!(left(&rack, &history.secrets[0]), Ok(2));
    change(&mut history, Step::Rotate { key: 0, overlap: 60 });
    assert_eq!(left(&rack, &history.secrets[0]), Ok(1), "of the old secret");
    assert_eq!(left(&rack, &history.secrets[1]), Ok(0), "of the new one: the key has one rate");
    rack.load(history.snapshot());
    rack.forget_before(later(3_000));
    assert_eq!(left(&rack, &history.secrets[1]), Err(900));
}

#[test]
fn changed_rate_keeps_usage() {
    let mut history = limited(hourly(4));
    let rack = loaded(history.snapshot());
    let secret = history.secrets[0].clone();
    let mut limit = |rate| {
        history.take(Step::Limit { key: 0, rate });
        rack.apply(history.since(rack.position())).unwrap();
    };
    assert_eq!((left(&rack, &secret), left(&rack, &secret)), (Ok(3), Ok(2)));
    // Half of the hour is used, with any rate limit per hour.
    limit(Some(hourly(2)));
    assert_eq!((left(&rack, &secret), left(&rack, &secret)), (Ok(0), Err(1_800)));
    // A wait of an hour becomes at most a minute if the new rate limit refills in a minute.
    limit(Rate::new(60, 60).ok());
    assert_eq!(left(&rack, &secret), Err(1));
    assert_eq!(ask(&rack, &secret, later(1), RateUse::Take), Ok(0));
}

/// A used-up fast rate leaves nothing of a slow one, and changing back and forth gains nothing.
#[test]
fn rate_change_allows_no_extra_request() {
    let mut history = limited(Rate::new(100, 100).unwrap());
    let rack = loaded(history.snapshot());
    let secret = history.secrets[0].clone();
    let mut limit = |rate| {
        history.take(Step::Limit { key: 0, rate: Some(rate) });
        rack.apply(history.since(rack.position())).unwrap();
    };
    (0..100).for_each(|_| assert!(left(&rack, &secret).is_ok()));
    for _ in 0..3 {
        limit(hourly(2));
        assert_eq!(left(&rack, &secret), Err(1_800));
        limit(Rate::new(100, 100).unwrap());
        assert_eq!(left(&rack, &secret), Err(1));
    }
}

#[test]
fn removed_and_restored_rate_keeps_usage() {
    let mut history = limited(hourly(4));
    let rack = loaded(history.snapshot());
    let secret = history.secrets[0].clone();
    let mut limit = |rate| {
        history.take(Step::Limit { key: 0, rate });
        rack.apply(history.since(rack.position())).unwrap();
    };
    (0..4).for_each(|_| assert!(left(&rack, &secret).is_ok()));
    limit(None);
    assert!(asked(&rack, &secret, &question(NOW, RateUse::Take)).unwrap().rate_status().is_none());
    limit(Some(hourly(4)));
    assert_eq!(left(&rack, &secret), Err(900));
    limit(None);
    limit(Some(hourly(2)));
    assert_eq!(left(&rack, &secret), Err(1_800), "another rate is used up as well");
    // Meanwhile the rack is loaded again, and meters that no longer matter are removed.
    limit(None);
    rack.load(history.snapshot());
    rack.forget_before(NOW);
    history.take(Step::Limit { key: 0, rate: Some(hourly(4)) });
    rack.apply(history.since(rack.position())).unwrap();
    assert_eq!(left(&rack, &secret), Err(900));
    // After an hour everything is refilled.
    assert_eq!(ask(&rack, &secret, later(3_600), RateUse::Take), Ok(3));
}

/// A clock that ran ahead is corrected repeatedly: a key waits as long as its rate limit requires, and a
/// used-up key is not allowed earlier.
#[test]
fn clock_set_back_does_not_block_key() {
    const DAY: u64 = 86_400;
    let history = limited(Rate::new(5, 5).unwrap());
    let (rack, secret) = (loaded(history.snapshot()), &history.secrets[0]);
    for (jump, spend) in [(3_600, RateUse::Take), (30, RateUse::Peek), (7, RateUse::Take)] {
        let ahead = |seconds| later(DAY + jump + seconds);
        let back = |seconds| later(DAY + seconds);
        (0..5).for_each(|_| assert!(ask(&rack, secret, ahead(0), RateUse::Take).is_ok()));
        assert_eq!(ask(&rack, secret, back(0), spend), Err(1), "set back by {jump} seconds");
        assert_eq!(ask(&rack, secret, back(0), spend), Err(1));
        assert_eq!(ask(&rack, secret, back(1), RateUse::Take), Ok(0));
        assert!(ask(&rack, secret, back(6), RateUse::Peek).is_ok_and(|left| left == 5));
    }
}

#[test]
fn concurrent_requests_are_allowed_exactly_rate() {
    const REQUESTS: u32 = 1_000;
    let mut history = limited(hourly(REQUESTS));
    history.take(Step::Rotate { key: 0, overlap: 60 });
    let rack = loaded(history.snapshot());
    let (passed, secrets) = (AtomicUsize::new(0), history.secrets.clone());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (rack, passed, secret) = (&rack, &passed, &secrets[thread % 2]);
            scope.spawn(move || {
                let own = (0..REQUESTS).filter(|_| left(rack, secret).is_ok()).count();
                passed.fetch_add(own, Ordering::Relaxed);
            });
        }
        // Meanwhile the key changes and the rack is loaded again.
        for _ in 0..100 {
            history.take(Step::Edit { key: 0, permissions: 31, expires: None });
            rack.apply(history.since(rack.position())).unwrap();
            rack.load(history.snapshot());
        }
    });
    assert_eq!(passed.load(Ordering::Relaxed), REQUESTS as usize);
}
