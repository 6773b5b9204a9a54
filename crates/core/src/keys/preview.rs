//! Estimates which requests of the last days a change to a key would have denied. The estimate uses recorded usage and
//! lists what the records cannot answer.

use std::collections::HashMap;

use keyrack_key::{Allowlist, KeyId, Permission, Permissions, Rate, Restrictions, Timestamp};
use keyrack_store::{CallerRow, CallerSource, CallerUsage, KeyRow, Usage};

use super::usage::first_of_days;
use super::{KeyPatch, Keys};
use crate::who::GrantedAuthority;
use crate::{AuthorizedCaller, OpError};

/// More callers than the store records for any key.
const ALL_CALLERS: u32 = 10_000;

/// The estimated effect of a change.
#[derive(Clone, Debug)]
pub struct ChangePreview {
    /// The number of days in the estimate, today included.
    pub days: u32,
    /// The number of allowed requests in these days.
    pub calls: u64,
    /// The number of allowed requests that the change would have denied.
    pub denied: u64,
    /// The number of requests whose recorded source is not precise enough to decide.
    pub unknown: u64,
    /// The affected callers, most requests first.
    pub callers: Vec<CallerImpact>,
    /// The permissions that the change adds.
    pub added_permissions: Permissions,
    /// The names of the restrictions that the change loosens.
    pub loosened_restrictions: Vec<&'static str>,
    /// The names of changed restrictions whose effect is unknown because requests record nothing about them.
    pub unrecorded: Vec<String>,
    /// With a lower rate limit: the minimum number of requests above the limit. Usage is recorded by the hour, so the
    /// real number may be higher.
    pub above_rate: Option<u64>,
}

/// A caller that the change would affect.
#[derive(Clone, Debug)]
pub struct CallerImpact {
    pub caller: CallerRow,
    /// The number of requests that the change would have denied.
    pub denied: u64,
    /// The number of requests whose recorded source is not precise enough to decide.
    pub unknown: u64,
}

impl Keys {
    /// Estimates the effect of `patch` on the requests of the last `days`. Changes nothing.
    pub async fn what_if(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        patch: KeyPatch,
        days: u32,
    ) -> Result<ChangePreview, OpError> {
        let now = (self.clock)();
        // No write follows that would verify the caller, and the caller's key may have ended since the guard allowed it.
        by.verify(&self.store, now).await?;
        let key = self.existing_key(by, id).await?;
        let before = GrantedAuthority::of(&key)?;
        let ends = self.expiry_rule(by, &key, &patch, now).await?;
        let checked = patch.apply(key.clone())?.check(ends)?;
        self.check_restrictions(by, &before.restrictions, &checked.restrictions).await?;
        let after = checked.authority_after(&before, key.scopes);
        let recorded = self.recorded_requests(by, &key, days, now).await?;
        Ok(recorded.evaluate(&before, &after, days))
    }

    async fn recorded_requests(
        &self,
        by: &AuthorizedCaller,
        key: &KeyRow,
        days: u32,
        now: Timestamp,
    ) -> Result<RecordedRequests, OpError> {
        let since = first_of_days(now, days);
        let hours = self.store.usage(by.workspace, key.id, since).await?;
        let callers = self.store.callers(by.workspace, key.id, since, None, ALL_CALLERS).await?.items;
        let caller_usage = self.store.caller_usage(by.workspace, key.id, since).await?;
        Ok(RecordedRequests {
            hours: hours.into_iter().filter(|one| one.outcome == "allowed").collect(),
            callers,
            caller_usage,
        })
    }
}

/// The recorded requests that were allowed.
struct RecordedRequests {
    hours: Vec<Usage>,
    callers: Vec<CallerRow>,
    caller_usage: Vec<CallerUsage>,
}

/// The decision of a restriction about a caller whose source may be known only in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CallerDecision {
    Allowed,
    Unknown,
    Denied,
}

impl RecordedRequests {
    fn evaluate(self, before: &GrantedAuthority, after: &GrantedAuthority, days: u32) -> ChangePreview {
        let stays_permitted =
            |permission: Option<Permission>| permission.is_none_or(|one| after.permissions.contains(one));
        let (old, new) = (&before.restrictions, &after.restrictions);
        let depends_on_source = (old.networks != new.networks && !new.networks.is_any())
            || (old.origins != new.origins && !new.origins.is_any());
        let sum = |permitted: bool| -> u64 {
            self.hours
                .iter()
                .filter(|one| stays_permitted(one.permission) == permitted)
                .map(|one| one.checks)
                .sum()
        };
        let (denied_by_permission, permitted) = (sum(false), sum(true));
        let mut callers: HashMap<i64, CallerImpact> = HashMap::new();
        let (mut denied_by_source, mut decided) = (0, 0);
        for caller in self.callers {
            let source = if depends_on_source { decide(new, &caller) } else { CallerDecision::Allowed };
            let mut one = CallerImpact { caller, denied: 0, unknown: 0 };
            for used in self.caller_usage.iter().filter(|used| used.caller == one.caller.id) {
                match source {
                    _ if !stays_permitted(used.permission) => one.denied += used.allowed,
                    CallerDecision::Denied => {
                        denied_by_source += used.allowed;
                        decided += used.allowed;
                        one.denied += used.allowed;
                    }
                    CallerDecision::Unknown => one.unknown += used.allowed,
                    CallerDecision::Allowed => decided += used.allowed,
                }
            }
            if one.denied + one.unknown > 0 {
                callers.insert(one.caller.id, one);
            }
        }
        let mut callers: Vec<_> = callers.into_values().collect();
        callers.sort_by_key(|one| (std::cmp::Reverse((one.denied, one.unknown)), one.caller.id));
        ChangePreview {
            days,
            calls: denied_by_permission + permitted,
            denied: denied_by_permission + denied_by_source,
            // The requests whose callers were not recorded, or not precisely enough.
            unknown: if depends_on_source { permitted.saturating_sub(decided) } else { 0 },
            callers,
            added_permissions: after.permissions.without(before.permissions),
            loosened_restrictions: loosened(new, old),
            unrecorded: unrecorded(old, new),
            above_rate: requests_above_rate(old, new, &self.hours),
        }
    }
}

