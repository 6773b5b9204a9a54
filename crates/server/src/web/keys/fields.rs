//! The fields of a key as its forms send them.

use keyrack_key::{Class, Rate, RateError, Restrictions, Scope, Scopes, Timestamp};
use keyrack_store::{KeyRow, Policy};
use serde::Deserialize;

use super::expiries;
use crate::ops::Invalid;
use crate::times::{parse as parse_time, span};
use crate::web::form::{field, sentence};
use crate::web::view::{Besides, Field, KeyFields};
use crate::web::words;

/// The fields of a rate, as the API names them.
const REQUESTS: &str = "restrictions.rate.requests";
const EVERY: &str = "restrictions.rate.seconds";

/// What the forms of a key send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct KeyForm {
    pub(super) name: String,
    scope: String,
    expiry: String,
    expires_on: String,
    keys: String,
    node: String,
    rate_requests: String,
    rate_every: String,
    rate_unit: String,
    pub(super) nonce: String,
    pub(super) revision: String,
    pub(super) confirm_widening: String,
    /// `on`: say what saving would do, and do not save.
    pub(super) check: String,
}

/// An expiry as it was picked.
pub(super) enum Expiry {
    Keep,
    Set(Option<Timestamp>),
}

impl KeyForm {
    /// A form with nothing typed.
    pub(super) fn empty(nonce: String) -> Self {
        Self { nonce, ..Self::default() }
    }

    /// A form filled from a key.
    pub(super) fn of(key: &KeyRow) -> Self {
        let scope = if key.scopes.contains(Scope::Project) {
            "project"
        } else if key.scopes.contains(Scope::Inference) {
            "inference"
        } else {
            "none"
        };
        let rate = key.terms.restrictions.as_ref().and_then(|own| own.rate);
        let every = rate.map(|rate| words::in_units(rate.seconds()));
        Self {
            name: key.name.clone(),
            scope: scope.to_owned(),
            expiry: if key.terms.expires_at.is_some() { "keep" } else { "never" }.to_owned(),
            keys: ticked(key, Scope::Keys),
            node: ticked(key, Scope::Node),
            rate_requests: rate.map(|rate| rate.requests().to_string()).unwrap_or_default(),
            rate_every: every.map(|(number, _)| number.to_string()).unwrap_or_default(),
            rate_unit: every.map(|(_, unit)| unit.to_owned()).unwrap_or_default(),
            revision: key.revision.0.to_string(),
            ..Self::default()
        }
    }

    /// All that was picked, or all that is wrong with it and with the name.
    pub(super) fn picked(
        &self,
        now: Timestamp,
        policy: Policy,
    ) -> Result<(Scopes, Expiry, Option<Rate>), Invalid> {
        match (self.scopes(), self.expiry(now, policy), self.rate()) {
            (Ok(scopes), Ok(expiry), Ok(rate)) => Ok((scopes, expiry, rate)),
            (scopes, expiry, rate) => {
                let name = Invalid::of_result("name", crate::ops::invalid::name(&self.name));
                Err(Invalid::all([scopes.err(), expiry.err(), rate.err(), name]))
            }
        }
    }

    /// The scopes that were picked.
    pub(super) fn scopes(&self) -> Result<Scopes, Invalid> {
        let picked = match self.scope.as_str() {
            "" | "none" => None,
            text => Some(
                text.parse::<Scope>().map_err(|_| Invalid::field("scopes", "pick Project or Inference"))?,
            ),
        };
        let keys = (self.keys == "on").then_some(Scope::Keys);
        let node = (self.node == "on").then_some(Scope::Node);
        let scopes: Scopes = picked.into_iter().chain(keys).chain(node).collect();
        if scopes.is_empty() {
            Err(Invalid::field("scopes", "pick Project or Inference"))
        } else {
            Ok(scopes)
        }
    }

