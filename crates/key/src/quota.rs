//! Quotas: how many predictions, images, or training runs a key may use in a calendar day or month.
//!
//! Days and months are in UTC for every workspace. Each day starts at midnight, each month on its first day.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::numbers::grouped;
use crate::{Denial, Permission, Timestamp};

/// The largest limit of a quota.
const LIMIT_MAX: u32 = 1_000_000_000;
/// The number of days in the longest month.
const DAYS_PER_MONTH_MAX: u64 = 31;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// The resource that a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaResource {
    /// Predictions of models.
    Predictions,
    /// Images that are added to a dataset.
    Images,
    /// Training runs that are started.
    Trainings,
}

/// The period after which a quota resets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day from midnight to midnight, UTC.
    Day,
    /// A calendar month, UTC.
    Month,
}

/// The text names no resource or no period of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownQuota {
    /// The text names no [`QuotaResource`].
    #[error("Use predictions, images, or trainings.")]
    Resource,
    /// The text names no [`Period`].
    #[error("Use day or month.")]
    Period,
}

impl QuotaResource {
    /// Every resource, in the order in which [`Quotas::iter`] returns them.
    pub const ALL: [Self; 3] = [Self::Predictions, Self::Images, Self::Trainings];

    /// Returns the name in the API and in the store: `predictions`, `images`, or `trainings`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Images => "images",
            Self::Trainings => "trainings",
        }
    }

    /// Returns the permission of the requests that use this resource.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Predictions => Permission::ModelsPredict,
            Self::Images => Permission::DatasetsUpload,
            Self::Trainings => Permission::ModelsTrain,
        }
    }

    /// Returns a noun in the singular, for messages.
    const fn noun(self) -> &'static str {
        match self {
            Self::Predictions => "prediction",
            Self::Images => "image",
            Self::Trainings => "training run",
        }
    }
}

impl Period {
    /// Both periods, in the order in which [`Quotas::iter`] returns them.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// Returns the name in the API and in the store: `day` or `month`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Returns the day or month that contains `now`.
    pub fn around(self, now: Timestamp) -> Window {
        let today = now.micros().div_euclid(DAY_MICROS);
        let (first, next) = match self {
            Self::Day => (today, today + 1),
            Self::Month => {
                let first = today - day_of_month(today);
                // 31 days after the first day of a month is always in the next month.
                let in_next_month = first + 31;
                (first, in_next_month - day_of_month(in_next_month))
            }
        };
        let midnight = |day: i64| Timestamp::from_micros(day.saturating_mul(DAY_MICROS));
        Window { start: midnight(first), end: midnight(next) }
    }
}

/// Returns the day of the month, from 0, for a day that is counted from 1 January 1970. Source: Howard
/// Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`, where years start in March.
const fn day_of_month(day: i64) -> i64 {
    let in_era = (day + 719_468).rem_euclid(146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    in_year - (153 * month + 2) / 5
}

/// One day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment of the period.
    pub start: Timestamp,
    /// The first moment of the following period.
    pub end: Timestamp,
}

/// A limit on one resource for each day or month.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Period, Quota, QuotaResource};
///
/// let quota = Quota::new(QuotaResource::Predictions, 1_000, Period::Day)?;
/// assert_eq!(quota.to_string(), "1,000 predictions per day");
/// # Ok::<(), keyrack_key::LimitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The resource that is limited.
    pub of: QuotaResource,
    /// The limit: from 1 to 1,000,000,000.
    #[serde(deserialize_with = "in_range")]
    pub limit: NonZeroU32,
    /// The period for which the limit holds.
    pub per: Period,
}

/// The number is not a valid limit of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use a whole number from 1 to 1,000,000,000.")]
pub struct LimitError;

impl Quota {
    /// Rebuilds a quota from the fields of [`Denial::Quota`], to print it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "thiserror passes the fields by reference")]
    pub(crate) const fn from_parts(of: &QuotaResource, limit: &NonZeroU32, per: &Period) -> Self {
        Self { of: *of, limit: *limit, per: *per }
    }

    /// Creates a quota. Fails unless `limit` is from 1 to 1,000,000,000.
    pub fn new(of: QuotaResource, limit: u32, per: Period) -> Result<Self, LimitError> {
        let limit = NonZeroU32::new(limit).filter(|limit| limit.get() <= LIMIT_MAX).ok_or(LimitError)?;
        Ok(Self { of, limit, per })
    }
}

