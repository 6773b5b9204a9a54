//! The flag `--expires`.

use std::str::FromStr;
use std::time::Duration;

use keyrack_core::times::{parse as parse_time, rfc3339, span};
use keyrack_key::Timestamp;

/// The value of `--expires`: `never`, a span from now, or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpiryArg {
    Never,
    After(Duration),
    At(Timestamp),
}

impl ExpiryArg {
    /// The time for the API, in RFC 3339. `None` if the key never expires.
    pub(super) fn at(self, now: Timestamp) -> Option<String> {
        match self {
            Self::Never => None,
            Self::After(span) => Some(rfc3339(now.plus(span))),
            Self::At(time) => Some(rfc3339(time)),
        }
    }
}

impl FromStr for ExpiryArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let at = || parse_time(text).map(Self::At);
        span(text)
            .map(Self::After)
            .or_else(|_| at())
            .map_err(|_| "Use a duration such as 90d or 12h, a time such as 2027-01-31T12:00:00Z, or never.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_parses_from_a_span_a_time_or_never() {
        let now = Timestamp::from_micros(0);
        let at = |text: &str| text.parse::<ExpiryArg>().map(|expiry| expiry.at(now));
        assert_eq!(at("90d"), Ok(Some("1970-04-01T00:00:00Z".to_owned())));
        assert_eq!(at("2027-01-31T12:00:00+01:00"), Ok(Some("2027-01-31T11:00:00Z".to_owned())));
        assert_eq!(at("never"), Ok(None));
        for wrong in ["", "90", "tomorrow", "2027-01-31"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
