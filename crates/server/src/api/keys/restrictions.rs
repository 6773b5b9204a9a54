//! Scopes and restrictions of a key as JSON, and their conversion from and to the types of `keyrack_key`.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;

use keyrack_core::Invalid;
use keyrack_key::{Allowlist, Rate, Restrictions, Scope, Scopes, parse_network};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::quota_body::QuotaBody;
use crate::api::body::{object_if_any, objects_if_any};

/// Restrictions of a key. A list that is missing or null doesn't restrict the key. An empty list allows nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRestrictions {
    /// The IDs of the projects that the key can access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<crate::api::schema::ProjectId>>, max_items = 100, example = json!(["prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"]))]
    projects: Option<Vec<String>>,
    /// The IDs of the models that the key can access, within its projects. Such a key can't train models or delete projects.
    /// When the last of the models is deleted, the key can't access any model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<crate::api::schema::ModelId>>, max_items = 100, example = json!(["mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"]))]
    models: Option<Vec<String>>,
    /// The networks (CIDR) that may use the key. A single address `203.0.113.7` becomes `203.0.113.7/32`. Addresses with bits
    /// beyond the prefix, such as `10.4.0.17/16`, are invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100, example = json!(["10.4.0.0/16", "2001:db8::/32", "203.0.113.7"]))]
    networks: Option<Vec<String>>,
    /// The web origins that may use the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100, example = json!(["https://app.example.org", "https://*.example.org"]))]
    origins: Option<Vec<String>>,
    /// The maximum size of an image for a prediction, in bytes. The default is the server's maximum (10,000,000 unless
    /// configured). The server responds to larger images with 413 and `image_too_large_for_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, example = 2_000_000)]
    max_image_bytes: Option<Number>,
    /// The rate limit of the key. Missing or null means no limit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object_if_any")]
    rate: Option<RateLimit>,
    /// The rate limit of each visitor, so that one visitor of a public key can't use up the rate limit of the key. A visitor is
    /// an IPv4 address or an IPv6 network of 64 bits. The server checks this limit first, and a visitor who exceeds it uses
    /// nothing of the key's rate limit. All visitors behind a proxy count as one, unless `--trusted-proxy` names the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object_if_any")]
    visitor_rate: Option<RateLimit>,
    /// The quotas of the key, for a day or a month. Missing, null, or empty means no quota.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "objects_if_any")]
    quotas: Option<Vec<QuotaBody>>,
}

/// A rate limit (token bucket). It allows a burst of `requests`, and refills evenly within `seconds`. The server responds
/// to further requests with 429 and `Retry-After`, and to allowed requests with the remaining number in `RateLimit`.
/// All secrets of a key share the limit. Each node counts on its own, and a restart resets the counts. A key can't
/// grant a higher rate limit than its own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The number of requests.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000, example = 100)]
    requests: Number,
    /// The time in which the limit refills, in seconds. The maximum is one day.
    #[schema(value_type = u32, minimum = 1, maximum = 86_400, example = 60)]
    seconds: Number,
}

/// The paths of the fields of a rate limit, for errors.
const RATE_FIELDS: [&str; 2] = ["restrictions.rate.requests", "restrictions.rate.seconds"];
const VISITOR_RATE_FIELDS: [&str; 2] =
    ["restrictions.visitorRate.requests", "restrictions.visitorRate.seconds"];

/// The maximum length of each list.
const ITEMS_MAX: usize = 100;

impl KeyRestrictions {
    /// Returns an object without members if the key has no restrictions.
    pub fn new(restrictions: Option<&Restrictions>) -> Self {
        let Some(restrictions) = restrictions else {
            return Self::default();
        };
        Self {
            projects: texts(&restrictions.projects),
            models: texts(&restrictions.models),
            networks: texts(&restrictions.networks),
            origins: texts(&restrictions.origins),
            max_image_bytes: restrictions.max_image_bytes.map(|bytes| bytes.get().into()),
            rate: restrictions.rate.map(RateLimit::new),
            visitor_rate: restrictions.visitor_rate.map(RateLimit::new),
            quotas: QuotaBody::list(&restrictions.quotas),
        }
    }

