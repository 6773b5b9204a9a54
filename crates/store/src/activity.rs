//! Reads the audit log of a workspace: filtered, in pages, with the current names of actors and targets.

use keyrack_key::{Timestamp, WorkspaceId};

use crate::database::{self, Query, Row, query};
use crate::keys::containing;
use crate::{Actor, AuditAction, ChainedEntry, Page, Store, StoreError};

/// Which audit entries to return. Conditions that are `Some` must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// The author of the entry.
    pub actor: Option<Actor>,
    pub action: Option<AuditAction>,
    /// The ID of the target.
    pub target: Option<String>,
    /// A text in the current name of the key, project, or model, ignoring case.
    pub text: Option<String>,
    /// The earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// The latest time, exclusive.
    pub until: Option<Timestamp>,
}

/// An audit entry with the current names of its actor and target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityEntry {
    /// The entry as the chain hashes it.
    pub link: ChainedEntry,
    /// The stored hash.
    pub hash: [u8; 32],
    /// The current name of the person or key that acted, if it still exists.
    pub actor_name: Option<String>,
    /// The current name of the target, if it still exists.
    pub target_name: Option<String>,
}

macro_rules! entries {
    ($actor:literal, $target:literal, $range:literal, $order:literal) => {
        // `user:` has five characters and `key:` four. The remainder of other actors isn't an ID.
        concat!(
            "SELECT a.*, coalesce(u.name, c.name) AS actor_name, coalesce(k.name, p.name, m.name, t.name) AS target_name
             FROM audit a
             LEFT JOIN users u ON u.id = substr(a.actor, 6)
             LEFT JOIN keys c ON c.id = substr(a.actor, 5)
             LEFT JOIN keys k ON k.id = a.target
             LEFT JOIN projects p ON p.id = a.target
             LEFT JOIN models m ON m.id = a.target
             LEFT JOIN users t ON t.id = a.target
             WHERE a.workspace_id = $1 AND ", $range, " AND ", $actor, " AND ", $target, "
               AND ($6 IS NULL OR a.action = $6)
               AND ($7 IS NULL OR a.at >= $7)
               AND ($8 IS NULL OR a.at < $8)
               AND ($9 IS NULL OR a.target IN (
                    SELECT id FROM keys WHERE workspace_id = $1 AND folded LIKE $9 ESCAPE '\\'
                    UNION ALL SELECT id FROM projects WHERE workspace_id = $1 AND folded LIKE $9 ESCAPE '\\'
                    UNION ALL SELECT id FROM models WHERE workspace_id = $1 AND folded LIKE $9 ESCAPE '\\'))
             ORDER BY a.seq ", $order, " LIMIT $10"
        )
    };
}

/// Each filter needs its own statement, because SQLite uses an index only for conditions in the statement. The plus
/// sign hides the far end of the range from the planner, which would otherwise prefer the primary key.
macro_rules! statement_for {
    ($filter:expr, $range:literal, $order:literal) => {
        match ($filter.actor, &$filter.target) {
            (_, Some(_)) => entries!("($4 IS NULL OR a.actor = $4)", "a.target = $5", $range, $order),
            (Some(_), None) => entries!("a.actor = $4", "$5 IS NULL", $range, $order),
            (None, None) => entries!("$4 IS NULL", "$5 IS NULL", $range, $order),
        }
    };
}

/// Steps from one actor to the next in the index instead of scanning all entries.
const ACTORS: &str = "WITH RECURSIVE seen (actor) AS (
        SELECT min(actor) FROM audit WHERE workspace_id = $1
        UNION ALL
        SELECT (SELECT min(a.actor) FROM audit a WHERE a.workspace_id = $1 AND a.actor > s.actor)
        FROM seen s WHERE s.actor IS NOT NULL)
    SELECT s.actor, coalesce(u.name, c.name) AS actor_name FROM seen s
    LEFT JOIN users u ON u.id = substr(s.actor, 6)
    LEFT JOIN keys c ON c.id = substr(s.actor, 5)
    WHERE s.actor IS NOT NULL LIMIT $2";

