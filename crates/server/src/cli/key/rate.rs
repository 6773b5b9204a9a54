//! The flags `--rate-limit` and `--visitor-rate-limit`.

use std::str::FromStr;

use keyrack_core::times::span;
use keyrack_key::{Rate, RateError};

/// The value of a rate limit flag: a number of requests per span, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RateArg {
    None,
    Limit(Rate),
}

impl FromStr for RateArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let expected = "Use a number of requests and a duration, such as 100/60s or 5/1h, or none.";
        let (requests, every) = text.split_once('/').ok_or(expected)?;
        let digits = Some(requests).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let requests = digits.and_then(|text| text.parse().ok()).ok_or(expected)?;
        let seconds = span(every).map_err(|_| expected)?.as_secs();
        let rate = Rate::new(requests, u32::try_from(seconds).unwrap_or(u32::MAX));
        rate.map(Self::Limit).map_err(|error| match error {
            RateError::Requests => format!("Requests: {error}"),
            RateError::Seconds => "Use a duration from 1s to 24h.".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_parses_from_requests_per_span_or_none() {
        let rate = |requests, seconds| Ok(RateArg::Limit(Rate::new(requests, seconds).unwrap()));
        assert_eq!("100/60s".parse(), rate(100, 60));
        assert_eq!("5/1h".parse(), rate(5, 3_600));
        assert_eq!("1000000/1d".parse(), rate(1_000_000, 86_400));
        assert_eq!("none".parse(), Ok(RateArg::None));
        for wrong in [
            "",
            "100",
            "/60s",
            "100/",
            "100/60",
            "0/60s",
            "-1/60s",
            "+1/60s",
            "1.5/60s",
            "1/0s",
            "1/2d",
            "1000001/1s",
        ] {
            assert!(wrong.parse::<RateArg>().is_err(), "{wrong}");
        }
    }
}
