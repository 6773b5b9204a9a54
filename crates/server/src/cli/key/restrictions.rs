//! The flags for the restrictions of a key: `--project`, `--model`, `--network`, `--origin`, and `--max-image-size`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use clap::Args;
use ipnet::IpNet;
use keyrack_key::{ModelId, NetworkError, Origin, ProjectId, parse_network};
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;

/// The restrictions to set. A restriction without a flag stays as it is.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct RestrictionArgs {
    /// ID of a project to restrict the key to (repeat for several), or any
    #[arg(long = "project", value_name = "ID")]
    projects: Vec<ListArg<ProjectId>>,
    /// ID of a model to restrict the key to (repeat for several), or any
    #[arg(long = "model", value_name = "ID")]
    models: Vec<ListArg<ModelId>>,
    /// IP address or network to allow requests from, such as 10.4.0.0/16 or 203.0.113.7 (repeat for several), or any
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<ListArg<NetworkArg>>,
    /// Web origin to allow requests from, such as https://app.example.org (repeat for several), or any
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<ListArg<Origin>>,
    /// Largest image that the key may send for a prediction, such as 2MB or 500kB, or none
    #[arg(long, value_name = "SIZE")]
    max_image_size: Option<ImageSizeArg>,
}

/// One value of a list flag: an item, or `any` for no restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListArg<T> {
    Any,
    Item(T),
}

/// The value of `--network`: a network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NetworkArg(IpNet);

/// The value of `--max-image-size`: a size in bytes, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageSizeArg {
    None,
    Limit(NonZeroU32),
}

const MAX_IMAGE: &str = "maxImageBytes";

impl RestrictionArgs {
    /// Whether any restriction was given.
    pub(super) const fn is_given(&self) -> bool {
        !(self.projects.is_empty()
            && self.models.is_empty()
            && self.networks.is_empty()
            && self.origins.is_empty()
            && self.max_image_size.is_none())
    }

    /// Writes the given restrictions into the `restrictions` of a key, in the form of the API.
    pub(super) fn apply_to(&self, restrictions: &mut Map<String, Value>) -> Result<(), CliError> {
        apply_list("project", "projects", &self.projects, restrictions)?;
        apply_list("model", "models", &self.models, restrictions)?;
        apply_list("network", "networks", &self.networks, restrictions)?;
        apply_list("origin", "origins", &self.origins, restrictions)?;
        match self.max_image_size {
            Some(ImageSizeArg::Limit(bytes)) => restrictions.insert(MAX_IMAGE.to_owned(), json!(bytes)),
            Some(ImageSizeArg::None) => restrictions.remove(MAX_IMAGE),
            None => None,
        };
        Ok(())
    }
}

fn apply_list<T: ToString>(
    flag: &str,
    member: &str,
    values: &[ListArg<T>],
    restrictions: &mut Map<String, Value>,
) -> Result<(), CliError> {
    if values.is_empty() {
        return Ok(());
    }
    let item = |value: &ListArg<T>| match value {
        ListArg::Any => None,
        ListArg::Item(item) => Some(item.to_string()),
    };
    let items: Vec<_> = values.iter().filter_map(item).collect();
    match items.len() {
        0 => restrictions.remove(member),
        all if all == values.len() => restrictions.insert(member.to_owned(), json!(items)),
        _ => return Err(CliError::InvalidUse(format!("Don't combine --{flag} any with other values."))),
    };
    Ok(())
}

/// The label and the text of one restriction. `None` if this version does not know the restriction.
pub(super) fn line(name: &str, value: &Value) -> Option<(&'static str, String)> {
    let label = match name {
        "projects" => "projects",
        "models" => "models",
        "networks" => "allowed IPs",
        "origins" => "allowed origins",
        MAX_IMAGE => return Some(("largest image", format!("{} bytes", value.as_u64()?))),
        _ => return None,
    };
    let items: Vec<_> = value.as_array()?.iter().filter_map(Value::as_str).collect();
    let text = if items.is_empty() { "none (empty list)".to_owned() } else { items.join(", ") };
    Some((label, text))
}

impl<T: FromStr<Err: fmt::Display>> FromStr for ListArg<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "any" {
            return Ok(Self::Any);
        }
        text.parse()
            .map(Self::Item)
            .map_err(|error: T::Err| format!("{error} Or use any for no restriction."))
    }
}

impl FromStr for NetworkArg {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        parse_network(text).map(Self)
    }
}

impl fmt::Display for NetworkArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ImageSizeArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self::None);
        }
        let expected = "Use a whole number and a unit, such as 2MB, 500kB, or 500000B, or none.";
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit: u32 = match unit.to_ascii_lowercase().as_str() {
            "b" => 1,
            "kb" => 1_000,
            "mb" => 1_000_000,
            _ => return Err(expected),
        };
        let bytes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
        bytes.and_then(NonZeroU32::new).map(Self::Limit).ok_or(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<ListArg<NetworkArg>> {
        texts.iter().map(|text| text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
    }

    fn args(networks: Vec<ListArg<NetworkArg>>, max_image_size: Option<ImageSizeArg>) -> RestrictionArgs {
        RestrictionArgs { networks, max_image_size, ..RestrictionArgs::default() }
    }

    #[test]
    fn flags_replace_given_restrictions_and_keep_others() {
        let mut own =
            json!({ "networks": ["10.0.0.0/8"], "origins": ["https://a.example"], "maxImageBytes": 5 });
        let own = own.as_object_mut().unwrap();
        let both = networks(&["203.0.113.7", "2001:db8::/32"]);
        args(both, "2MB".parse().ok()).apply_to(own).unwrap();
        assert_eq!(own["networks"], json!(["203.0.113.7/32", "2001:db8::/32"]));
        assert_eq!(
            (&own["maxImageBytes"], &own["origins"][0]),
            (&json!(2_000_000), &json!("https://a.example"))
        );
        let any = networks(&["any"]);
        args(any.clone(), Some(ImageSizeArg::None)).apply_to(own).unwrap();
        assert_eq!(json!(own), json!({ "origins": ["https://a.example"] }));
        assert!(!RestrictionArgs::default().is_given() && args(any, None).is_given());
        let both = networks(&["any", "10.0.0.0/8"]);
        assert!(args(both, None).apply_to(own).is_err());
    }

    #[test]
    fn network_with_host_bits_is_rejected_with_a_suggestion() {
        let error = "10.4.0.17/16".parse::<ListArg<NetworkArg>>().unwrap_err();
        assert!(error.contains("10.4.0.0/16"), "{error}");
        assert!("mdl_1".parse::<ListArg<ModelId>>().is_err());
    }

    #[test]
    fn image_size_parses_from_number_and_unit_or_none() {
        let limited = |bytes| Ok(ImageSizeArg::Limit(NonZeroU32::new(bytes).unwrap()));
        assert_eq!("2MB".parse(), limited(2_000_000));
        assert_eq!("500kB".parse(), limited(500_000));
        assert_eq!("1b".parse(), limited(1));
        assert_eq!("none".parse(), Ok(ImageSizeArg::None));
        for wrong in
            ["", "2", "MB", "0MB", "-1MB", "+1MB", "1.5MB", "2 MB", "2MiB", "5000MB", "99999999999kB"]
        {
            assert!(wrong.parse::<ImageSizeArg>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn empty_list_is_described_as_opening_nothing() {
        assert_eq!(line("models", &json!([])), Some(("models", "none (empty list)".to_owned())));
        assert_eq!(line("networks", &json!(["a", "b"])), Some(("allowed IPs", "a, b".to_owned())));
        assert_eq!(line("weekdays", &json!(["mon"])), None);
    }
}