fn in_range<'de, D: Deserializer<'de>>(limit: D) -> Result<NonZeroU32, D::Error> {
    let limit = u32::deserialize(limit)?;
    NonZeroU32::new(limit)
        .filter(|limit| limit.get() <= LIMIT_MAX)
        .ok_or_else(|| D::Error::custom(LimitError))
}

/// How much of a quota a key has used in the current day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// The quota that the usage is compared with.
    pub quota: Quota,
    /// The used amount. It exceeds the limit if the limit was higher earlier in the period.
    pub used: u32,
    /// The current day or month.
    pub window: Window,
}

impl QuotaState {
    /// Returns how much is left; 0 if the limit is exceeded.
    pub const fn left(self) -> u32 {
        self.quota.limit.get().saturating_sub(self.used)
    }

    /// Returns the seconds from `now` until the next period, rounded up: at least 1.
    pub fn resets_in(self, now: Timestamp) -> u32 {
        u32::try_from(self.window.end.since(now).as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
    }

    /// Returns the denial for a request that needs more than is left.
    pub fn denial(self, now: Timestamp) -> Denial {
        let Quota { of, limit, per } = self.quota;
        Denial::Quota { of, per, limit, used: self.used, wait: self.resets_in(now) }
    }
}

/// The quotas of a key: at most one for each resource and period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas([Option<NonZeroU32>; QuotaResource::ALL.len() * Period::ALL.len()]);

/// The key already has a quota for this resource and period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There is already a quota of {} per {}.", .0.of.name(), .0.per.name())]
pub struct DuplicateQuota(pub Quota);

impl Quotas {
    /// No quota: everything is allowed.
    pub const NONE: Self = Self([None; QuotaResource::ALL.len() * Period::ALL.len()]);

    /// Returns `true` if the key has no quota.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Adds a quota. Fails if there is one for the same resource and period.
    pub fn add(&mut self, quota: Quota) -> Result<(), DuplicateQuota> {
        match self.0[index(quota.of, quota.per)].replace(quota.limit) {
            None => Ok(()),
            Some(_) => Err(DuplicateQuota(quota)),
        }
    }

    /// Iterates over all quotas, ordered by resource; the quota of the day precedes that of the month.
    pub fn iter(&self) -> impl Iterator<Item = Quota> {
        let of = move |of| Period::ALL.map(move |per| self.one(of, per));
        QuotaResource::ALL.into_iter().flat_map(of).flatten()
    }

    /// Iterates over the quotas of one resource.
    pub fn of(&self, of: QuotaResource) -> impl Iterator<Item = Quota> {
        Period::ALL.map(|per| self.one(of, per)).into_iter().flatten()
    }

    /// Returns the quota of a resource for a period.
    pub fn one(&self, of: QuotaResource, per: Period) -> Option<Quota> {
        self.0[index(of, per)].map(|limit| Quota { of, limit, per })
    }

    /// Returns `true` if `other` allows everything that `self` allows. A monthly quota also limits each day,
    /// and a daily quota also limits the month.
    pub fn is_within(&self, other: &Self) -> bool {
        other.iter().all(|outer| {
            let own = |per| self.one(outer.of, per).map(|own| u64::from(own.limit.get()));
            let most = match outer.per {
                Period::Day => [own(Period::Day), own(Period::Month)],
                Period::Month => [own(Period::Month), own(Period::Day).map(|day| day * DAYS_PER_MONTH_MAX)],
            };
            most.into_iter().flatten().any(|most| most <= u64::from(outer.limit.get()))
        })
    }
}

const fn index(of: QuotaResource, per: Period) -> usize {
    of as usize * Period::ALL.len() + per as usize
}

impl Serialize for Quotas {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Quotas {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut quotas = Self::NONE;
        for quota in Vec::deserialize(deserializer)? {
            quotas.add(quota).map_err(D::Error::custom)?;
        }
        Ok(quotas)
    }
}

impl FromStr for QuotaResource {
    type Err = UnknownQuota;

    fn from_str(text: &str) -> Result<Self, UnknownQuota> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(UnknownQuota::Resource)
    }
}

impl FromStr for Period {
    type Err = UnknownQuota;

    fn from_str(text: &str) -> Result<Self, UnknownQuota> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(UnknownQuota::Period)
    }
}

/// Prints the limit and its period: "1,000 predictions per day".
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.limit.get() == 1 { "" } else { "s" };
        write!(f, "{} {}{plural} per {}", grouped(self.limit.get()), self.of.noun(), self.per.name())
    }
}

#[cfg(test)]
mod tests;
