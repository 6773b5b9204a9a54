//! Services elsewhere that follow the keys of a workspace.

use std::time::Duration;

use keyrack_key::{NodeId, Timestamp, WorkspaceId};
use keyrack_rack::{Calls, Used};

use crate::callers::write_callers;
use crate::database::{self, Row, query};
use crate::uses::write_used;
use crate::{Actor, AuthorizedStore, Store, StoreError};

/// A node that registered and did not leave. Whether it still serves is known to whoever hears from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id; each start of a program has another.
    pub id: NodeId,
    /// Whose keys it follows.
    pub workspace: WorkspaceId,
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// Who registered it.
    pub registered_by: Actor,
    /// When.
    pub registered_at: Timestamp,
    /// How long it goes on when it is cut off; nothing where it refuses at once.
    pub serves_for: Duration,
}

impl Store {
    /// All nodes of all workspaces.
    pub async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let rows = query("SELECT * FROM nodes ORDER BY id").fetch_all(self.readers()).await?;
        rows.iter().map(node).collect()
    }

    /// Forgets a node that serves no more. One that is forgotten already is no error.
    pub async fn remove_node(&self, id: NodeId) -> Result<(), StoreError> {
        self.change(query("DELETE FROM nodes WHERE id = $1").bind(id.to_string())).await?;
        Ok(())
    }
}

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Remembers a node, before it serves.
    pub async fn add_node(&self, node: &Node) -> Result<(), StoreError> {
        let query = query(
            "INSERT INTO nodes (id, workspace_id, name, registered_by, registered_at, serves_for)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(node.id.to_string())
        .bind(node.workspace.to_string())
        .bind(node.name.clone())
        .bind(node.registered_by.to_string())
        .bind(node.registered_at.micros())
        .bind(i64::try_from(node.serves_for.as_micros()).unwrap_or(i64::MAX));
        self.change(query).await?;
        Ok(())
    }

    /// Forgets a node that leaves. One that is forgotten already is no error.
    pub async fn leave_node(&self, id: NodeId) -> Result<(), StoreError> {
        self.change(query("DELETE FROM nodes WHERE id = $1").bind(id.to_string())).await?;
        Ok(())
    }

    /// Writes down what keys of its workspace were used for on a node, and who called there, as its batch number `batch`, counted from 1.
    /// A batch that was written before is not written again. [`StoreError::NotFound`] if there is no such node.
    pub async fn note_uses_on(
        &self,
        id: NodeId,
        batch: u64,
        used: &[Used],
        calls: &[Calls],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write_new_data().await?;
        let row = query("SELECT workspace_id, told FROM nodes WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *db)
            .await?
            .ok_or(StoreError::NotFound)?;
        if database::number(&row, "told")? >= batch {
            return Ok(());
        }
        let workspace = database::parsed(&row, "workspace_id")?;
        write_used(&mut db, used, Some(workspace), now).await?;
        write_callers(&mut db, calls, Some(workspace), now).await?;
        query("UPDATE nodes SET told = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(database::column(batch))
            .execute(&mut *db)
            .await?;
        db.commit().await?;
        Ok(())
    }
}

fn node(row: &Row) -> Result<Node, StoreError> {
    Ok(Node {
        id: database::parsed(row, "id")?,
        workspace: database::parsed(row, "workspace_id")?,
        name: row.try_get("name")?,
        registered_by: database::parsed(row, "registered_by")?,
        registered_at: database::time(row, "registered_at")?,
        serves_for: Duration::from_micros(database::number(row, "serves_for")?),
    })
}
