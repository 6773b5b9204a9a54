//! Nodes: services elsewhere that follow the keys of a workspace.

use std::time::Duration;

use keyrack_key::{NodeId, Timestamp, WorkspaceId};
use keyrack_rack::{CallGroup, SecretUsage};

use crate::callers::write_callers;
use crate::database::{self, Row, query};
use crate::usage::write_usage;
use crate::{Actor, AuthorizedStore, Store, StoreError};

/// A registered node. The store doesn't know whether the node is still running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The node's ID. Each start of a program gets a new one.
    pub id: NodeId,
    /// The workspace whose keys the node follows.
    pub workspace: WorkspaceId,
    /// The name, 1 to 100 characters.
    pub name: String,
    /// The actor who registered the node.
    pub registered_by: Actor,
    /// The time of registration.
    pub registered_at: Timestamp,
    /// How long the node keeps allowing requests without a connection. Zero if it denies them at once.
    pub offline_grace: Duration,
}

impl Store {
    /// Returns the nodes of all workspaces.
    pub async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let rows = query("SELECT * FROM nodes ORDER BY id").fetch_all(self.readers()).await?;
        rows.iter().map(node).collect()
    }

    /// Removes a node that no longer runs. Succeeds if the node doesn't exist.
    pub async fn remove_node(&self, id: NodeId) -> Result<(), StoreError> {
        self.change(query("DELETE FROM nodes WHERE id = $1").bind(id.to_string())).await?;
        Ok(())
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Stores a node before it starts serving.
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
        .bind(i64::try_from(node.offline_grace.as_micros()).unwrap_or(i64::MAX));
        let mut db = self.write_new_data().await?;
        query.execute(&mut *db).await?;
        db.commit().await
    }

    /// Removes a node that leaves. Succeeds if the node doesn't exist.
    pub async fn deregister_node(&self, id: NodeId) -> Result<(), StoreError> {
        self.change(query("DELETE FROM nodes WHERE id = $1").bind(id.to_string())).await?;
        Ok(())
    }

    /// Stores the usage and callers of the workspace's keys on a node as batch number `batch`, counted from 1. Skips
    /// a batch that is already stored. Returns [`StoreError::NotFound`] if the node doesn't exist.
    pub async fn store_node_usage(
        &self,
        id: NodeId,
        batch: u64,
        used: &[SecretUsage],
        calls: &[CallGroup],
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
        write_usage(&mut db, used, Some(workspace), now).await?;
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
        offline_grace: Duration::from_micros(database::number(row, "serves_for")?),
    })
}
