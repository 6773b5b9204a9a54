//! The history of a workspace as it is looked through: filtered, piece by piece, with the names that people know things by.

use keyrack_key::{Timestamp, WorkspaceId};

use crate::database::{self, Query, Row, query};
use crate::keys::containing;
use crate::{Actor, AuditAction, Link, Page, Store, StoreError};

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// What this one did.
    pub actor: Option<Actor>,
    /// This alone.
    pub action: Option<AuditAction>,
    /// What was done to the thing with this id.
    pub target: Option<String>,
    /// What was done to keys, projects and models with this text in their name, whatever the capitals.
    pub text: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// One entry, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityEntry {
    /// What it says.
    pub link: Link,
    /// The hash that stands beside it.
    pub hash: [u8; 32],
    /// What the person or the key that did it is called today.
    pub actor_name: Option<String>,
    /// What the thing is called today, if it is still there.
    pub target_name: Option<String>,
}

macro_rules! entries {
    ($actor:literal, $target:literal, $range:literal, $order:literal) => {
        // `user:` is five characters long and `key:` four, and what other actors have behind them is nobody's id.
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

/// An index is used for what stands in the query, and not for what may be left out of it: so there is one for each. Of the
/// range, the plus hides the end that is far away: with both, the primary key looks better than it is.
macro_rules! by_what_is_known {
    ($filter:expr, $range:literal, $order:literal) => {
        match ($filter.actor, &$filter.target) {
            (_, Some(_)) => entries!("($4 IS NULL OR a.actor = $4)", "a.target = $5", $range, $order),
            (Some(_), None) => entries!("a.actor = $4", "$5 IS NULL", $range, $order),
            (None, None) => entries!("$4 IS NULL", "$5 IS NULL", $range, $order),
        }
    };
}

/// From one actor to the next in the index, instead of over all that each of them did.
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
    /// Whether it leaves nothing out.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn ask(&self, sql: &'static str, workspace: WorkspaceId, after: u64, before: u64, limit: u32) -> Query {
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
            .aside()
    }
}

impl Store {
    /// A page of the history of `workspace`, newest first; what happened before the entry `before`, where the page before ended.
    pub async fn activity(
        &self,
        workspace: WorkspaceId,
        filter: &ActivityFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<ActivityEntry, u64>, StoreError> {
        let sql = by_what_is_known!(filter, "a.seq < $3 AND +a.seq > $2", "DESC");
        let before = before.unwrap_or(u64::MAX);
        let asked = filter.ask(sql, workspace, 0, before, limit.saturating_add(1));
        let items = read(&asked.fetch_all(self.readers()).await?)?;
        Ok(Page::of(items, limit, |entry| entry.link.seq.unsigned_abs()))
    }

    /// Up to `limit` entries of `workspace` after the entry `after` and up to `last`, oldest first. Entries never change,
    /// so that many pieces are one history, whatever is written meanwhile.
    pub async fn activity_after(
        &self,
        workspace: WorkspaceId,
        filter: &ActivityFilter,
        after: u64,
        last: u64,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, StoreError> {
        let sql = by_what_is_known!(filter, "a.seq > $2 AND +a.seq < $3", "ASC");
        let asked = filter.ask(sql, workspace, after, last.saturating_add(1), limit);
        read(&asked.fetch_all(self.readers()).await?)
    }

    /// How many entries the history of `workspace` has.
    pub async fn activity_length(&self, workspace: WorkspaceId) -> Result<u64, StoreError> {
        let row = query("SELECT audited FROM workspaces WHERE id = $1")
            .bind(workspace.to_string())
            .fetch_optional(self.readers())
            .await?
            .ok_or(StoreError::NotFound)?;
        database::number(&row, "audited")
    }

    /// Up to `most` of those who did something in `workspace`, with what they are called today.
    pub async fn activity_actors(
        &self,
        workspace: WorkspaceId,
        most: u32,
    ) -> Result<Vec<(Actor, Option<String>)>, StoreError> {
        let rows =
            query(ACTORS).bind(workspace.to_string()).bind(i64::from(most)).fetch_all(self.readers()).await?;
        // Whom this version does not know can be found in the list, if not by this.
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
        link: Link {
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

/// What was altered may be no text any more. It is shown as far as it can be: its hash tells that it is not what was written.
fn text(row: &Row, column: &'static str) -> Result<String, StoreError> {
    row.try_get::<String>(column).or_else(|_| {
        let bytes: &[u8] = row.try_get(column)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    })
}