    /// When the key shall end.
    fn expiry(&self, now: Timestamp, policy: Policy) -> Result<Expiry, Invalid> {
        let wrong = |expected: &str| Invalid::field("expiresAt", expected);
        match self.expiry.as_str() {
            "never" if policy.longest_life.is_some() => Err(wrong("no key of this workspace lives for ever")),
            "" | "never" => Ok(Expiry::Set(None)),
            "keep" => Ok(Expiry::Keep),
            "longest" => match policy.latest_end(now) {
                Some(end) => Ok(Expiry::Set(Some(end))),
                None => Err(wrong("pick one of the choices")),
            },
            "date" => {
                // The key works through all of that day.
                let end = parse_time(&format!("{}T23:59:59Z", self.expires_on));
                let end = end.map_err(|_| wrong("pick a date"))?;
                if end <= now {
                    Err(wrong("pick a date that lies ahead"))
                } else {
                    Ok(Expiry::Set(Some(end)))
                }
            }
            text => {
                let span = span(text).map_err(|_| wrong("pick one of the choices"))?;
                Ok(Expiry::Set(Some(now.plus(span))))
            }
        }
    }

    /// How often the key may be used; nothing where no number of requests was typed.
    pub(super) fn rate(&self) -> Result<Option<Rate>, Invalid> {
        let requests = self.rate_requests.trim();
        if requests.is_empty() {
            return Ok(None);
        }
        let unit = match self.rate_unit.as_str() {
            "hour" => 3_600,
            "minute" | "" => 60,
            "second" => 1,
            _ => return Err(Invalid::field(EVERY, "pick seconds, minutes or hours")),
        };
        let every = Some(self.rate_every.trim()).filter(|typed| !typed.is_empty()).unwrap_or("1");
        let seconds = every.parse::<u32>().ok().and_then(|every| every.checked_mul(unit));
        let rate = Rate::new(requests.parse().unwrap_or(0), seconds.unwrap_or(0));
        rate.map(Some).map_err(|error| match error {
            RateError::Requests => Invalid::field(REQUESTS, error.to_string()),
            RateError::Seconds => Invalid::field(EVERY, "expected a whole number, and at most 24 hours"),
        })
    }

    /// The fields as they go back into the page, with what is wrong beside each.
    pub(super) fn fields(
        &self,
        now: Timestamp,
        policy: Policy,
        invalid: Option<&Invalid>,
        key: Option<&KeyRow>,
    ) -> KeyFields {
        let expiry_error = invalid.and_then(|invalid| invalid.of("expiresAt")).map(|error| sentence(&error));
        let (date_error, expiry_error) =
            if self.expiry == "date" { (expiry_error, None) } else { (None, expiry_error) };
        let public = key.is_some_and(|key| key.class == Class::Publishable);
        let kept_restrictions = key.and_then(|key| key.terms.restrictions.clone()).unwrap_or_default();
        KeyFields {
            reach: words::reach(&Restrictions { rate: None, ..kept_restrictions }),
            public,
            name: field(&self.name, invalid, "name"),
            // What a publishable key cannot hold is a matter of its scope here: its class is not asked for.
            scope: field(&self.scope, invalid, if public { "class" } else { "scopes" }),
            expiry: Field { value: self.expiry.clone(), error: expiry_error },
            expiries: expiries::choices(&self.expiry, now, policy, key),
            expires_on: Field { value: self.expires_on.clone(), error: date_error },
            earliest: words::day(now),
            latest: expiries::latest_day(now, policy),
            policy: expiries::says(policy),
            besides: Besides { keys: self.keys == "on", node: self.node == "on" },
            rate_requests: field(self.rate_requests.trim(), invalid, REQUESTS),
            rate_every: field(self.rate_every.trim(), invalid, EVERY),
            rate_unit: self.rate_unit.clone(),
            offers_none: key.is_some(),
        }
    }
}

fn ticked(key: &KeyRow, scope: Scope) -> String {
    if key.scopes.contains(scope) { "on" } else { "" }.to_owned()
}
