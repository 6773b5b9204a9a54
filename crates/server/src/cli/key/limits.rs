//! The flags for the limits of a key: `--rate-limit`, `--visitor-rate-limit`, and `--quota`.

use std::str::FromStr;

use clap::Args;
use keyrack_key::{Quota, Quotas, Rate};
use serde_json::{Map, Value, json};

use super::rate::RateArg;
use super::restrictions;
use crate::cli::error::CliError;

/// The names of the limits among the restrictions of a key, as in the API.
const RATE: &str = "rate";
const VISITOR_RATE: &str = "visitorRate";
const QUOTAS: &str = "quotas";

/// The limits to set. A limit without a flag stays as it is.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct LimitArgs {
    /// Rate limit, such as 100/60s or 5/1h, or none
    #[arg(long, value_name = "RATE")]
    rate_limit: Option<RateArg>,
    /// Rate limit for each visitor, for keys on public pages, such as 10/60s, or none
    #[arg(long, value_name = "RATE")]
    visitor_rate_limit: Option<RateArg>,
    /// Quota per day or month (UTC), such as predictions=1000/day, images=500/month, or trainings=2/day (repeat for several), or none
    #[arg(long, value_name = "QUOTA")]
    quota: Vec<QuotaArg>,
}

/// The value of `--quota`: a quota, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuotaArg {
    None,
    Limit(Quota),
}

impl LimitArgs {
    /// Whether any limit was given.
    pub(super) const fn is_given(&self) -> bool {
        self.rate_limit.is_some() || self.visitor_rate_limit.is_some() || !self.quota.is_empty()
    }

    /// Writes the given limits into the `restrictions` of a key, in the form of the API.
    pub(super) fn apply_to(&self, restrictions: &mut Map<String, Value>) -> Result<(), CliError> {
        for (name, rate) in [(RATE, self.rate_limit), (VISITOR_RATE, self.visitor_rate_limit)] {
            match rate {
                Some(RateArg::Limit(rate)) => restrictions.insert(name.to_owned(), json!(rate)),
                Some(RateArg::None) => restrictions.remove(name),
                None => None,
            };
        }
        if !self.quota.is_empty() {
            let quotas = combined(&self.quota).map_err(CliError::InvalidUse)?;
            restrictions.remove(QUOTAS);
            if !quotas.is_empty() {
                restrictions.insert(QUOTAS.to_owned(), json!(quotas));
            }
        }
        Ok(())
    }
}

fn combined(quotas: &[QuotaArg]) -> Result<Quotas, String> {
    let mut all = Quotas::NONE;
    for quota in quotas {
        match quota {
            QuotaArg::None if quotas.len() > 1 => {
                return Err("Don't combine --quota none with other quotas.".to_owned());
            }
            QuotaArg::None => {}
            QuotaArg::Limit(quota) => {
                all.add(*quota).map_err(|twice| format!("--quota: {twice}"))?;
            }
        }
    }
    Ok(all)
}

/// The label and the text of one restriction. `None` for quotas, which are printed with their usage.
pub(super) fn line(name: &str, value: &Value) -> Option<(&'static str, String)> {
    let rate = || serde_json::from_value::<Rate>(value.clone()).ok();
    match name {
        QUOTAS => None,
        RATE => rate().map(|rate| ("rate limit", rate.to_string())),
        VISITOR_RATE => rate().map(|rate| ("per visitor", rate.to_string())),
        _ => restrictions::line(name, value).or_else(|| Some(("restricted to", format!("{name} {value}")))),
    }
}

impl FromStr for QuotaArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let expected = "Use a resource, a limit, and a period, such as predictions=1000/day, or none.";
        let (of, rest) = text.split_once('=').ok_or(expected)?;
        let (limit, per) = rest.split_once('/').ok_or(expected)?;
        let digits = Some(limit).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let limit = digits.filter(|text| !text.is_empty()).ok_or(expected)?;
        let of = of.parse().map_err(|error| format!("Before the =: {error}"))?;
        let per = per.parse().map_err(|error| format!("After the /: {error}"))?;
        // Zero is out of range, and so is a number that does not fit into the type.
        Quota::new(of, limit.parse().unwrap_or(0), per).map(Self::Limit).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(text: &str) -> QuotaArg {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn quota_parses_from_subject_limit_and_period_or_none() {
        let QuotaArg::Limit(own) = quota("images=500/month") else { panic!("it limits") };
        assert_eq!(own.to_string(), "500 images per month");
        assert_eq!(quota("none"), QuotaArg::None);
        for wrong in [
            "",
            "predictions",
            "predictions=",
            "predictions=5",
            "predictions=/day",
            "predictions=0/day",
            "predictions=-1/day",
            "predictions=+1/day",
            "predictions=1.5/day",
            "predictions=1000000001/day",
            "predictions=99999999999/day",
            "predictions=5/week",
            "guesses=5/day",
        ] {
            assert!(wrong.parse::<QuotaArg>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_replace_given_limits_and_keep_others() {
        let mut restrictions =
            json!({ "networks": ["10.0.0.0/8"], "rate": { "requests": 1, "seconds": 1 }, "quotas": [] });
        let own = restrictions.as_object_mut().unwrap();
        let rate = |requests| Some(RateArg::Limit(Rate::new(requests, 60).unwrap()));
        let limits =
            |rate_limit, visitor_rate_limit, quota| LimitArgs { rate_limit, visitor_rate_limit, quota };
        let quotas = vec![quota("predictions=5/day"), quota("trainings=1/month")];
        limits(rate(5), rate(2), quotas).apply_to(own).unwrap();
        assert_eq!(own["rate"], json!({ "requests": 5, "seconds": 60 }));
        assert_eq!(own["visitorRate"], json!({ "requests": 2, "seconds": 60 }));
        assert_eq!(own["quotas"][1], json!({ "of": "trainings", "limit": 1, "per": "month" }));
        let before = own.clone();
        assert!(!LimitArgs::default().is_given());
        LimitArgs::default().apply_to(own).unwrap();
        assert_eq!(*own, before);
        let none = Some(RateArg::None);
        limits(none, none, vec![QuotaArg::None]).apply_to(own).unwrap();
        assert_eq!(restrictions, json!({ "networks": ["10.0.0.0/8"] }));
    }

    #[test]
    fn contradicting_quotas_are_rejected() {
        let both = |first: &str, second: &str| combined(&[quota(first), quota(second)]);
        assert!(both("predictions=5/day", "predictions=6/day").is_err());
        assert!(both("predictions=5/day", "none").is_err());
        assert!(both("predictions=5/day", "predictions=6/month").is_ok());
    }
}
