//! Recorded usage of keys: requests, callers, denials, and exposures.

use std::collections::HashMap;
use std::time::Duration;

use keyrack_key::{Hint, KeyId, Permissions, Timestamp};
use keyrack_store::{
    CallerCursor, CallerRow, DailyUsage, DeniedRequest, ExposureRecord, KeyRow, Page, SecretUsage, Usage,
};

use super::Keys;
use crate::{AuthorizedCaller, OpError};

const DAY: Duration = Duration::from_hours(24);

/// The usage of a key in a number of UTC days, today included.
#[derive(Clone, Debug)]
pub struct RecentUsage {
    /// The number of days, today included.
    pub days: u32,
    /// The days on which the key was used, earliest first.
    pub daily: Vec<DailyUsage>,
    /// The start of the first day, UTC.
    pub since: Timestamp,
    /// Exposures of secrets that still work, at any time, latest first.
    pub exposures: Vec<ExposureRecord>,
}

impl RecentUsage {
    /// The number of allowed requests.
    pub fn allowed(&self) -> u64 {
        self.daily.iter().map(|day| day.allowed).sum()
    }

    /// The number of denied requests.
    pub fn denied(&self) -> u64 {
        self.daily.iter().map(|day| day.denied).sum()
    }

    /// The number of requests on each day, earliest first. Days without requests are 0.
    pub fn by_day(&self) -> Vec<u64> {
        let mut all = vec![0; self.days as usize];
        for one in &self.daily {
            let day = one.day.since(self.since).as_secs() / DAY.as_secs();
            if let Some(place) = usize::try_from(day).ok().and_then(|day| all.get_mut(day)) {
                *place += one.allowed + one.denied;
            }
        }
        all
    }

    /// The permissions that allowed requests used.
    pub fn permissions(&self) -> Permissions {
        self.daily.iter().fold(Permissions::NONE, |all, day| all.union(day.permissions))
    }
}

/// The start of the first of `days` UTC days that end with the day of `now`.
pub fn first_of_days(now: Timestamp, days: u32) -> Timestamp {
    let micros = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    let today = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(micros));
    today.minus(DAY * days.saturating_sub(1))
}

impl Keys {
    /// Returns the usage of keys in the last `days`. Unused keys have an entry too.
    pub async fn recent_usage(
        &self,
        by: &AuthorizedCaller,
        keys: &[KeyId],
        days: u32,
    ) -> Result<HashMap<KeyId, RecentUsage>, OpError> {
        let now = (self.clock)();
        let since = first_of_days(now, days);
        let unused = || RecentUsage { days, daily: Vec::new(), since, exposures: Vec::new() };
        let mut all: HashMap<_, _> = keys.iter().map(|key| (*key, unused())).collect();
        if keys.is_empty() {
            return Ok(all);
        }
        for day in self.store.daily_usage(by.workspace, keys, since).await? {
            all.entry(day.key).or_insert_with(unused).daily.push(day);
        }
        for seen in self.store.exposures(by.workspace, keys, now).await? {
            all.entry(seen.key).or_insert_with(unused).exposures.push(seen);
        }
        Ok(all)
    }

    /// Returns the usage of one key in the last `days`.
    pub async fn recent_usage_of(
        &self,
        by: &AuthorizedCaller,
        key: KeyId,
        days: u32,
    ) -> Result<RecentUsage, OpError> {
        let mut all = self.recent_usage(by, &[key], days).await?;
        all.remove(&key).ok_or(OpError::NotFound("key"))
    }

    /// Returns the usage of a key in the last `days`, by day.
    pub async fn usage_by_day(
        &self,
        by: &AuthorizedCaller,
        key: KeyId,
        days: u32,
    ) -> Result<Vec<Usage>, OpError> {
        Ok(self.store.usage_by_day(by.workspace, key, first_of_days((self.clock)(), days)).await?)
    }

    /// Returns the callers of a key, latest caller first, with their requests in the last `days`.
    pub async fn callers(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        days: u32,
        after: Option<CallerCursor>,
        limit: u32,
    ) -> Result<(KeyRow, Page<CallerRow, CallerCursor>), OpError> {
        let key = self.read(by, id).await?;
        let since = first_of_days((self.clock)(), days);
        let page = self.store.callers(by.workspace, id, since, after, limit).await?;
        Ok((key, page))
    }

    /// Returns the last caller of a replaced secret, and the number of callers. Returns `None` if no request was allowed.
    pub async fn old_secret_usage(
        &self,
        by: &AuthorizedCaller,
        key: KeyId,
        hint: Hint,
    ) -> Result<Option<SecretUsage>, OpError> {
        Ok(self.store.secret_usage(by.workspace, key, hint).await?)
    }

    /// Returns the latest denied requests, at most `most`.
    pub async fn denied_requests(
        &self,
        by: &AuthorizedCaller,
        key: KeyId,
        most: u32,
    ) -> Result<Vec<DeniedRequest>, OpError> {
        Ok(self.store.denied_requests(by.workspace, key, most).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daily_usage_ends_today_and_includes_empty_days() {
        let now = Timestamp::from_micros(1_795_381_706_000_000);
        let since = first_of_days(now, 30);
        assert_eq!(crate::times::rfc3339(since), "2026-10-24T00:00:00Z");
        let key = "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap();
        let day = |day, allowed| DailyUsage { key, day, allowed, denied: 1, permissions: Permissions::NONE };
        let used = vec![day(since, 2), day(first_of_days(now, 1), 6)];
        let all = RecentUsage { days: 30, daily: used, since, exposures: Vec::new() }.by_day();
        assert_eq!((all.len(), all[0], all[29], all.iter().sum::<u64>()), (30, 3, 7, 10));
    }
}
