//! What narrows a key further than its scopes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Origin, ProjectId, Quotas, Rate};

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
    /// The networks that it may be used from (CIDR).
    #[serde(skip_serializing_if = "Only::is_any")]
    pub networks: Only<IpNet>,
    /// The web origins that it may be used from.
    #[serde(skip_serializing_if = "Only::is_any")]
    pub origins: Only<Origin>,
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
        networks: Only::Any,
        origins: Only::Any,
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
        self.projects.allows(|one| *one == project)
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
            && self.networks.is_within(&other.networks, |one, outer| outer.contains(one))
            && self.origins.is_within(&other.origins, Origin::is_within)
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn networks(texts: &[&str]) -> Restrictions {
        let networks = texts.iter().map(|text| text.parse().unwrap()).collect();
        Restrictions { networks: Only::These(networks), ..Restrictions::default() }
    }

    #[test]
    fn a_restriction_to_nothing_allows_nothing() {
        assert!(!networks(&[]).allow_address(Some([10, 0, 0, 1].into())));
        assert!(Restrictions::default().allow_address(None));
        assert!(!networks(&["0.0.0.0/0"]).allow_address(None));
    }

    #[test]
    fn an_ipv4_address_inside_ipv6_is_that_ipv4_address() {
        let mapped = "::ffff:10.4.0.17".parse().unwrap();
        assert!(networks(&["10.4.0.0/16"]).allow_address(Some(mapped)));
    }

    #[test]
    fn none_and_nothing_stay_different_in_the_store() {
        let nothing = networks(&[]);
        let text = serde_json::to_string(&nothing).unwrap();
        assert_eq!(text, r#"{"networks":[]}"#);
        assert_eq!(serde_json::from_str::<Restrictions>(&text).unwrap(), nothing);
        assert!(serde_json::from_str::<Restrictions>("{}").unwrap().is_none());
    }

    #[test]
    fn a_restriction_of_a_newer_version_is_not_read_past() {
        assert!(serde_json::from_str::<Restrictions>(r#"{"weekdays":["mon"]}"#).is_err());
    }

    #[test]
    fn a_key_with_a_rate_hands_on_none_that_is_higher_and_never_none_at_all() {
        let rate =
            |requests| Restrictions { rate: crate::Rate::new(requests, 60).ok(), ..Restrictions::default() };
        assert!(rate(10).is_within(&rate(10)) && rate(9).is_within(&rate(10)));
        assert!(!rate(11).is_within(&rate(10)));
        assert!(!Restrictions::default().is_within(&rate(10)));
        assert!(rate(10).is_within(&Restrictions::default()));
        assert!(!rate(10).is_none());
        assert_eq!(serde_json::to_string(&rate(10)).unwrap(), r#"{"rate":{"requests":10,"seconds":60}}"#);
    }

    #[test]
    fn what_each_visitor_may_is_bounded_by_what_the_key_may() {
        let rate = |requests| crate::Rate::new(requests, 60).ok();
        let visitors = |visitor_rate| Restrictions { visitor_rate, ..Restrictions::default() };
        assert!(visitors(rate(10)).is_within(&visitors(rate(10))));
        assert!(!visitors(rate(11)).is_within(&visitors(rate(10))));
        assert!(!Restrictions::default().is_within(&visitors(rate(10))));
        let by_key = Restrictions { rate: rate(10), ..Restrictions::default() };
        assert!(by_key.is_within(&visitors(rate(10))));
        assert!(!visitors(rate(1)).is_within(&by_key), "many visitors come to more");
        let text = r#"{"visitorRate":{"requests":10,"seconds":60}}"#;
        assert_eq!(serde_json::to_string(&visitors(rate(10))).unwrap(), text);
        assert_eq!(serde_json::from_str::<Restrictions>(text).unwrap(), visitors(rate(10)));
        assert!(!visitors(rate(10)).is_none());
    }

    #[test]
    fn a_key_with_a_quota_is_restricted() {
        let text = r#"{"quotas":[{"of":"images","limit":3,"per":"month"}]}"#;
        let own = serde_json::from_str::<Restrictions>(text).unwrap();
        assert!(!own.is_none() && own.is_within(&own) && own.is_within(&Restrictions::NONE));
        assert!(!Restrictions::NONE.is_within(&own));
        assert_eq!(serde_json::to_string(&own).unwrap(), text);
    }

    fn any_network() -> impl Strategy<Value = IpNet> {
        // Few addresses, so that networks meet.
        (0_u8..4, 28_u8..=32)
            .prop_map(|(last, prefix)| IpNet::new(IpAddr::from([10, 0, 0, last]), prefix).unwrap().trunc())
    }

    fn any_networks() -> impl Strategy<Value = Restrictions> {
        prop_oneof![
            Just(Restrictions::default()),
            prop::collection::btree_set(any_network(), 0..4)
                .prop_map(|these| Restrictions { networks: Only::These(these), ..Restrictions::default() }),
        ]
    }

    proptest! {
        #[test]
        fn what_lies_within_lets_no_more_through(inner in any_networks(), outer in any_networks(), last: u8) {
            let address = Some(IpAddr::from([10, 0, 0, last]));
            if inner.is_within(&outer) && inner.allow_address(address) {
                prop_assert!(outer.allow_address(address));
            }
            prop_assert!(inner.is_within(&inner));
        }
    }
}