    /// Adds all invalid fields to `invalid`. The result is only meaningful if there are none.
    pub fn parse(self, invalid: &mut Invalid) -> Restrictions {
        Restrictions {
            projects: only("restrictions.projects", self.projects, id_of("project"), invalid),
            models: only("restrictions.models", self.models, id_of("model"), invalid),
            networks: only("restrictions.networks", self.networks, parse_network, invalid),
            origins: only("restrictions.origins", self.origins, str::parse, invalid),
            max_image_bytes: self
                .max_image_bytes
                .and_then(|bytes| invalid.take("restrictions.maxImageBytes", size(&bytes))),
            rate: self.rate.and_then(|limit| limit.parse(RATE_FIELDS, invalid)),
            visitor_rate: self.visitor_rate.and_then(|limit| limit.parse(VISITOR_RATE_FIELDS, invalid)),
            quotas: QuotaBody::parse_all(self.quotas.unwrap_or_default(), invalid),
        }
    }
}

impl RateLimit {
    fn new(rate: Rate) -> Self {
        Self { requests: rate.requests().into(), seconds: rate.seconds().into() }
    }

    fn parse(
        self,
        [requests_field, seconds_field]: [&'static str; 2],
        invalid: &mut Invalid,
    ) -> Option<Rate> {
        // 0 is out of both ranges, so numbers that don't fit become 0.
        let whole =
            |number: Number| number.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        let (requests, seconds) = (whole(self.requests), whole(self.seconds));
        // Each field is checked alone, so that both errors are reported.
        invalid.take(requests_field, Rate::new(requests, 1));
        invalid.take(seconds_field, Rate::new(1, seconds));
        Rate::new(requests, seconds).ok()
    }
}

fn texts<T: Ord + ToString>(only: &Allowlist<T>) -> Option<Vec<String>> {
    match only {
        Allowlist::Any => None,
        Allowlist::Only(these) => Some(these.iter().map(T::to_string).collect()),
    }
}

fn only<T: Ord, E: Display>(
    field: &'static str,
    texts: Option<Vec<String>>,
    parse: impl Fn(&str) -> Result<T, E>,
    invalid: &mut Invalid,
) -> Allowlist<T> {
    let Some(texts) = texts else { return Allowlist::Any };
    let these = if texts.len() > ITEMS_MAX {
        Err(format!("Use {ITEMS_MAX} items or fewer."))
    } else {
        parse_each(&texts, parse)
    };
    invalid.take(field, these).map_or(Allowlist::Any, Allowlist::Only)
}

/// Parses all texts. Errors with the first invalid text.
fn parse_each<T: Ord, E: Display>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<BTreeSet<T>, String> {
    let parse = |(place, text): (usize, &String)| {
        parse(text).map_err(|expected| format!("Item {}: {expected}", place + 1))
    };
    texts.iter().enumerate().map(parse).collect()
}

fn id_of<T: FromStr>(kind: &str) -> impl Fn(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| format!("Use the ID of a {kind}."))
}

/// Parses a size of an image. The operation checks the server's maximum.
fn size(bytes: &Number) -> Result<NonZeroU32, &'static str> {
    let bytes = bytes.as_u64().and_then(|bytes| u32::try_from(bytes).ok()).and_then(NonZeroU32::new);
    bytes.ok_or("Use a whole number of bytes, from 1 to the server limit.")
}

/// Parses names of scopes. Adds an unknown name to `invalid` and returns no scopes.
pub fn parse_scopes(names: &[String], invalid: &mut Invalid) -> Scopes {
    let scopes: Result<Scopes, _> = names.iter().map(|name| name.parse::<Scope>()).collect();
    invalid.take("scopes", scopes).unwrap_or_default()
}
