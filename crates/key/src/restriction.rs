//! The restrictions of a key, which narrow its scopes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{ModelId, Origin, ProjectId, Quotas, Rate};

/// Either no restriction, or a list of allowed entries. An empty list allows nothing: if the last project of
/// a list is deleted, the key does not get access to all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Allowlist<T: Ord> {
    /// Everything is allowed.
    #[default]
    Any,
    /// Only these entries are allowed.
    Only(BTreeSet<T>),
}

impl<T: Ord> Allowlist<T> {
    /// Returns `true` if everything is allowed.
    pub const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Returns `true` if `one` is allowed.
    pub fn covers(&self, one: &T) -> bool {
        self.allows(|own| own == one)
    }

    fn allows(&self, matches: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Only(these) => these.iter().any(matches),
        }
    }

    /// Returns `true` if `other` allows everything that `self` allows. `inside` compares
    /// two entries in this sense.
    fn is_within(&self, other: &Self, inside: impl Fn(&T, &T) -> bool) -> bool {
        match (self, other) {
            (_, Self::Any) => true,
            (Self::Any, Self::Only(_)) => false,
            (Self::Only(inner), Self::Only(outer)) => {
                inner.iter().all(|one| outer.iter().any(|other| inside(one, other)))
            }
        }
    }
}

/// All restrictions of a key except its expiry. The store keeps the serialized form. A field that this
/// version does not know makes reading fail, and the key is denied.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Allowlist, Restrictions, parse_network};
///
/// let office = parse_network("10.4.0.0/16")?;
/// let restrictions = Restrictions { networks: Allowlist::Only([office].into()), ..Restrictions::NONE };
/// assert!(restrictions.allow_address(Some([10, 4, 0, 17].into())));
/// assert!(!restrictions.allow_address(None));
/// # Ok::<(), keyrack_key::NetworkError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Restrictions {
    /// The projects that the key has access to.
    #[serde(skip_serializing_if = "Allowlist::is_any")]
    pub projects: Allowlist<ProjectId>,
    /// The models that the key has access to, within these projects.
    #[serde(skip_serializing_if = "Allowlist::is_any")]
    pub models: Allowlist<ModelId>,
    /// The networks that the key may be used from.
    #[serde(skip_serializing_if = "Allowlist::is_any")]
    pub networks: Allowlist<IpNet>,
    /// The web origins that the key may be used from.
    #[serde(skip_serializing_if = "Allowlist::is_any")]
    pub origins: Allowlist<Origin>,
    /// The largest image that the key may send for a prediction, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_image_bytes: Option<NonZeroU32>,
    /// The rate limit of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The rate limit of each visitor of the key. An address identifies a visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor_rate: Option<Rate>,
    /// The quotas of the key, for calendar days and months.
    #[serde(skip_serializing_if = "Quotas::is_empty")]
    pub quotas: Quotas,
}

impl Restrictions {
    /// Restricts nothing.
    pub const NONE: Self = Self {
        projects: Allowlist::Any,
        models: Allowlist::Any,
        networks: Allowlist::Any,
        origins: Allowlist::Any,
        max_image_bytes: None,
        rate: None,
        visitor_rate: None,
        quotas: Quotas::NONE,
    };

    /// Returns `true` if nothing is restricted.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Returns `true` if the key has access to `project`.
    pub fn cover_project(&self, project: ProjectId) -> bool {
        self.projects.covers(&project)
    }

    /// Returns `true` if the key has access to `model`, which belongs to `project`.
    pub fn cover_model(&self, project: ProjectId, model: ModelId) -> bool {
        self.cover_project(project) && self.models.covers(&model)
    }

    /// Returns `true` if a request from `address` is allowed. An IPv4 address that is mapped into IPv6 counts
    /// as IPv4. A request whose address is unknown is allowed only if networks are not restricted.
    pub fn allow_address(&self, address: Option<IpAddr>) -> bool {
        let address = address.map(|address| address.to_canonical());
        self.networks.allows(|network| address.is_some_and(|address| network.contains(&address)))
    }

    /// Returns `true` if a request with this `Origin` header is allowed. Without the header it is allowed
    /// only if origins are not restricted.
    pub fn allow_origin(&self, origin: Option<&str>) -> bool {
        self.origins.allows(|one| origin.is_some_and(|origin| one.matches(origin)))
    }

    /// Returns `true` if `other` allows everything that `self` allows, so that a key with `other`
    /// may grant `self` to a new key. Each key has its own rate limits and quotas, so these are
    /// compared for a single key.
    pub fn is_within(&self, other: &Self) -> bool {
        self.projects.is_within(&other.projects, |one, outer| one == outer)
            && self.models.is_within(&other.models, |one, outer| one == outer)
            && self.networks.is_within(&other.networks, |one, outer| outer.contains(one))
            && self.origins.is_within(&other.origins, Origin::is_within)
            && other.max_image_bytes.is_none_or(|outer| self.max_image_bytes.is_some_and(|own| own <= outer))
            && other.rate.is_none_or(|outer| self.rate.is_some_and(|own| own.is_within(outer)))
            && other.visitor_rate.is_none_or(|outer| self.holds_each_visitor_within(outer))
            && self.quotas.is_within(&other.quotas)
    }

    /// A single visitor can use up the whole rate limit of the key, and no more than that.
    fn holds_each_visitor_within(&self, outer: Rate) -> bool {
        [self.visitor_rate, self.rate].into_iter().flatten().any(|own| own.is_within(outer))
    }
}

#[cfg(test)]
mod tests;
