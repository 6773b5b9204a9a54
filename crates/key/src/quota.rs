//! How much a key may do in a day or a month of the calendar: so many predictions, images or training runs.
//!
//! Days and months are those of UTC, for everybody alike: a day begins at midnight, a month with its first day.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Denial, Permission, Timestamp};

/// The most that a quota can name.
const MOST: u32 = 1_000_000_000;
/// The most days that a month has.
const LONGEST_MONTH: u64 = 31;
const DAY: i64 = 24 * 3_600 * 1_000_000;

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// Answers of models.
    Predictions,
    /// Pictures that become records of a dataset.
    Images,
    /// Training runs that are begun.
    Trainings,
}

/// How long a quota lasts before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// From midnight to midnight, UTC.
    Day,
    /// From the first of a month to the first of the next, UTC.
    Month,
}

/// A text that names nothing that is counted, or no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownQuota {
    /// What is counted.
    #[error("expected predictions, images or trainings")]
    Counted,
    /// How long.
    #[error("expected day or month")]
    Period,
}

impl Counted {
    /// All that can be counted.
    pub const ALL: [Self; 3] = [Self::Predictions, Self::Images, Self::Trainings];

    /// `predictions` and so on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Images => "images",
            Self::Trainings => "trainings",
        }
    }

    /// What a request needs that is counted.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Predictions => Permission::ModelsPredict,
            Self::Images => Permission::DatasetsUpload,
            Self::Trainings => Permission::ModelsTrain,
        }
    }

    /// What a key does that uses one, and what one is called.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Predictions => ("make", "prediction"),
            Self::Images => ("upload", "image"),
            Self::Trainings => ("begin", "training run"),
        }
    }
}

impl Period {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// `day` or `month`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The day or the month that `now` lies in.
    pub fn around(self, now: Timestamp) -> Window {
        let today = now.micros().div_euclid(DAY);
        let (first, next) = match self {
            Self::Day => (today, today + 1),
            Self::Month => {
                let first = today - day_of_month(today);
                // So many days after its first day every month is over, and the next is not.
                let beyond = first + 31;
                (first, beyond - day_of_month(beyond))
            }
        };
        let begin = |day: i64| Timestamp::from_micros(day.saturating_mul(DAY));
        Window { begins: begin(first), ends: begin(next) }
    }
}

/// How many days of its month came before a day, of which so many came before 1 January 1970 began.
/// (Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`: years begin in March there.)
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
    /// Its first moment.
    pub begins: Timestamp,
    /// The first moment of the one after it.
    pub ends: Timestamp,
}

/// At most so many of something in each day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// What is counted.
    pub of: Counted,
    /// How many of it: from 1 to 1,000,000,000.
    #[serde(deserialize_with = "in_range")]
    pub limit: NonZeroU32,
    /// In how long.
    pub per: Period,
}

/// A number that is no limit of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number from 1 to {MOST}")]
pub struct LimitError;

impl Quota {
    /// For a message.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as they are borrowed from an error")]
    pub(crate) const fn said(of: &Counted, limit: &NonZeroU32, per: &Period) -> Self {
        Self { of: *of, limit: *limit, per: *per }
    }

    /// At most `limit`, from 1 to 1,000,000,000.
    pub fn new(of: Counted, limit: u32, per: Period) -> Result<Self, LimitError> {
        let limit = NonZeroU32::new(limit).filter(|limit| limit.get() <= MOST).ok_or(LimitError)?;
        Ok(Self { of, limit, per })
    }
}

fn in_range<'de, D: Deserializer<'de>>(limit: D) -> Result<NonZeroU32, D::Error> {
    let limit = u32::deserialize(limit)?;
    NonZeroU32::new(limit).filter(|limit| limit.get() <= MOST).ok_or_else(|| D::Error::custom(LimitError))
}

/// How a key stands with a quota in the day or month that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The quota.
    pub quota: Quota,
    /// What was used. More than the quota where that was more before.
    pub used: u32,
    /// The day or the month.
    pub window: Window,
}

impl Standing {
    /// What is left.
    pub const fn left(self) -> u32 {
        self.quota.limit.get().saturating_sub(self.used)
    }

    /// The seconds from `now` until there is all of it again, rounded up: at least 1.
    pub fn resets_in(self, now: Timestamp) -> u32 {
        u32::try_from(self.window.ends.since(now).as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
    }

    /// The refusal for somebody who wants one more and for whom there is none.
    pub fn denial(self, now: Timestamp) -> Denial {
        let Quota { of, limit, per } = self.quota;
        Denial::Quota { of, per, limit, used: self.used, wait: self.resets_in(now) }
    }
}

/// The quotas of a key: one at most of each kind for each period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas([Option<NonZeroU32>; Counted::ALL.len() * Period::ALL.len()]);

/// Two quotas count the same in the same period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is already a quota of {} per {}", .0.of.name(), .0.per.name())]
pub struct TwiceError(pub Quota);

impl Quotas {
    /// As much as there is.
    pub const NONE: Self = Self([None; Counted::ALL.len() * Period::ALL.len()]);

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Adds one.
    pub fn add(&mut self, quota: Quota) -> Result<(), TwiceError> {
        match self.0[place(quota.of, quota.per)].replace(quota.limit) {
            None => Ok(()),
            Some(_) => Err(TwiceError(quota)),
        }
    }

    /// All of them: in the order of what they count, the day's before the month's.
    pub fn iter(&self) -> impl Iterator<Item = Quota> {
        let of = move |of| Period::ALL.map(move |per| self.one(of, per));
        Counted::ALL.into_iter().flat_map(of).flatten()
    }

    /// Those that count one thing.
    pub fn of(&self, of: Counted) -> impl Iterator<Item = Quota> {
        Period::ALL.map(|per| self.one(of, per)).into_iter().flatten()
    }

    /// One of them.
    pub fn one(&self, of: Counted, per: Period) -> Option<Quota> {
        self.0[place(of, per)].map(|limit| Quota { of, limit, per })
    }

    /// Whether `other` lets through all that `self` does. A month's quota bounds each of its days too, and a day's the month.
    pub fn is_within(&self, other: &Self) -> bool {
        other.iter().all(|outer| {
            let own = |per| self.one(outer.of, per).map(|own| u64::from(own.limit.get()));
            let most = match outer.per {
                Period::Day => [own(Period::Day), own(Period::Month)],
                Period::Month => [own(Period::Month), own(Period::Day).map(|day| day * LONGEST_MONTH)],
            };
            most.into_iter().flatten().any(|most| most <= u64::from(outer.limit.get()))
        })
    }
}

const fn place(of: Counted, per: Period) -> usize {
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

impl FromStr for Counted {
    type Err = UnknownQuota;

    fn from_str(text: &str) -> Result<Self, UnknownQuota> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(UnknownQuota::Counted)
    }
}

impl FromStr for Period {
    type Err = UnknownQuota;

    fn from_str(text: &str) -> Result<Self, UnknownQuota> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(UnknownQuota::Period)
    }
}

/// What a key may do: "make 1000 predictions a day".
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (does, what) = self.of.words();
        let plural = if self.limit.get() == 1 { "" } else { "s" };
        write!(f, "{does} {} {what}{plural} a {}", self.limit, self.per.name())
    }
}

#[cfg(test)]
mod tests;