/// Decides whether a caller passes the networks and origins of a key.
fn decide(own: &Restrictions, caller: &CallerRow) -> CallerDecision {
    let network = match &caller.source {
        _ if own.networks.is_any() => CallerDecision::Allowed,
        CallerSource::Others => CallerDecision::Unknown,
        CallerSource::Address(address) if own.allow_address(*address) => CallerDecision::Allowed,
        CallerSource::Address(_) => CallerDecision::Denied,
        CallerSource::Network(theirs) => match &own.networks {
            Allowlist::Only(these) if these.iter().any(|one| one.contains(theirs)) => CallerDecision::Allowed,
            Allowlist::Only(these) if these.iter().any(|one| theirs.contains(one)) => CallerDecision::Unknown,
            _ => CallerDecision::Denied,
        },
    };
    let origin = Some(caller.origin.as_str()).filter(|origin| !origin.is_empty());
    let origin = match &caller.source {
        _ if own.origins.is_any() => CallerDecision::Allowed,
        CallerSource::Others => CallerDecision::Unknown,
        // The store truncates origins, so the original may have been longer.
        _ if origin.is_some_and(|origin| origin.len() >= 80) => CallerDecision::Unknown,
        _ if own.allow_origin(origin) => CallerDecision::Allowed,
        _ => CallerDecision::Denied,
    };
    network.max(origin)
}

/// Each restriction in isolation, with its name.
fn each_restriction(own: &Restrictions) -> [(&'static str, Restrictions); 8] {
    let none = Restrictions::default;
    [
        ("projects", Restrictions { projects: own.projects.clone(), ..none() }),
        ("models", Restrictions { models: own.models.clone(), ..none() }),
        ("networks", Restrictions { networks: own.networks.clone(), ..none() }),
        ("origins", Restrictions { origins: own.origins.clone(), ..none() }),
        ("maxImageBytes", Restrictions { max_image_bytes: own.max_image_bytes, ..none() }),
        ("rate", Restrictions { rate: own.rate, ..none() }),
        ("visitorRate", Restrictions { visitor_rate: own.visitor_rate, ..none() }),
        ("quotas", Restrictions { quotas: own.quotas, ..none() }),
    ]
}

/// The names of the restrictions in which `wide` allows something that `narrow` denies.
pub(super) fn loosened(wide: &Restrictions, narrow: &Restrictions) -> Vec<&'static str> {
    let both = each_restriction(wide).into_iter().zip(each_restriction(narrow));
    both.filter(|((_, wide), (_, narrow))| !wide.is_within(narrow)).map(|((name, _), _)| name).collect()
}

/// The names of changed restrictions whose subject is not recorded with requests, sorted. Works by serialized names, so that
/// restrictions added in the future are included. Excludes restrictions that the change only loosens.
fn unrecorded(old: &Restrictions, new: &Restrictions) -> Vec<String> {
    let fields = |own: &Restrictions| match serde_json::to_value(own) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let narrowed = loosened(old, new);
    let known = each_restriction(&Restrictions::NONE).map(|(name, _)| name);
    let only_widened = |name: &str| known.contains(&name) && !narrowed.contains(&name);
    let old = fields(old);
    let recorded = ["networks", "origins", "rate"];
    let changed = fields(new).into_iter().filter(|(name, value)| old.get(name) != Some(value));
    let mut names: Vec<_> = changed
        .map(|(name, _)| name)
        .filter(|name| !recorded.contains(&name.as_str()) && !only_widened(name))
        .collect();
    // The order of a `serde_json::Map` depends on a feature that any crate of a build can turn on.
    names.sort();
    names
}

/// The minimum number of requests above a lower rate limit. Returns `None` if the change does not lower the limit.
fn requests_above_rate(old: &Restrictions, new: &Restrictions, hours: &[Usage]) -> Option<u64> {
    let rate = new.rate.filter(|rate| old.rate.is_none_or(|old| !old.is_within(*rate)))?;
    let mut by_hour: HashMap<Timestamp, u64> = HashMap::new();
    for one in hours {
        *by_hour.entry(one.hour).or_default() += one.checks;
    }
    Some(by_hour.values().map(|calls| calls.saturating_sub(most_in_an_hour(rate))).sum())
}

/// The most requests that a rate limit allows within an hour: a full burst, and the refill during the hour.
fn most_in_an_hour(rate: Rate) -> u64 {
    let requests = u64::from(rate.requests());
    requests + (requests * 3_600).div_ceil(u64::from(rate.seconds()))
}

#[cfg(test)]
mod tests;
