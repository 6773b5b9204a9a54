//! The fields of the forms that create and edit a key.

mod expiries;
mod limits;
mod limits_view;
pub(in crate::web::keys) mod options;
mod publishable;
mod restrictions;
mod restrictions_view;
mod view;

use keyrack_core::Invalid;
use keyrack_core::times::{parse as parse_time, span};
use keyrack_key::{Class, Restrictions, Scope, Scopes, Timestamp};
use keyrack_store::{KeyRow, Policy};
use serde::Deserialize;

use crate::web::form::{Field, field, sentence};
use crate::web::text;
use limits::LimitsForm;
use limits_view::LimitFields;
use options::FormContext;
use publishable::PublishableForm;
use restrictions::RestrictionsForm;
use restrictions_view::RestrictionFields;
use view::OtherScopes;

pub(in crate::web) use view::KeyFields;

/// The submitted fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct KeyForm {
    pub(in crate::web::keys) name: String,
    scope: String,
    expiry: String,
    expires_on: String,
    keys: String,
    node: String,
    #[serde(flatten)]
    limits: LimitsForm,
    #[serde(flatten)]
    public: PublishableForm,
    pub(in crate::web::keys) nonce: String,
    pub(in crate::web::keys) revision: String,
    pub(in crate::web::keys) confirm_widening: String,
    pub(in crate::web::keys) acknowledge_public_use: String,
    /// `on` if the page requests only the effect of the change, without saving it.
    pub(in crate::web::keys) check: String,
    /// Must be the last flattened field, because it takes all fields that the others leave over.
    #[serde(flatten)]
    restrictions: RestrictionsForm,
}

/// The selected expiry.
pub(in crate::web::keys) enum ExpiryChange {
    Keep,
    Set(Option<Timestamp>),
}

impl KeyForm {
    /// A form without input.
    pub(in crate::web::keys) fn empty(nonce: String) -> Self {
        Self { nonce, ..Self::default() }
    }

    /// A form with the settings of `key`.
    pub(in crate::web::keys) fn of(key: &KeyRow) -> Self {
        let scope = if key.scopes.contains(Scope::Project) {
            "project"
        } else if key.scopes.contains(Scope::Inference) {
            "inference"
        } else {
            "none"
        };
        Self {
            name: key.name.clone(),
            scope: scope.to_owned(),
            expiry: if key.terms.expires_at.is_some() { "keep" } else { "never" }.to_owned(),
            keys: ticked(key, Scope::Keys),
            node: ticked(key, Scope::Node),
            limits: key.terms.restrictions.as_ref().map(LimitsForm::of).unwrap_or_default(),
            restrictions: key.terms.restrictions.as_ref().map(RestrictionsForm::of).unwrap_or_default(),
            revision: key.revision.0.to_string(),
            ..Self::default()
        }
    }

    /// The class of the new key.
    pub(in crate::web::keys) fn class(&self) -> Class {
        if self.scope == "inference" && self.public.is_chosen() { Class::Publishable } else { Class::Secret }
    }

    /// The form without fields that a publishable key cannot have. The page hides those fields, so their
    /// values are not meant.
    pub(in crate::web::keys) fn effective(&self) -> Self {
        let mut form = self.clone();
        if self.class() == Class::Publishable {
            self.public.copy_to(&mut form.limits, &mut form.restrictions);
            form.keys.clear();
            form.node.clear();
        }
        form
    }

    /// Parses scopes, expiry, and restrictions. `has` are the current restrictions, which apply where the form
    /// leaves fields out. Returns all errors at once, including those of the name.
    pub(in crate::web::keys) fn parse_with(
        &self,
        now: Timestamp,
        policy: Policy,
        has: &Restrictions,
    ) -> Result<(Scopes, ExpiryChange, Restrictions), Invalid> {
        let (limits, restrictions) = (self.limits.parse_with(has), self.restrictions.parse_with(has));
        match (self.scopes(), self.expiry(now, policy), limits, restrictions) {
            (Ok(scopes), Ok(expiry), Ok(limits), Ok(restrictions)) => {
                Ok((scopes, expiry, limits.within(restrictions)))
            }
            (scopes, expiry, limits, restrictions) => {
                let name = Invalid::of_result("name", keyrack_core::invalid::name(&self.name));
                Err(Invalid::all([scopes.err(), expiry.err(), limits.err(), restrictions.err(), name]))
            }
        }
    }

