//! The feed that fills racks: a snapshot of all keys, or the changes since a position. Also numbers the changes.

use std::ops::ControlFlow;

use keyrack_key::{Digest, KeyId, SecretState, Timestamp, WorkspaceId};
use keyrack_rack::{ChangeId, Feed, FeedUpdate, Frame, KeyRecord, Position, Revision, SnapshotReader};

use crate::database::{self, Connection, Query, Row, query};
use crate::{Store, StoreError, record, snapshot};

macro_rules! changed {
    ($which:literal) => {
        concat!(
            "SELECT k.id, k.revision, k.workspace_id, k.name, k.class, k.scopes, k.permissions, k.restrictions,
                    k.expires_at, k.deleted_at, k.paused_at, k.paused_until, s.digest, s.retires_at
             FROM keys k
             LEFT JOIN key_secrets s ON s.key_id = k.id
             WHERE k.revision > $1 ",
            $which,
            "ORDER BY k.revision, s.created_at"
        )
    };
}

const CHANGED: &str = changed!("");
const CHANGED_OF_ONE: &str = changed!("AND +k.workspace_id = $2 ");

/// The feed of a single workspace, for nodes that may not see others. Its frames end at the position of the whole
/// feed, so that changes of other workspaces leave no gap.
#[derive(Clone, Debug)]
pub struct WorkspaceFeed {
    store: Store,
    workspace: WorkspaceId,
}

impl Store {
    /// Returns the feed for the nodes of `workspace`.
    pub fn workspace_feed(&self, workspace: WorkspaceId) -> WorkspaceFeed {
        WorkspaceFeed { store: self.clone(), workspace }
    }
}

impl Feed for Store {
    type Error = StoreError;

    async fn snapshot(&self, tombstones_since: Timestamp) -> Result<SnapshotReader<StoreError>, StoreError> {
        snapshot::read(self.path(), tombstones_since, None).await
    }

    async fn after(&self, position: Position) -> Result<FeedUpdate, StoreError> {
        changed(self, position, |after| query(CHANGED).bind(after)).await
    }
}

impl Feed for WorkspaceFeed {
    type Error = StoreError;

    async fn snapshot(&self, tombstones_since: Timestamp) -> Result<SnapshotReader<StoreError>, StoreError> {
        snapshot::read(self.store.path(), tombstones_since, Some(self.workspace)).await
    }

    async fn after(&self, position: Position) -> Result<FeedUpdate, StoreError> {
        let workspace = self.workspace.to_string();
        let of_one = |after| query(CHANGED_OF_ONE).bind(after).bind(workspace);
        changed(&self.store, position, of_one).await
    }
}

/// Returns the changes after `position`. `query` builds the query for the changes after a revision.
async fn changed(
    store: &Store,
    position: Position,
    query: impl FnOnce(i64) -> Query,
) -> Result<FeedUpdate, StoreError> {
    let mut db = store.read().await?;
    let to = head(&mut db).await?;
    // The most frequent case: nothing has changed.
    if position == to {
        return Ok(FeedUpdate::Frame(Frame { from: position, to, changes: Vec::new() }));
    }
    if !is_known(&mut db, position).await? {
        return Ok(FeedUpdate::Reload);
    }
    // Each changed key occurs once, in its current state, because a change updates the revision of the key's row. All
    // secrets of the key are included; rotation removes those that expired long ago.
    let changes = records(&mut db, query(database::column(position.revision.0))).await?;
    Ok(FeedUpdate::Frame(Frame { from: position, to, changes }))
}

/// Takes the next revision for a change of `key`. Call this as late as possible: until the commit, every other change
/// of a key in any workspace waits.
pub(crate) async fn next_revision(
    db: &mut Connection,
    key: KeyId,
    change: ChangeId,
    now: Timestamp,
) -> Result<Revision, StoreError> {
    let row =
        query("UPDATE feed_head SET revision = revision + 1, change_id = $1 WHERE id = 1 RETURNING revision")
            .bind(&change.0[..])
            .fetch_one(&mut *db)
            .await?;
    let revision = database::number(&row, "revision")?;
    query("INSERT INTO changes (revision, change_id, key_id, at) VALUES ($1, $2, $3, $4)")
        .bind(database::column(revision))
        .bind(&change.0[..])
        .bind(key.to_string())
        .bind(now.micros())
        .execute(db)
        .await?;
    Ok(Revision(revision))
}

async fn head(db: &mut Connection) -> Result<Position, StoreError> {
    let row = query("SELECT revision, change_id FROM feed_head WHERE id = 1").fetch_one(db).await?;
    Ok(Position {
        revision: Revision(database::number(&row, "revision")?),
        change: ChangeId(database::bytes(&row, "change_id")?),
    })
}

/// Returns whether `position` belongs to this history, and not to one that a backup or failover has replaced.
async fn is_known(db: &mut Connection, position: Position) -> Result<bool, StoreError> {
    let row = query("SELECT revision FROM changes WHERE revision = $1 AND change_id = $2")
        .bind(database::column(position.revision.0))
        .bind(&position.change.0[..])
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

/// Reads the keys. There is a row for each secret of a key.
async fn records(db: &mut Connection, query: Query) -> Result<Vec<KeyRecord>, StoreError> {
    let step = |mut records: Vec<KeyRecord>, row: Row| {
        let revision = Revision(database::number(&row, "revision")?);
        let secret = secret(&row)?;
        match records.last_mut() {
            Some(last) if last.revision == revision => last.secrets.extend(secret),
            _ => records.push(record_of(&row, revision, secret)?),
        }
        Ok(ControlFlow::Continue(records))
    };
    query.fold(db, Vec::new(), step).await
}

fn record_of(
    row: &Row,
    revision: Revision,
    secret: Option<(Digest, SecretState)>,
) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        key: database::parsed(row, "id")?,
        revision,
        workspace: database::parsed(row, "workspace_id")?,
        name: row.try_get::<&str>("name")?.into(),
        class: database::parsed(row, "class")?,
        scopes: record::scopes(row.try_get("scopes")?),
        terms: record::terms(row)?,
        secrets: secret.into_iter().collect(),
    })
}

fn secret(row: &Row) -> Result<Option<(Digest, SecretState)>, StoreError> {
    if row.try_get::<Option<&[u8]>>("digest")?.is_none() {
        return Ok(None);
    }
    let digest = Digest::from_bytes(database::bytes(row, "digest")?);
    let state = record::secret_state(database::time_optional(row, "retires_at")?);
    Ok(Some((digest, state)))
}
