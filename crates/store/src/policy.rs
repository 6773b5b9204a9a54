//! The name of a workspace and its policy for keys. Owners and admins edit both.

use std::time::Duration;

use keyrack_key::{KeyId, Timestamp, WorkspaceId};
use serde_json::{Map, Value, json};

use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{self, Connection, Row, query};
use crate::workspaces::workspace;
use crate::{Actor, AuthorizedStore, Page, Store, StoreError, Workspace};

/// A workspace's policy for keys. `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The longest life of a key, in days.
    pub longest_life: Option<u32>,
    /// The number of days after which a secret counts as old.
    pub rotation_age: Option<u32>,
}

impl Policy {
    /// Returns the latest expiry that a key may have at `now`.
    pub fn latest_end(self, now: Timestamp) -> Option<Timestamp> {
        self.longest_life.map(|life| now.plus(days(life)))
    }

    /// Returns the time before which secrets count as old at `now`.
    pub fn old_before(self, now: Timestamp) -> Option<Timestamp> {
        self.rotation_age.map(|age| now.minus(days(age)))
    }
}

fn days(days: u32) -> Duration {
    Duration::from_hours(u64::from(days) * 24)
}

/// Changes to a workspace. `None` leaves a field unchanged.
#[derive(Clone, Copy, Debug)]
pub struct EditWorkspace<'a> {
    pub workspace: WorkspaceId,
    /// The name: 1 to 100 characters.
    pub name: Option<&'a str>,
    /// The longest life of a key in days. `Some(None)` removes the limit.
    pub longest_life: Option<Option<u32>>,
    /// The rotation age in days. `Some(None)` removes the limit.
    pub rotation_age: Option<Option<u32>>,
    pub actor: Actor,
    pub now: Timestamp,
}

impl Store {
    /// Returns the policy of `workspace`.
    pub async fn policy(&self, workspace: WorkspaceId) -> Result<Policy, StoreError> {
        let mut db = self.readers().acquire().await?;
        Ok(one(&mut db, workspace).await?.1)
    }

    /// Returns the newest `most` keys of `workspace` that never expire or expire after `end`, without deleted ones.
    pub async fn keys_expiring_after(
        &self,
        workspace: WorkspaceId,
        end: Timestamp,
        most: u32,
    ) -> Result<Page<(KeyId, String), KeyId>, StoreError> {
        let rows = query(
            "SELECT k.id, k.name FROM keys k
             WHERE k.workspace_id = $1 AND k.deleted_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
             ORDER BY k.id DESC LIMIT $3",
        )
        .bind(workspace.to_string())
        .bind(end.micros())
        .bind(i64::from(most) + 1)
        .fetch_all(self.readers())
        .await?;
        page(&rows, most)
    }

    /// Returns the newest `most` keys of `workspace` that aren't deleted or expired at `now`, and whose current
    /// secret was created before `made`.
    pub async fn keys_not_rotated(
        &self,
        workspace: WorkspaceId,
        made: Timestamp,
        now: Timestamp,
        most: u32,
    ) -> Result<Page<(KeyId, String), KeyId>, StoreError> {
        let rows = query(
            "SELECT k.id, k.name FROM keys k JOIN key_secrets s ON s.key_id = k.id AND s.retires_at IS NULL
             WHERE k.workspace_id = $1 AND s.created_at < $2 AND k.deleted_at IS NULL
               AND (k.expires_at IS NULL OR k.expires_at > $4)
             ORDER BY k.id DESC LIMIT $3",
        )
        .bind(workspace.to_string())
        .bind(made.micros())
        .bind(i64::from(most) + 1)
        .bind(now.micros())
        .fetch_all(self.readers())
        .await?;
        page(&rows, most)
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Changes a workspace's name or policy. An edit without changes writes no audit entry.
    pub async fn edit_workspace(&self, edit: &EditWorkspace<'_>) -> Result<(Workspace, Policy), StoreError> {
        let mut db = self.write_new_data().await?;
        let (before, policy) = one(&mut db, edit.workspace).await?;
        let name = edit.name.unwrap_or(&before.name);
        let after = Policy {
            longest_life: edit.longest_life.unwrap_or(policy.longest_life),
            rotation_age: edit.rotation_age.unwrap_or(policy.rotation_age),
        };
        let detail = difference((&before.name, policy), (name, after));
        if detail.is_empty() {
            return Ok((before, policy));
        }
        let entry = NewAuditEntry {
            workspace: edit.workspace,
            at: edit.now,
            actor: edit.actor,
            action: AuditAction::WorkspaceEdited,
            target: &edit.workspace,
            detail: Value::Object(detail),
        };
        audit::append(&mut db, &entry).await?;
        query("UPDATE workspaces SET name = $2, longest_life = $3, rotation_age = $4 WHERE id = $1")
            .bind(edit.workspace.to_string())
            .bind(name.to_owned())
            .bind(after.longest_life.map(i64::from))
            .bind(after.rotation_age.map(i64::from))
            .execute(&mut *db)
            .await?;
        db.commit().await?;
        Ok((Workspace { name: name.to_owned(), ..before }, after))
    }
}

fn page(rows: &[Row], most: u32) -> Result<Page<(KeyId, String), KeyId>, StoreError> {
    let named = |row: &Row| Ok((database::parsed(row, "id")?, row.try_get("name")?));
    let items: Vec<(KeyId, String)> = rows.iter().map(named).collect::<Result<_, StoreError>>()?;
    Ok(Page::of(items, most, |(id, _)| *id))
}

async fn one(db: &mut Connection, id: WorkspaceId) -> Result<(Workspace, Policy), StoreError> {
    let row = query("SELECT * FROM workspaces WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(db)
        .await?
        .ok_or(StoreError::NotFound)?;
    let days = |column| -> Result<Option<u32>, StoreError> {
        let number = database::number_optional(&row, column)?;
        number.map(u32::try_from).transpose().map_err(|_| StoreError::Corrupt { what: column })
    };
    let policy = Policy { longest_life: days("longest_life")?, rotation_age: days("rotation_age")? };
    Ok((workspace(&row)?, policy))
}

/// Returns `{"name": {"after": …, "before": …}, …}` for the fields that differ.
fn difference(before: (&str, Policy), after: (&str, Policy)) -> Map<String, Value> {
    [
        ("maxKeyLifetimeDays", json!(before.1.longest_life), json!(after.1.longest_life)),
        ("name", json!(before.0), json!(after.0)),
        ("rotateAfterDays", json!(before.1.rotation_age), json!(after.1.rotation_age)),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(what, before, after)| (what.to_owned(), json!({ "after": after, "before": before })))
    .collect()
}