    /// The selected scopes.
    pub(in crate::web::keys) fn scopes(&self) -> Result<Scopes, Invalid> {
        let picked = match self.scope.as_str() {
            "" | "none" => None,
            text => Some(
                text.parse::<Scope>()
                    .map_err(|_| Invalid::field("scopes", "Choose Project or Inference."))?,
            ),
        };
        let keys = (self.keys == "on").then_some(Scope::Keys);
        let node = (self.node == "on").then_some(Scope::Node);
        let scopes: Scopes = picked.into_iter().chain(keys).chain(node).collect();
        if scopes.is_empty() {
            Err(Invalid::field("scopes", "Choose Project or Inference."))
        } else {
            Ok(scopes)
        }
    }

    /// Parses the selected expiry.
    fn expiry(&self, now: Timestamp, policy: Policy) -> Result<ExpiryChange, Invalid> {
        let wrong = |expected: &str| Invalid::field("expiresAt", expected);
        match self.expiry.as_str() {
            "never" if policy.longest_life.is_some() => {
                Err(wrong("Keys in this workspace must expire. Choose an expiration."))
            }
            "" | "never" => Ok(ExpiryChange::Set(None)),
            "keep" => Ok(ExpiryChange::Keep),
            "longest" => match policy.latest_end(now) {
                Some(end) => Ok(ExpiryChange::Set(Some(end))),
                None => Err(wrong("Choose one of the options.")),
            },
            "date" => {
                // The key works until the end of that day.
                let end = parse_time(&format!("{}T23:59:59Z", self.expires_on));
                let end = end.map_err(|_| wrong("Choose a date."))?;
                if end <= now {
                    Err(wrong("Choose a date in the future."))
                } else {
                    Ok(ExpiryChange::Set(Some(end)))
                }
            }
            text => {
                let span = span(text).map_err(|_| wrong("Choose one of the options."))?;
                Ok(ExpiryChange::Set(Some(now.plus(span))))
            }
        }
    }

    /// The fields for the page, with the errors next to them.
    pub(in crate::web::keys) fn fields(
        &self,
        now: Timestamp,
        FormContext { policy, offered, most }: &FormContext,
        invalid: Option<&Invalid>,
        key: Option<&KeyRow>,
    ) -> KeyFields {
        let policy = *policy;
        let expiry_error = invalid.and_then(|invalid| invalid.of("expiresAt")).map(|error| sentence(&error));
        let (date_error, expiry_error) =
            if self.expiry == "date" { (expiry_error, None) } else { (None, expiry_error) };
        let public = key.is_some_and(|key| key.class == Class::Publishable);
        // Errors in the fields of a new publishable key are shown there, and not in the advanced section.
        let is_publishable = key.is_none() && self.class() == Class::Publishable;
        let in_fold = invalid.filter(|_| !is_publishable);
        KeyFields {
            public,
            asks_for_use: key.is_none(),
            publishable: self.public.fields(is_publishable, invalid),
            restrictions: RestrictionFields {
                origins: self.restrictions.origins(in_fold),
                max_image: self.restrictions.max_image(in_fold),
                ..self.restrictions.fields(offered, *most, invalid)
            },
            name: field(&self.name, invalid, "name"),
            // For the form, a permission that a publishable key cannot have is an error of the scope, because
            // the class has no field.
            scope: field(&self.scope, invalid, if public { "class" } else { "scopes" }),
            expiry: Field { value: self.expiry.clone(), error: expiry_error },
            expiries: expiries::choices(&self.expiry, now, policy, key),
            expires_on: Field { value: self.expires_on.clone(), error: date_error },
            earliest: text::day(now),
            latest: expiries::latest_day(now, policy),
            policy: expiries::policy_text(policy),
            other_scopes: OtherScopes { keys: self.keys == "on", node: self.node == "on" },
            limits: LimitFields {
                visitor: self.limits.visitor_fields(in_fold),
                ..self.limits.fields(invalid, public)
            },
            allows_none: key.is_some(),
        }
    }
}

fn ticked(key: &KeyRow, scope: Scope) -> String {
    if key.scopes.contains(scope) { "on" } else { "" }.to_owned()
}
