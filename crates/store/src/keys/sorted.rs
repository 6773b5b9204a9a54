//! Pages of keys in an order that the caller chooses.

use keyrack_key::{Timestamp, WorkspaceId};

use super::list::{KeyFilter, matching, paused};
use super::row::{self, KeyRow, key_rows};
use crate::usage::day_of;
use crate::{Store, StoreError};

/// The value that keys are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// The newest key first.
    #[default]
    Created,
    /// By name, ignoring case.
    Name,
    /// The key with the latest allowed request first. Unused keys are last.
    LastUsed,
    /// The key that expires next first. Keys that never expire are last.
    Expires,
    /// The key with the most requests since the day (UTC) of `since` first.
    Usage { since: Timestamp },
}

/// A part of a sorted list of keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeySlice {
    pub order: KeyOrder,
    /// Whether the order is reversed.
    pub reversed: bool,
    /// The number of keys before the slice.
    pub skip: u32,
}

impl Store {
    /// Returns the matching keys of `workspace` in an order, from a position on, at most `filter.limit`. Ignores
    /// `filter.after`. Reads all matching keys except for [`KeyOrder::Created`].
    pub async fn sorted_keys(
        &self,
        workspace: WorkspaceId,
        filter: &KeyFilter<'_>,
        slice: KeySlice,
    ) -> Result<Vec<KeyRow>, StoreError> {
        let query =
            filter.bind_to(slice.sql(), workspace).bind(i64::from(filter.limit)).bind(i64::from(slice.skip));
        let query = match slice.order {
            KeyOrder::Usage { since } => query.bind(day_of(since)),
            _ => query,
        };
        query.fetch_list(self.readers(), |rows| row::fold(&rows)).await
    }
}

/// The identifier of a key starts with its time of creation.
macro_rules! by_id {
    ($direction:literal) => {
        key_rows!(
            matching!("k.*", concat!(" ORDER BY k.id ", $direction, " LIMIT $10 OFFSET $11")),
            concat!("k.id ", $direction)
        )
    };
}

macro_rules! sorted {
    ($value:expr, $direction:literal) => {
        key_rows!(
            matching!(
                concat!(
                    "k.*, row_number() OVER (ORDER BY ",
                    $value,
                    " ",
                    $direction,
                    ", k.id DESC) AS place"
                ),
                " ORDER BY place LIMIT $10 OFFSET $11"
            ),
            "k.place"
        )
    };
}

macro_rules! last_used {
    () => {
        "coalesce((SELECT u.at FROM key_uses u WHERE u.key_id = k.id), 0)"
    };
}

macro_rules! expires {
    () => {
        "coalesce(k.expires_at, 9223372036854775807)"
    };
}

macro_rules! requests {
    () => {
        "(SELECT coalesce(sum(d.allowed + d.refused), 0) FROM key_days d WHERE d.key_id = k.id AND d.day >= $12)"
    };
}

impl KeySlice {
    const fn sql(self) -> &'static str {
        match (self.order, self.reversed) {
            (KeyOrder::Created, false) => by_id!("DESC"),
            (KeyOrder::Created, true) => by_id!("ASC"),
            (KeyOrder::Name, false) => sorted!("k.folded", "ASC"),
            (KeyOrder::Name, true) => sorted!("k.folded", "DESC"),
            (KeyOrder::LastUsed, false) => sorted!(last_used!(), "DESC"),
            (KeyOrder::LastUsed, true) => sorted!(last_used!(), "ASC"),
            (KeyOrder::Expires, false) => sorted!(expires!(), "ASC"),
            (KeyOrder::Expires, true) => sorted!(expires!(), "DESC"),
            (KeyOrder::Usage { .. }, false) => sorted!(requests!(), "DESC"),
            (KeyOrder::Usage { .. }, true) => sorted!(requests!(), "ASC"),
        }
    }
}
