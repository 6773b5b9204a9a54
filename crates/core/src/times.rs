//! Parses and formats times of the API: RFC 3339, in UTC.

use keyrack_key::Timestamp;

/// Formats a time, such as `2026-11-22T21:08:26.123456Z`.
pub fn rfc3339(time: Timestamp) -> String {
    // RFC 3339 can represent every valid time in the store. Invalid times become the epoch.
    jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// Parses a time with an offset. Times from 9999-12-30T22:00:00Z on are errors.
pub fn parse(text: &str) -> Result<Timestamp, &'static str> {
    text.parse::<jiff::Timestamp>().map(|time| Timestamp::from_micros(time.as_microsecond())).map_err(|_| {
        if is_end_of_calendar(text) {
            "Use a time before 9999-12-30, or leave it out."
        } else {
            "Enter a time such as 2027-01-31T12:00:00Z."
        }
    })
}

/// Returns whether a text is a time in the last two days that RFC 3339 can represent. Many programs write such a
/// time for "never".
fn is_end_of_calendar(text: &str) -> bool {
    let day = jiff::fmt::temporal::Pieces::parse(text).map(|pieces| pieces.date());
    day.is_ok_and(|day| day >= jiff::civil::date(9999, 12, 30))
}

/// Parses a duration such as `0s`, `10m`, `24h` or `90d`.
pub fn span(text: &str) -> Result<std::time::Duration, &'static str> {
    const EXPECTED: &str = "Enter a number and s, m, h, or d, such as 24h.";
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(EXPECTED),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or(EXPECTED)?;
    Ok(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_round_trips_through_text() {
        let time = Timestamp::from_micros(1_795_381_706_123_456);
        assert_eq!(rfc3339(time), "2026-11-22T21:08:26.123456Z");
        assert_eq!(parse(&rfc3339(time)), Ok(time));
        assert!(parse("2026-11-22T21:08:26").is_err(), "a time needs an offset");
        assert!(parse("tomorrow").is_err());
    }

    #[test]
    fn time_at_the_calendar_end_is_rejected() {
        for late in ["9999-12-31T23:59:59Z", "9999-12-31T00:00:00+00:00", "9999-12-30T23:59:59.999Z"] {
            assert!(parse(late).unwrap_err().contains("before 9999-12-30"), "{late}");
        }
        assert_eq!(rfc3339(parse("9999-12-29T23:59:59Z").unwrap()), "9999-12-29T23:59:59Z");
        assert!(parse("99999-01-01T00:00:00Z").unwrap_err().contains("Enter a time"));
    }

    #[test]
    fn span_needs_number_and_unit() {
        assert_eq!(span("24h"), Ok(std::time::Duration::from_hours(24)));
        assert_eq!(span("0s"), Ok(std::time::Duration::ZERO));
        for wrong in ["", "h", "24", "-1h", "1.5h", "24 h", "99999999999999999999d", "1é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
