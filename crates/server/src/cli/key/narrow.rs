//! What narrows a key on the command line: `--project`, `--model`, `--network`, `--origin` and `--max-image`, as the API
//! wants it.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use ipnet::IpNet;
use keyrack_key::{ModelId, NetworkError, Origin, ProjectId, parse_network};
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;

/// One of a list, or no list at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named<T> {
    Any,
    One(T),
}

/// A network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network(IpNet);

/// The largest image, or none that is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeChoice {
    Any,
    Limited(NonZeroU32),
}

/// Those that were named; the others stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Narrow<'a> {
    pub(super) projects: &'a [Named<ProjectId>],
    pub(super) models: &'a [Named<ModelId>],
    pub(super) networks: &'a [Named<Network>],
    pub(super) origins: &'a [Named<Origin>],
    pub(super) max_image: Option<SizeChoice>,
}

const MAX_IMAGE: &str = "maxImageBytes";

impl Narrow<'_> {
    /// Whether any was named.
    pub(super) const fn is_named(self) -> bool {
        !(self.projects.is_empty()
            && self.models.is_empty()
            && self.networks.is_empty()
            && self.origins.is_empty()
            && self.max_image.is_none())
    }

    /// Puts them among the restrictions of a key.
    pub(super) fn put(self, restrictions: &mut Map<String, Value>) -> Result<(), Failure> {
        put_list("project", "projects", self.projects, restrictions)?;
        put_list("model", "models", self.models, restrictions)?;
        put_list("network", "networks", self.networks, restrictions)?;
        put_list("origin", "origins", self.origins, restrictions)?;
        match self.max_image {
            Some(SizeChoice::Limited(bytes)) => restrictions.insert(MAX_IMAGE.to_owned(), json!(bytes)),
            Some(SizeChoice::Any) => restrictions.remove(MAX_IMAGE),
            None => None,
        };
        Ok(())
    }
}

fn put_list<T: ToString>(
    option: &str,
    member: &str,
    named: &[Named<T>],
    restrictions: &mut Map<String, Value>,
) -> Result<(), Failure> {
    if named.is_empty() {
        return Ok(());
    }
    let texts = |one: &Named<T>| match one {
        Named::Any => None,
        Named::One(one) => Some(one.to_string()),
    };
    let texts: Vec<_> = named.iter().filter_map(texts).collect();
    match texts.len() {
        0 => restrictions.remove(member),
        all if all == named.len() => restrictions.insert(member.to_owned(), json!(texts)),
        _ => return Err(Failure::Wrong(format!("--{option} any stands alone"))),
    };
    Ok(())
}

/// A restriction as people read it: what it is about, and what it says.
pub(super) fn line(what: &str, says: &Value) -> Option<(&'static str, String)> {
    let label = match what {
        "projects" => "only projects",
        "models" => "only models",
        "networks" => "only from",
        "origins" => "only on",
        MAX_IMAGE => return Some(("largest image", format!("{} bytes", says.as_u64()?))),
        _ => return None,
    };
    let texts: Vec<_> = says.as_array()?.iter().filter_map(Value::as_str).collect();
    let says = if texts.is_empty() { "none: it opens nothing".to_owned() } else { texts.join(", ") };
    Some((label, says))
}

impl<T: FromStr<Err: fmt::Display>> FromStr for Named<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "any" {
            return Ok(Self::Any);
        }
        text.parse().map(Self::One).map_err(|error: T::Err| format!("{error}; or any"))
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        parse_network(text).map(Self)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SizeChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self::Any);
        }
        let expected = "expected a whole number and a unit, such as 2MB, 500kB or 500000B, or none";
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit: u32 = match unit.to_ascii_lowercase().as_str() {
            "b" => 1,
            "kb" => 1_000,
            "mb" => 1_000_000,
            _ => return Err(expected),
        };
        let bytes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
        bytes.and_then(NonZeroU32::new).map(Self::Limited).ok_or(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Named<Network>> {
        texts.iter().map(|text| text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
    }

    const NOTHING: Narrow<'_> =
        Narrow { projects: &[], models: &[], networks: &[], origins: &[], max_image: None };

    #[test]
    fn what_is_named_takes_the_place_of_another_and_the_rest_stays() {
        let mut own =
            json!({ "networks": ["10.0.0.0/8"], "origins": ["https://a.example"], "maxImageBytes": 5 });
        let own = own.as_object_mut().unwrap();
        let (named, size) = (networks(&["203.0.113.7", "2001:db8::/32"]), "2MB".parse().ok());
        Narrow { networks: &named, max_image: size, ..NOTHING }.put(own).unwrap();
        assert_eq!(own["networks"], json!(["203.0.113.7/32", "2001:db8::/32"]));
        assert_eq!(
            (&own["maxImageBytes"], &own["origins"][0]),
            (&json!(2_000_000), &json!("https://a.example"))
        );
        let any = networks(&["any"]);
        Narrow { networks: &any, max_image: Some(SizeChoice::Any), ..NOTHING }.put(own).unwrap();
        assert_eq!(json!(own), json!({ "origins": ["https://a.example"] }));
        assert!(!NOTHING.is_named() && Narrow { networks: &any, ..NOTHING }.is_named());
        let both = networks(&["any", "10.0.0.0/8"]);
        assert!(Narrow { networks: &both, ..NOTHING }.put(own).is_err());
    }

    #[test]
    fn a_wrong_network_is_answered_with_the_one_that_was_meant() {
        let error = "10.4.0.17/16".parse::<Named<Network>>().unwrap_err();
        assert!(error.contains("10.4.0.0/16"), "{error}");
        assert!("mdl_1".parse::<Named<ModelId>>().is_err());
    }

    #[test]
    fn a_size_is_a_number_and_a_unit_or_none() {
        let limited = |bytes| Ok(SizeChoice::Limited(NonZeroU32::new(bytes).unwrap()));
        assert_eq!("2MB".parse(), limited(2_000_000));
        assert_eq!("500kB".parse(), limited(500_000));
        assert_eq!("1b".parse(), limited(1));
        assert_eq!("none".parse(), Ok(SizeChoice::Any));
        for wrong in
            ["", "2", "MB", "0MB", "-1MB", "+1MB", "1.5MB", "2 MB", "2MiB", "5000MB", "99999999999kB"]
        {
            assert!(wrong.parse::<SizeChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_of_nothing_is_told_as_one_that_opens_nothing() {
        assert_eq!(line("models", &json!([])), Some(("only models", "none: it opens nothing".to_owned())));
        assert_eq!(line("networks", &json!(["a", "b"])), Some(("only from", "a, b".to_owned())));
        assert_eq!(line("weekdays", &json!(["mon"])), None);
    }
}
