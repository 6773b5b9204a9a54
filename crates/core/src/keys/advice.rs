//! Advice on how to tighten a key, derived from its recorded usage.

use std::time::Duration;

use keyrack_key::{
    Class, Exposure, KeyId, Permission, Permissions, QuotaResource, Restrictions, Scope, Scopes, Timestamp,
};
use keyrack_store::{ExposureRecord, KeyRow, Policy};

use super::exposures::place;
use super::usage::RecentUsage;
use super::{KeyPatch, Keys, Propagation};
use crate::numbers::counted;
use crate::{AuthorizedCaller, OpError};

const DAY: Duration = Duration::from_hours(24);
/// Recorded usage that spans less than a week is not evidence of how a key is used.
const HABIT: Duration = Duration::from_hours(7 * 24);
/// A key that is unused for this long is probably forgotten.
const FORGOTTEN: Duration = Duration::from_hours(90 * 24);
/// The reminder periods before the expiry of a key, in days.
const AHEAD: [u32; 3] = [1, 7, 30];

/// One improvement that the owner of a key can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The secret was exposed, and the key permits more than an exposed key should: the latest exposure.
    Exposed(ExposureRecord),
    /// The recorded usage needs fewer permissions than the key has: `scopes` are sufficient.
    OnlyPredicts { scopes: Scopes, calls: u64, days: u32 },
    /// The key is unused for a long time. `last` is `None` if the key was never used.
    Unused { last: Option<Timestamp>, made: Timestamp },
    /// The key expires within `within` days: 1, 7, or 30.
    Expires { at: Timestamp, within: u32 },
    /// The current secret is older than the rotation age of the workspace: `age`, in days.
    Old { made: Timestamp, age: u32 },
    /// A publishable key without a restriction of origins.
    AnyOrigin,
    /// A publishable key without a rate limit, a per-visitor rate limit, or a quota of predictions.
    NoLimit,
}

impl Advice {
    /// The stable, machine-readable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Exposed(ExposureRecord { exposure: Exposure::Url, .. }) => "seen_in_url",
            Self::Exposed(_) => "seen_in_browser",
            Self::Old { .. } => "old_secret",
            Self::OnlyPredicts { .. } => "only_predicts",
            Self::Unused { .. } => "unused",
            Self::Expires { .. } => "expires_soon",
            Self::AnyOrigin => "any_origin",
            Self::NoLimit => "no_limit",
        }
    }

    /// The advice as a sentence.
    pub fn sentence(self, now: Timestamp) -> String {
        let days = |span: Duration| counted(span.as_secs() / DAY.as_secs(), "day");
        match self {
            Self::Exposed(seen) => format!(
                "This secret key was exposed {}. Use a publishable key there, and rotate this one.",
                place(&seen)
            ),
            Self::Old { made, age } => format!(
                "This key hasn't been rotated in {}. Your workspace policy is {}.",
                days(now.since(made)),
                counted(age.into(), "day")
            ),
            Self::OnlyPredicts { calls, days, .. } => format!(
                "This key only made predictions in the last {days} days ({}). Switch it to Inference to \
                 limit the damage if it leaks.",
                counted(calls, "request")
            ),
            Self::Unused { last: Some(last), .. } => {
                format!("Not used in {}. Delete it if it's no longer needed.", days(now.since(last)))
            }
            Self::Unused { last: None, made } => {
                format!("Created {} ago and never used. Delete it if it's not needed.", days(now.since(made)))
            }
            Self::Expires { at, .. } if at.since(now) < DAY => {
                "Expires within a day. Extend it, or move your apps to another key.".to_owned()
            }
            Self::Expires { at, .. } => {
                format!("Expires in {}. Extend it if it's still needed.", days(at.since(now)))
            }
            Self::AnyOrigin => "This publishable key works on any website. Add allowed origins.".to_owned(),
            Self::NoLimit => "This publishable key has no rate limit. Add one to prevent abuse.".to_owned(),
        }
    }

    /// A short title for a row of a list.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Exposed(ExposureRecord { exposure: Exposure::Url, .. }) => "Exposed in a URL",
            Self::Exposed(_) => "Exposed in a browser",
            Self::Old { .. } => "Rotation due",
            Self::OnlyPredicts { .. } => "Over-scoped: only makes predictions",
            Self::Unused { .. } => "Unused for 90 days",
            Self::Expires { .. } => "Expires soon",
            Self::AnyOrigin => "No allowed origins",
            Self::NoLimit => "No rate limit",
        }
    }

    /// The origin of the page that exposed the secret. Returns `None` for other advice and if the origin is unknown.
    pub fn origin(self) -> Option<String> {
        match self {
            Self::Exposed(seen) => Some(seen.origin.as_str().to_owned()).filter(|origin| !origin.is_empty()),
            _ => None,
        }
    }

    /// The sufficient scopes. Returns `None` for advice that does not reduce scopes.
    pub const fn scopes(self) -> Option<Scopes> {
        match self {
            Self::OnlyPredicts { scopes, .. } => Some(scopes),
            _ => None,
        }
    }
}

