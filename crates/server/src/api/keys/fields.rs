//! The fields of a key that clients send, read into what they mean.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;

use keyrack_core::Invalid;
use keyrack_key::{Only, Rate, Restrictions, Scope, Scopes, parse_network};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::quota_body::QuotaFields;
use crate::api::body::{object_if_any, objects_if_any};

/// What narrows a key. A list that is left out or null narrows nothing; an empty list opens nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = KeyRestrictions)]
pub struct RestrictionsFields {
    /// The only projects that it opens, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<crate::api::schema::ProjectId>>, max_items = 100, example = json!(["prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"]))]
    projects: Option<Vec<String>>,
    /// The only models that it opens, by id, of the projects that it opens: for predictions, for their cards, and for all else
    /// that is done with a model. Such a key trains no model and deletes no project. When the last of them is deleted, the key
    /// opens none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<crate::api::schema::ModelId>>, max_items = 100, example = json!(["mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"]))]
    models: Option<Vec<String>>,
    /// The only networks that it works from (CIDR). A single address is a network of its own: `203.0.113.7` becomes
    /// `203.0.113.7/32`. An address inside a network, such as `10.4.0.17/16`, is refused with the network that it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100, example = json!(["10.4.0.0/16", "2001:db8::/32", "203.0.113.7"]))]
    networks: Option<Vec<String>>,
    /// The only web origins that it works from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100, example = json!(["https://app.example.org", "https://*.example.org"]))]
    origins: Option<Vec<String>>,
    /// The largest image that it may send to be predicted, in bytes, up to what the server takes (10,000,000 unless
    /// configured); left out or null: as large as that. A larger one is answered 413 with `image_too_large_for_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, example = 2_000_000)]
    max_image_bytes: Option<Number>,
    /// How often it may be used; left out or null: as often as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object_if_any")]
    rate: Option<RateFields>,
    /// How often each visitor may use it: an address of IPv4, or a network of IPv6 with 64 bits. For keys that are public, so
    /// that one visitor cannot use up everybody's. Asked before the key's own rate, of which a visitor who is refused takes
    /// nothing. Without a proxy that `--trusted-proxy` names, all who come through one are one visitor.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object_if_any")]
    visitor_rate: Option<RateFields>,
    /// How much it may do in a day or a month; left out, null or empty: as much as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "objects_if_any")]
    quotas: Option<Vec<QuotaFields>>,
}

/// At most `requests` at once; they come back evenly, all of them within `seconds`. What is beyond that is answered 429 with
/// `Retry-After`, and what it was let through for is answered with what is left, in `RateLimit`. Counted on each node, for
/// the key and not for each of its secrets; a server that starts anew begins with all of them. A key hands on no rate that is
/// higher than its own, and each key is counted on its own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RateLimit)]
pub struct RateFields {
    /// How many, from 1 to 1,000,000.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000, example = 100)]
    requests: Number,
    /// In which time, in seconds: from 1 to 86,400, a day.
    #[schema(value_type = u32, minimum = 1, maximum = 86_400, example = 60)]
    seconds: Number,
}

/// The fields of a rate: its requests and its seconds.
const OF_KEY: [&str; 2] = ["restrictions.rate.requests", "restrictions.rate.seconds"];
const OF_VISITOR: [&str; 2] = ["restrictions.visitorRate.requests", "restrictions.visitorRate.seconds"];

/// The longest list.
const MOST: usize = 100;

impl RestrictionsFields {
    pub fn of(restrictions: Option<&Restrictions>) -> Self {
        let Some(restrictions) = restrictions else {
            return Self::default();
        };
        Self {
            projects: texts(&restrictions.projects),
            models: texts(&restrictions.models),
            networks: texts(&restrictions.networks),
            origins: texts(&restrictions.origins),
            max_image_bytes: restrictions.max_image_bytes.map(|bytes| bytes.get().into()),
            rate: restrictions.rate.map(RateFields::of),
            visitor_rate: restrictions.visitor_rate.map(RateFields::of),
            quotas: QuotaFields::of(&restrictions.quotas),
        }
    }

    pub fn parse(self, invalid: &mut Invalid) -> Restrictions {
        Restrictions {
            projects: only("restrictions.projects", self.projects, id_of("project"), invalid),
            models: only("restrictions.models", self.models, id_of("model"), invalid),
            networks: only("restrictions.networks", self.networks, parse_network, invalid),
            origins: only("restrictions.origins", self.origins, str::parse, invalid),
            max_image_bytes: self
                .max_image_bytes
                .and_then(|bytes| invalid.take("restrictions.maxImageBytes", size(&bytes))),
            rate: self.rate.and_then(|fields| fields.parse(OF_KEY, invalid)),
            visitor_rate: self.visitor_rate.and_then(|fields| fields.parse(OF_VISITOR, invalid)),
            quotas: QuotaFields::parse_all(self.quotas.unwrap_or_default(), invalid),
        }
    }
}

impl RateFields {
    fn of(rate: Rate) -> Self {
        Self { requests: rate.requests().into(), seconds: rate.seconds().into() }
    }

    fn parse(self, [of_requests, of_seconds]: [&'static str; 2], invalid: &mut Invalid) -> Option<Rate> {
        // What fits no number is out of every range.
        let whole =
            |number: Number| number.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        let (requests, seconds) = (whole(self.requests), whole(self.seconds));
        // Each field has its say, whatever the other one holds.
        invalid.take(of_requests, Rate::new(requests, 1));
        invalid.take(of_seconds, Rate::new(1, seconds));
        Rate::new(requests, seconds).ok()
    }
}

fn texts<T: Ord + ToString>(only: &Only<T>) -> Option<Vec<String>> {
    match only {
        Only::Any => None,
        Only::These(these) => Some(these.iter().map(T::to_string).collect()),
    }
}

fn only<T: Ord, E: Display>(
    field: &'static str,
    texts: Option<Vec<String>>,
    parse: impl Fn(&str) -> Result<T, E>,
    invalid: &mut Invalid,
) -> Only<T> {
    let Some(texts) = texts else { return Only::Any };
    let these = if texts.len() > MOST { Err(format!("at most {MOST}")) } else { each(&texts, parse) };
    invalid.take(field, these).map_or(Only::Any, Only::These)
}

/// All of them, or what is wrong with the first that is wrong.
fn each<T: Ord, E: Display>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<BTreeSet<T>, String> {
    let parse = |(place, text): (usize, &String)| {
        parse(text).map_err(|expected| format!("{expected} (number {})", place + 1))
    };
    texts.iter().enumerate().map(parse).collect()
}

fn id_of<T: FromStr>(what: &str) -> impl Fn(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| format!("expected the id of a {what}"))
}

/// A size of an image; how much the server takes is known where it is kept.
fn size(bytes: &Number) -> Result<NonZeroU32, &'static str> {
    let bytes = bytes.as_u64().and_then(|bytes| u32::try_from(bytes).ok()).and_then(NonZeroU32::new);
    bytes.ok_or("expected a whole number of bytes, 1 or more, and no more than this server takes")
}

/// Scopes by their names.
pub fn parse_scopes(names: &[String], invalid: &mut Invalid) -> Scopes {
    let scopes: Result<Scopes, _> = names.iter().map(|name| name.parse::<Scope>()).collect();
    invalid.take("scopes", scopes).unwrap_or_default()
}
