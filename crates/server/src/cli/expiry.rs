//! `--expires`: never, after a span, or at a time.

use std::str::FromStr;
use std::time::Duration;

use keyrack_key::Timestamp;

use crate::times::{parse as parse_time, rfc3339, span};

/// When a key ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    Never,
    After(Duration),
    At(Timestamp),
}

impl Expiry {
    /// As the API wants it, for somebody who says it now; nothing for never.
    pub(super) fn at(self, now: Timestamp) -> Option<String> {
        match self {
            Self::Never => None,
            Self::After(span) => Some(rfc3339(now.plus(span))),
            Self::At(time) => Some(rfc3339(time)),
        }
    }
}

impl FromStr for Expiry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let at = || parse_time(text).map(Self::At);
        span(text)
            .map(Self::After)
            .or_else(|_| at())
            .map_err(|_| "expected a span such as 90d or 12h, a time such as 2027-01-31T12:00:00Z, or never")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_span_or_a_time_or_never() {
        let now = Timestamp::from_micros(0);
        let at = |text: &str| text.parse::<Expiry>().map(|expiry| expiry.at(now));
        assert_eq!(at("90d"), Ok(Some("1970-04-01T00:00:00Z".to_owned())));
        assert_eq!(at("2027-01-31T12:00:00+01:00"), Ok(Some("2027-01-31T11:00:00Z".to_owned())));
        assert_eq!(at("never"), Ok(None));
        for wrong in ["", "90", "tomorrow", "2027-01-31"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