/// Returns the advice for a key, most urgent first. Deleted and expired keys get no advice.
pub fn advise(key: &KeyRow, measured: &RecentUsage, policy: Policy, now: Timestamp) -> Vec<Advice> {
    if key.deletion.is_some() || key.terms.expires_at.is_some_and(|at| at <= now) {
        return Vec::new();
    }
    let public = key.class == Class::Publishable;
    let restrictions = key.terms.restrictions.as_ref();
    [
        seen(key, measured),
        expires(key, now),
        old(key, policy, now),
        unused(key, now),
        only_predicts(key, measured, now),
        restrictions.filter(|own| public && own.origins.is_any()).map(|_| Advice::AnyOrigin),
        restrictions.filter(|own| public && !is_limited(own)).map(|_| Advice::NoLimit),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a rate limit or a quota bounds how many predictions the key allows.
fn is_limited(own: &Restrictions) -> bool {
    own.rate.is_some()
        || own.visitor_rate.is_some()
        || own.quotas.of(QuotaResource::Predictions).next().is_some()
}

/// Ignores exposures that suit the key's permissions, such as a key in a browser that only predicts.
fn seen(key: &KeyRow, measured: &RecentUsage) -> Option<Advice> {
    let last = measured.exposures.iter().find(|seen| !seen.exposure.permits(key.terms.permissions));
    last.copied().map(Advice::Exposed)
}

fn old(key: &KeyRow, policy: Policy, now: Timestamp) -> Option<Advice> {
    let current = key.secrets.iter().find(|secret| secret.retires_at.is_none())?;
    let (made, age) = (current.created_at, policy.rotation_age?);
    policy.old_before(now).filter(|then| made <= *then).map(|_| Advice::Old { made, age })
}

/// A key whose whole life is shorter than a reminder period gets no reminder for that period.
fn expires(key: &KeyRow, now: Timestamp) -> Option<Advice> {
    let at = key.terms.expires_at?;
    let (left, life) = (at.since(now), at.since(key.created_at));
    let within = AHEAD.into_iter().find(|days| left <= DAY * *days && life > DAY * *days)?;
    Some(Advice::Expires { at, within })
}

fn unused(key: &KeyRow, now: Timestamp) -> Option<Advice> {
    let last = key.last_use.as_ref().map(|last| last.at);
    let since = last.unwrap_or(key.created_at);
    (now.since(since) >= FORGOTTEN).then_some(Advice::Unused { last, made: key.created_at })
}

/// Requires a week of recorded usage that consists of predictions only. Scopes other than Project stay.
fn only_predicts(key: &KeyRow, measured: &RecentUsage, now: Timestamp) -> Option<Advice> {
    if !key.scopes.contains(Scope::Project) {
        return None;
    }
    let first = measured.daily.iter().find(|day| day.allowed > 0)?.day;
    let beside = Permissions::of(&[Permission::KeysManage, Permission::KeysFollow]);
    let shown = measured.permissions().without(beside);
    let predicts = shown == Permissions::of(&[Permission::ModelsPredict]);
    let kept = key.scopes.iter().filter(|scope| *scope != Scope::Project);
    let scopes = kept.chain([Scope::Inference]).collect();
    let (calls, days) = (measured.allowed(), measured.days);
    (predicts && now.since(first) >= HABIT).then_some(Advice::OnlyPredicts { scopes, calls, days })
}

impl Keys {
    /// Returns a key and its current advice, derived from the usage of the last `days`.
    pub async fn advice(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        days: u32,
    ) -> Result<(KeyRow, Vec<Advice>), OpError> {
        let key = self.read(by, id).await?;
        let measured = self.recent_usage_of(by, id, days).await?;
        let policy = self.store.policy(by.workspace).await?;
        let advice = advise(&key, &measured, policy, (self.clock)());
        Ok((key, advice))
    }

    /// Applies the scopes that the advice `code` suggests. Fails with [`OpError::Conflict`] if the advice no longer holds.
    pub async fn apply_advice(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        code: &str,
        days: u32,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let (key, advice) = self.advice(by, id, days).await?;
        let advised = advice.into_iter().filter(|one| one.code() == code).find_map(Advice::scopes);
        let scopes = advised.ok_or(OpError::Conflict)?;
        let patch = KeyPatch { scopes: Some(scopes), ..KeyPatch::default() };
        self.edit(by, id, patch, Some(&[key.revision])).await
    }
}

#[cfg(test)]
mod tests;
