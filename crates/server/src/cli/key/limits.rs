//! The limits of a key on the command line: what `--rate`, `--visitor-rate` and `--quota` say, as the API wants it.

use std::str::FromStr;

use keyrack_key::{Quota, Quotas, Rate};
use serde_json::{Map, Value, json};

use super::narrow;
use super::rate::Choice;
use crate::cli::failure::Failure;

/// The members of a key's restrictions.
const RATE: &str = "rate";
const VISITOR_RATE: &str = "visitorRate";
const QUOTAS: &str = "quotas";

/// A quota, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuotaChoice {
    Any,
    Limited(Quota),
}

/// Those that were named; the others stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits<'a> {
    pub(super) rate: Option<Choice>,
    pub(super) visitor_rate: Option<Choice>,
    pub(super) quotas: &'a [QuotaChoice],
}

impl Limits<'_> {
    /// Whether any was named.
    pub(super) const fn are_named(self) -> bool {
        self.rate.is_some() || self.visitor_rate.is_some() || !self.quotas.is_empty()
    }

    /// Puts them among the restrictions of a key.
    pub(super) fn put(self, restrictions: &mut Map<String, Value>) -> Result<(), Failure> {
        for (name, rate) in [(RATE, self.rate), (VISITOR_RATE, self.visitor_rate)] {
            match rate {
                Some(Choice::Limited(rate)) => restrictions.insert(name.to_owned(), json!(rate)),
                Some(Choice::Any) => restrictions.remove(name),
                None => None,
            };
        }
        if !self.quotas.is_empty() {
            let quotas = all(self.quotas).map_err(Failure::Wrong)?;
            restrictions.remove(QUOTAS);
            if !quotas.is_empty() {
                restrictions.insert(QUOTAS.to_owned(), json!(quotas));
            }
        }
        Ok(())
    }
}

fn all(choices: &[QuotaChoice]) -> Result<Quotas, String> {
    let mut quotas = Quotas::NONE;
    for choice in choices {
        match choice {
            QuotaChoice::Any if choices.len() > 1 => return Err("--quota none stands alone".to_owned()),
            QuotaChoice::Any => {}
            QuotaChoice::Limited(quota) => {
                quotas.add(*quota).map_err(|twice| format!("--quota: {twice}"))?;
            }
        }
    }
    Ok(quotas)
}

/// A restriction as people read it: what it is about, and what it says. How quotas stand is told beside it.
pub(super) fn lines(what: &str, says: &Value) -> Option<(&'static str, String)> {
    let rate = || serde_json::from_value::<Rate>(says.clone()).ok();
    match what {
        QUOTAS => None,
        RATE => rate().map(|rate| ("at most", rate.to_string())),
        VISITOR_RATE => rate().map(|rate| ("each visitor", rate.to_string())),
        _ => narrow::line(what, says).or_else(|| Some(("restricted to", format!("{what} {says}")))),
    }
}

impl FromStr for QuotaChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Any);
        }
        let expected = "expected what, how many and how long, such as predictions=1000/day, or none";
        let (of, rest) = text.split_once('=').ok_or(expected)?;
        let (limit, per) = rest.split_once('/').ok_or(expected)?;
        let digits = Some(limit).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let limit = digits.filter(|text| !text.is_empty()).ok_or(expected)?;
        let of = of.parse().map_err(|error| format!("{error} before the ="))?;
        let per = per.parse().map_err(|error| format!("{error} behind the /"))?;
        // What fits no number is out of range.
        Quota::new(of, limit.parse().unwrap_or(0), per).map(Self::Limited).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(text: &str) -> QuotaChoice {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_quota_says_what_how_many_and_how_long() {
        let QuotaChoice::Limited(own) = quota("images=500/month") else { panic!("it limits") };
        assert_eq!(own.to_string(), "upload 500 images a month");
        assert_eq!(quota("none"), QuotaChoice::Any);
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
            assert!(wrong.parse::<QuotaChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_named_takes_the_place_of_another_and_the_rest_stays() {
        let mut restrictions =
            json!({ "networks": ["10.0.0.0/8"], "rate": { "requests": 1, "seconds": 1 }, "quotas": [] });
        let own = restrictions.as_object_mut().unwrap();
        let rate = |requests| Some(Choice::Limited(Rate::new(requests, 60).unwrap()));
        let quotas = [quota("predictions=5/day"), quota("trainings=1/month")];
        Limits { rate: rate(5), visitor_rate: rate(2), quotas: &quotas }.put(own).unwrap();
        assert_eq!(own["rate"], json!({ "requests": 5, "seconds": 60 }));
        assert_eq!(own["visitorRate"], json!({ "requests": 2, "seconds": 60 }));
        assert_eq!(own["quotas"][1], json!({ "of": "trainings", "limit": 1, "per": "month" }));
        let before = own.clone();
        Limits { rate: None, visitor_rate: None, quotas: &[] }.put(own).unwrap();
        assert_eq!(*own, before);
        let none = Some(Choice::Any);
        Limits { rate: none, visitor_rate: none, quotas: &[QuotaChoice::Any] }.put(own).unwrap();
        assert_eq!(restrictions, json!({ "networks": ["10.0.0.0/8"] }));
    }

    #[test]
    fn quotas_that_contradict_each_other_are_refused() {
        let both = |first: &str, second: &str| all(&[quota(first), quota(second)]);
        assert!(both("predictions=5/day", "predictions=6/day").is_err());
        assert!(both("predictions=5/day", "none").is_err());
        assert!(both("predictions=5/day", "predictions=6/month").is_ok());
    }
}
