//! What narrows a key further than its scopes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{ModelId, Origin, ProjectId, Quotas, Rate};

/// No restriction, or a restriction to just these. A restriction to nothing opens nothing:
/// when the last project of a list is deleted, the key does not open all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Only<T: Ord> {
    /// Whatever there is.
    #[default]
    Any,
    /// These and no others.
    These(BTreeSet<T>),
}

impl<T: Ord> Only<T> {
    /// Whether nothing is restricted.
    pub const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Whether `one` is allowed.
    pub fn covers(&self, one: &T) -> bool {
        self.allows(|own| own == one)
    }

    fn allows(&self, matches: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::These(these) => these.iter().any(matches),
        }
    }

    /// Whether everything that `self` allows is allowed by `other`, where `inside` says that of two single entries.
    fn is_within(&self, other: &Self, inside: impl Fn(&T, &T) -> bool) -> bool {
        match (self, other) {
            (_, Self::Any) => true,
            (Self::Any, Self::These(_)) => false,
            (Self::These(inner), Self::These(outer)) => {
                inner.iter().all(|one| outer.iter().any(|other| inside(one, other)))
            }
        }
    }
}

/// All restrictions of a key but its expiry. The serialised form is what the store keeps;
/// a field that this version does not know fails to read, and the key is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Restrictions {
    /// The projects that it opens.
    #[serde(skip_serializing_if = "Only::is_any")]
    pub projects: Only<ProjectId>,
    /// The models that it opens, of the projects that it opens.
    #[serde(skip_serializing_if = "Only::is_any")]
    pub models: Only<ModelId>,
    /// The networks that it may be used from (CIDR).
    #[serde(skip_serializing_if = "Only::is_any")]
    pub networks: Only<IpNet>,
    /// The web origins that it may be used from.
    #[serde(skip_serializing_if = "Only::is_any")]
    pub origins: Only<Origin>,
    /// The largest image that it may send to be predicted, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_image_bytes: Option<NonZeroU32>,
    /// How often it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How often each visitor may use it, by the address that they come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor_rate: Option<Rate>,
    /// How much it may do in a day or a month.
    #[serde(skip_serializing_if = "Quotas::is_empty")]
    pub quotas: Quotas,
}

impl Restrictions {
    /// No restriction.
    pub const NONE: Self = Self {
        projects: Only::Any,
        models: Only::Any,
        networks: Only::Any,
        origins: Only::Any,
        max_image_bytes: None,
        rate: None,
        visitor_rate: None,
        quotas: Quotas::NONE,
    };

    /// Whether nothing is restricted.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether `project` is covered.
    pub fn cover_project(&self, project: ProjectId) -> bool {
        self.projects.covers(&project)
    }

    /// Whether `model`, which is one of `project`, is covered.
    pub fn cover_model(&self, project: ProjectId, model: ModelId) -> bool {
        self.cover_project(project) && self.models.covers(&model)
    }

    /// Whether a request from `address` is allowed. An IPv4 address inside IPv6 counts as the IPv4 address that it is;
    /// where the address is not known, only a key without restricted networks is allowed.
    pub fn allow_address(&self, address: Option<IpAddr>) -> bool {
        let address = address.map(|address| address.to_canonical());
        self.networks.allows(|network| address.is_some_and(|address| network.contains(&address)))
    }

    /// Whether a request with this `Origin` header is allowed; without one, only where origins are not restricted.
    pub fn allow_origin(&self, origin: Option<&str>) -> bool {
        self.origins.allows(|one| origin.is_some_and(|origin| one.matches(origin)))
    }

    /// Whether everything that `self` lets through is let through by `other`: what a key may hand to another.
    /// Each key is counted on its own, so of rates and quotas that is said of one key at a time.
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

    /// One visitor can use up all that the key has, and no more.
    fn holds_each_visitor_within(&self, outer: Rate) -> bool {
        [self.visitor_rate, self.rate].into_iter().flatten().any(|own| own.is_within(outer))
    }
}

#[cfg(test)]
mod tests;
