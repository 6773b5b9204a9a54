//! Finds, lists, and counts keys.

use keyrack_key::{Class, Hint, KeyId, Scope, Timestamp, WorkspaceId};

use super::row::{self, KeyRow, key_rows};
use crate::database::{self, Connection, Query, query};
use crate::{Page, Store, StoreError, names};

/// The status of a key, for filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyStatus {
    /// Any status.
    #[default]
    Any,
    /// Not deleted, not paused, and not expired.
    Live,
    /// Not deleted and not expired. May be paused.
    Standing,
    /// Paused and not deleted.
    Paused,
    /// Expired, but neither deleted nor paused.
    Expired,
    /// Deleted.
    Deleted,
}

/// The number of keys with each status. Each key has one status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    pub active: u64,
    pub paused: u64,
    pub expired: u64,
    pub deleted: u64,
}

/// Which keys to return. Conditions that are `Some` must all hold.
#[derive(Clone, Copy, Debug)]
pub struct KeyFilter<'a> {
    pub status: KeyStatus,
    /// The time at which the status is evaluated.
    pub now: Timestamp,
    /// A scope of the key.
    pub scope: Option<Scope>,
    pub class: Option<Class>,
    /// A part of the name, ignoring case, or the hint of a secret.
    pub text: Option<&'a str>,
    /// The latest expiry.
    pub expires_by: Option<Timestamp>,
    /// The keys to choose from. `None` for all keys.
    pub ids: Option<&'a [KeyId]>,
    /// The last key of the previous page. Counting ignores this field.
    pub after: Option<KeyId>,
    /// The most keys on a page.
    pub limit: u32,
}

impl KeyFilter<'_> {
    /// A filter for all keys, with 50 on a page.
    pub const fn any(now: Timestamp) -> Self {
        Self {
            status: KeyStatus::Any,
            now,
            scope: None,
            class: None,
            text: None,
            expires_by: None,
            ids: None,
            after: None,
            limit: 50,
        }
    }
}

macro_rules! paused {
    () => {
        "(k.paused_at IS NOT NULL AND (k.paused_until IS NULL OR k.paused_until > $3))"
    };
}

macro_rules! matching {
    ($what:expr, $rest:expr) => {
        concat!(
            "SELECT ",
            $what,
            " FROM keys k
             WHERE k.workspace_id = $1
               AND ($2 = 'any'
                 OR ($2 = 'deleted' AND k.deleted_at IS NOT NULL)
                 OR ($2 = 'paused' AND k.deleted_at IS NULL AND ",
            paused!(),
            ")
                 OR ($2 = 'expired' AND k.deleted_at IS NULL AND k.expires_at <= $3 AND NOT ",
            paused!(),
            ")
                 OR ($2 IN ('live', 'standing') AND k.deleted_at IS NULL
                   AND (k.expires_at IS NULL OR k.expires_at > $3) AND ($2 = 'standing' OR NOT ",
            paused!(),
            ")))
               AND ($4 IS NULL OR ' ' || k.scopes || ' ' LIKE $4)
               AND ($5 IS NULL OR k.class = $5)
               AND ($6 IS NULL OR k.folded LIKE $6 ESCAPE '\\'
                 OR k.id IN (SELECT s.key_id FROM key_secrets s WHERE s.hint = $7))
               AND ($8 IS NULL OR k.expires_at <= $8)
               AND ($9 IS NULL OR k.id IN (SELECT value FROM json_each($9)))",
            $rest
        )
    };
}

pub(super) use {matching, paused};

const ONE: &str = key_rows!("SELECT * FROM keys WHERE workspace_id = $1 AND id = $2");
const PAGE: &str = key_rows!(matching!("k.*", " AND k.id < $10 ORDER BY k.id DESC LIMIT $11"));
const COUNTS: &str = matching!(
    concat!(
        "coalesce(sum(k.deleted_at IS NOT NULL), 0) AS deleted,
         coalesce(sum(k.deleted_at IS NULL AND ",
        paused!(),
        "), 0) AS paused,
         coalesce(sum(k.deleted_at IS NULL AND k.expires_at <= $3 AND NOT ",
        paused!(),
        "), 0) AS expired,
         count(*) AS matching"
    ),
    ""
);

/// Sorts after every key ID, because `g` sorts after all hexadecimal digits.
const BEHIND_ALL: &str = "key_g";

impl Store {
    /// Returns the key `id` of `workspace`, even if the key is deleted.
    pub async fn key(&self, workspace: WorkspaceId, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        let mut db = self.readers().acquire().await?;
        one(&mut db, workspace, id).await
    }

    /// Returns a page of the matching keys of `workspace`, newest first.
    pub async fn keys(
        &self,
        workspace: WorkspaceId,
        filter: &KeyFilter<'_>,
    ) -> Result<Page<KeyRow, KeyId>, StoreError> {
        let keys = filter
            .bind_to(PAGE, workspace)
            .bind(filter.after.map_or_else(|| BEHIND_ALL.into(), |id| id.to_string()))
            .bind(i64::from(filter.limit) + 1)
            .fetch_list(self.readers(), |rows| row::fold(&rows))
            .await?;
        Ok(Page::of(keys, filter.limit, |key| key.id))
    }
}

impl Store {
    /// Returns the number of keys of `workspace` with each status that match the rest of `filter`.
    pub async fn count_keys_by_status(
        &self,
        workspace: WorkspaceId,
        filter: &KeyFilter<'_>,
    ) -> Result<KeyCounts, StoreError> {
        let any = KeyFilter { status: KeyStatus::Any, ..*filter };
        let row = any.bind_to(COUNTS, workspace).fetch_one(self.readers()).await?;
        let [paused, expired, deleted, all] =
            ["paused", "expired", "deleted", "matching"].map(|column| database::number(&row, column));
        let (paused, expired, deleted) = (paused?, expired?, deleted?);
        Ok(KeyCounts { active: all? - paused - expired - deleted, paused, expired, deleted })
    }
}

pub(super) async fn one(
    db: &mut Connection,
    workspace: WorkspaceId,
    id: KeyId,
) -> Result<Option<KeyRow>, StoreError> {
    let rows = query(ONE).bind(workspace.to_string()).bind(id.to_string()).fetch_all(db).await?;
    Ok(row::fold(&rows)?.pop())
}

impl KeyFilter<'_> {
    pub(super) fn bind_to(&self, sql: &'static str, workspace: WorkspaceId) -> Query {
        query(sql)
            .bind(workspace.to_string())
            .bind(self.status.word())
            .bind(self.now.micros())
            .bind(self.scope.map(|scope| format!("% {scope} %")))
            .bind(self.class.map(Class::name))
            .bind(self.text.map(containing))
            .bind(self.text.and_then(Hint::parse).map(|hint| hint.to_string()))
            .bind(self.expires_by.map(Timestamp::micros))
            .bind(self.ids.map(json_list))
    }
}

impl KeyStatus {
    const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Live => "live",
            Self::Standing => "standing",
            Self::Paused => "paused",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }
}

/// Returns a list of IDs for `json_each`.
pub(crate) fn json_list(ids: &[KeyId]) -> String {
    serde_json::Value::from(ids.iter().map(KeyId::to_string).collect::<Vec<_>>()).to_string()
}

/// Returns the `LIKE` pattern for names that contain `text`, with `%` and `_` escaped.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in names::folded(text).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