impl ActivityFilter {
    /// Returns whether the filter matches every entry.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn bind_to(
        &self,
        sql: &'static str,
        workspace: WorkspaceId,
        after: u64,
        before: u64,
        limit: u32,
    ) -> Query {
        query(sql)
            .bind(workspace.to_string())
            .bind(database::column(after))
            .bind(database::column(before))
            .bind(self.actor.map(|actor| actor.to_string()))
            .bind(self.target.clone())
            .bind(self.action.map(AuditAction::name))
            .bind(self.from.map(Timestamp::micros))
            .bind(self.until.map(Timestamp::micros))
            .bind(self.text.as_deref().map(containing))
            .bind(i64::from(limit))
            .blocking()
    }
}

impl Store {
    /// Returns a page of the audit log of `workspace`, newest first, starting before the entry number `before`.
    pub async fn activity(
        &self,
        workspace: WorkspaceId,
        filter: &ActivityFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<ActivityEntry, u64>, StoreError> {
        let sql = statement_for!(filter, "a.seq < $3 AND +a.seq > $2", "DESC");
        let before = before.unwrap_or(u64::MAX);
        let query = filter.bind_to(sql, workspace, 0, before, limit.saturating_add(1));
        let items = query.fetch_list(self.readers(), |rows| read(&rows)).await?;
        Ok(Page::of(items, limit, |entry| entry.link.seq.unsigned_abs()))
    }

    /// Returns up to `limit` entries of `workspace` after the number `after` and up to `last`, oldest first. Entries
    /// never change, so the pages of several calls form one consistent log.
    pub async fn activity_after(
        &self,
        workspace: WorkspaceId,
        filter: &ActivityFilter,
        after: u64,
        last: u64,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, StoreError> {
        let sql = statement_for!(filter, "a.seq > $2 AND +a.seq < $3", "ASC");
        let query = filter.bind_to(sql, workspace, after, last.saturating_add(1), limit);
        query.fetch_list(self.readers(), |rows| read(&rows)).await
    }

    /// Returns the number of audit entries of `workspace`.
    pub async fn activity_length(&self, workspace: WorkspaceId) -> Result<u64, StoreError> {
        let row = query("SELECT audited FROM workspaces WHERE id = $1")
            .bind(workspace.to_string())
            .fetch_optional(self.readers())
            .await?
            .ok_or(StoreError::NotFound)?;
        database::number(&row, "audited")
    }

    /// Returns up to `most` actors in the audit log of `workspace`, with their current names.
    pub async fn activity_actors(
        &self,
        workspace: WorkspaceId,
        most: u32,
    ) -> Result<Vec<(Actor, Option<String>)>, StoreError> {
        let rows =
            query(ACTORS).bind(workspace.to_string()).bind(i64::from(most)).fetch_all(self.readers()).await?;
        // Skip actors that this version can't parse. The list of entries still shows them.
        let actors =
            rows.iter().map(|row| Ok((database::parsed(row, "actor").ok(), row.try_get("actor_name")?)));
        let actors: Vec<(Option<Actor>, _)> = actors.collect::<Result<_, StoreError>>()?;
        Ok(actors.into_iter().filter_map(|(actor, name)| Some((actor?, name))).collect())
    }
}

fn read(rows: &[Row]) -> Result<Vec<ActivityEntry>, StoreError> {
    rows.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<ActivityEntry, StoreError> {
    Ok(ActivityEntry {
        link: ChainedEntry {
            version: row.try_get("version")?,
            workspace: row.try_get("workspace_id")?,
            seq: row.try_get("seq")?,
            at: row.try_get("at")?,
            actor: text(row, "actor")?,
            action: text(row, "action")?,
            target: text(row, "target")?,
            detail: text(row, "detail")?,
            prev: database::bytes(row, "prev")?,
        },
        hash: database::bytes(row, "hash")?,
        actor_name: row.try_get("actor_name")?,
        target_name: row.try_get("target_name")?,
    })
}

/// A tampered text may not be UTF-8. It is shown as far as possible; its hash reveals that it was changed.
fn text(row: &Row, column: &'static str) -> Result<String, StoreError> {
    row.try_get::<String>(column).or_else(|_| {
        let bytes: &[u8] = row.try_get(column)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    })
}
