use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn window(per: Period, now: &str) -> (String, String) {
    let Window { start, end } = per.around(at(now));
    let text = |time: Timestamp| jiff::Timestamp::from_microsecond(time.micros()).unwrap().to_string();
    (text(start), text(end))
}

fn quotas(list: &[(QuotaResource, u32, Period)]) -> Quotas {
    let mut quotas = Quotas::NONE;
    for (of, limit, per) in list {
        quotas.add(Quota::new(*of, *limit, *per).unwrap()).unwrap();
    }
    quotas
}

#[test]
fn windows_are_utc_days_and_months() {
    let between = |begins: &str, ends: &str| (format!("{begins}T00:00:00Z"), format!("{ends}T00:00:00Z"));
    assert_eq!(window(Period::Day, "2026-11-26T22:07:00Z"), between("2026-11-26", "2026-11-27"));
    assert_eq!(window(Period::Day, "2026-12-31T23:59:59.999999Z"), between("2026-12-31", "2027-01-01"));
    assert_eq!(window(Period::Day, "2027-01-01T00:00:00Z"), between("2027-01-01", "2027-01-02"));
    assert_eq!(window(Period::Month, "2026-12-31T23:59:59.999999Z"), between("2026-12-01", "2027-01-01"));
    assert_eq!(window(Period::Month, "2027-02-28T23:59:59.999999Z"), between("2027-02-01", "2027-03-01"));
    assert_eq!(window(Period::Month, "2028-02-29T12:00:00Z"), between("2028-02-01", "2028-03-01"));
    assert_eq!(window(Period::Month, "1969-12-31T00:00:00Z"), between("1969-12-01", "1970-01-01"));
}

#[test]
fn quotas_round_trip_and_invalid_quotas_are_rejected() {
    let two = quotas(&[
        (QuotaResource::Predictions, 1_000, Period::Day),
        (QuotaResource::Images, 5, Period::Month),
    ]);
    let text = serde_json::to_string(&two).unwrap();
    assert_eq!(
        text,
        r#"[{"of":"predictions","limit":1000,"per":"day"},{"of":"images","limit":5,"per":"month"}]"#
    );
    assert_eq!(serde_json::from_str::<Quotas>(&text).unwrap(), two);
    for wrong in [
        r#"[{"of":"predictions","limit":0,"per":"day"}]"#,
        r#"[{"of":"predictions","limit":1000000001,"per":"day"}]"#,
        r#"[{"of":"predictions","limit":1.5,"per":"day"}]"#,
        r#"[{"of":"prediction","limit":1,"per":"day"}]"#,
        r#"[{"of":"predictions","limit":1,"per":"week"}]"#,
        r#"[{"of":"predictions","limit":1,"per":"day","rollover":true}]"#,
        r#"[{"of":"predictions","limit":1,"per":"day"},{"of":"predictions","limit":2,"per":"day"}]"#,
        r#"{"of":"predictions","limit":1,"per":"day"}"#,
    ] {
        assert!(serde_json::from_str::<Quotas>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn daily_and_monthly_quotas_limit_each_other() {
    let predictions = |limit, per| quotas(&[(QuotaResource::Predictions, limit, per)]);
    let (day, month) = (predictions(10, Period::Day), predictions(310, Period::Month));
    assert!(day.is_within(&day) && predictions(9, Period::Day).is_within(&day));
    assert!(!predictions(11, Period::Day).is_within(&day) && !Quotas::NONE.is_within(&day));
    assert!(day.is_within(&month) && !predictions(11, Period::Day).is_within(&month));
    assert!(predictions(10, Period::Month).is_within(&day) && !month.is_within(&day));
    assert!(
        !quotas(&[(QuotaResource::Images, 1, Period::Day)]).is_within(&day),
        "another kind bounds nothing"
    );
    assert!(day.is_within(&Quotas::NONE));
}

#[test]
fn quota_prints_as_phrase() {
    let text = |of, limit, per| Quota::new(of, limit, per).unwrap().to_string();
    assert_eq!(text(QuotaResource::Predictions, 1_000, Period::Day), "1,000 predictions per day");
    assert_eq!(text(QuotaResource::Trainings, 1, Period::Month), "1 training run per month");
    assert_eq!(text(QuotaResource::Images, 2, Period::Month), "2 images per month");
}

proptest! {
    #[test]
    fn windows_match_calendar(micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000) {
        let now = Timestamp::from_micros(micros);
        let utc = jiff::Timestamp::from_microsecond(micros).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let month = utc.first_of_month().unwrap().start_of_day().unwrap();
        let next = month.checked_add(jiff::Span::new().months(1)).unwrap();
        let Window { start, end } = Period::Month.around(now);
        prop_assert_eq!((start.micros(), end.micros()), (
            month.timestamp().as_microsecond(), next.timestamp().as_microsecond()));
        let day = utc.start_of_day().unwrap();
        let Window { start, end } = Period::Day.around(now);
        prop_assert_eq!((start.micros(), end.since(start).as_secs()), (
            day.timestamp().as_microsecond(), 86_400));
    }
}
