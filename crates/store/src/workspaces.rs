//! Workspaces and their members.

use keyrack_key::{Timestamp, UserId, WorkspaceId};
use serde_json::json;

use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, Role, Store, StoreError};

/// A workspace to create.
#[derive(Clone, Copy, Debug)]
pub struct NewWorkspace<'a> {
    pub id: WorkspaceId,
    /// The name in URLs, up to 63 characters.
    pub slug: &'a str,
    /// The display name: 1 to 100 characters.
    pub name: &'a str,
}

/// A team's home, which owns its members, keys, projects, and models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub id: WorkspaceId,
    /// The name in URLs.
    pub slug: String,
    pub name: String,
    pub created_at: Timestamp,
}

/// A person's membership in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub workspace: Workspace,
    /// The person's role.
    pub role: Role,
}

impl Store {
    /// Returns the workspaces of `user`, sorted by name.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        query(
            "SELECT w.*, m.role FROM members m JOIN workspaces w ON w.id = m.workspace_id
             WHERE m.user_id = $1 ORDER BY w.name, w.id",
        )
        .bind(user.to_string())
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(membership)
        .collect()
    }

    /// Returns the workspace with this slug, if `user` is a member.
    pub async fn membership(&self, user: UserId, slug: &str) -> Result<Option<Membership>, StoreError> {
        let row = query(
            "SELECT w.*, m.role FROM members m JOIN workspaces w ON w.id = m.workspace_id
             WHERE m.user_id = $1 AND w.slug = $2",
        )
        .bind(user.to_string())
        .bind(slug)
        .fetch_optional(self.readers())
        .await?;
        row.map(|row| membership(&row)).transpose()
    }

    /// Returns the workspace with this slug.
    pub async fn workspace_by_slug(&self, slug: &str) -> Result<Option<Workspace>, StoreError> {
        let row = query("SELECT * FROM workspaces WHERE slug = $1")
            .bind(slug)
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| workspace(&row)).transpose()
    }

    /// Returns the workspace with this ID.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        let row = query("SELECT * FROM workspaces WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| workspace(&row)).transpose()
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Creates a workspace that `owner` owns.
    pub async fn create_workspace(
        &self,
        workspace: &NewWorkspace<'_>,
        owner: UserId,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write_new_data().await?;
        insert_workspace(&mut db, workspace, owner, actor, now).await?;
        db.commit().await
    }

    /// Adds `user` as a member.
    pub async fn add_member(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write_new_data().await?;
        join(&mut db, workspace, user, role, actor, now).await?;
        db.commit().await
    }
}

pub(crate) async fn insert_workspace(
    db: &mut Connection,
    workspace: &NewWorkspace<'_>,
    owner: UserId,
    actor: Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = query(
        "INSERT INTO workspaces (id, slug, name, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slug) DO NOTHING",
    )
    .bind(workspace.id.to_string())
    .bind(workspace.slug)
    .bind(workspace.name)
    .bind(now.micros())
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::SlugTaken);
    }
    let entry = NewAuditEntry {
        workspace: workspace.id,
        at: now,
        actor,
        action: AuditAction::WorkspaceCreated,
        target: &workspace.id,
        detail: json!({ "name": workspace.name, "slug": workspace.slug }),
    };
    audit::append(db, &entry).await?;
    join(db, workspace.id, owner, Role::Owner, actor, now).await
}

async fn join(
    db: &mut Connection,
    workspace: WorkspaceId,
    user: UserId,
    role: Role,
    actor: Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let entry = NewAuditEntry {
        workspace,
        at: now,
        actor,
        action: AuditAction::MemberJoined,
        target: &user,
        detail: json!({ "role": role.name() }),
    };
    audit::append(db, &entry).await?;
    // Checked first, to distinguish an unknown person from one who already is a member.
    let known =
        query("SELECT id FROM users WHERE id = $1").bind(user.to_string()).fetch_optional(&mut *db).await?;
    known.ok_or(StoreError::NotFound)?;
    let done = query(
        "INSERT INTO members (workspace_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace_id, user_id) DO NOTHING",
    )
    .bind(workspace.to_string())
    .bind(user.to_string())
    .bind(role.name())
    .bind(now.micros())
    .execute(db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::AlreadyMember);
    }
    Ok(())
}

pub(crate) fn workspace(row: &Row) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: database::parsed(row, "id")?,
        slug: row.try_get("slug")?,
        name: row.try_get("name")?,
        created_at: database::time(row, "created_at")?,
    })
}

fn membership(row: &Row) -> Result<Membership, StoreError> {
    Ok(Membership { workspace: workspace(row)?, role: database::parsed(row, "role")? })
}
