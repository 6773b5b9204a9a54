//! The projects of a workspace.

use keyrack_key::{ProjectId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, NamedActor, Page, ProjectType, Store, StoreError, names};

/// A project to create.
#[derive(Clone, Copy, Debug)]
pub struct NewProject<'a> {
    pub id: ProjectId,
    pub workspace: WorkspaceId,
    /// The name: 1 to 100 characters, unique in the workspace ignoring case.
    pub name: &'a str,
    /// The task of the project's models.
    pub project_type: ProjectType,
    pub description: Option<&'a str>,
    pub actor: Actor,
    pub now: Timestamp,
}

/// The new values of all editable fields of a project.
#[derive(Clone, Copy, Debug)]
pub struct EditProject<'a> {
    pub workspace: WorkspaceId,
    pub id: ProjectId,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub actor: Actor,
    pub now: Timestamp,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub workspace: WorkspaceId,
    pub name: String,
    /// The task of the project's models.
    pub project_type: ProjectType,
    pub description: Option<String>,
    pub created_at: Timestamp,
    pub created_by: NamedActor,
}

// `user:` has five characters. The remainder of other actors isn't an ID.
macro_rules! projects {
    ($which:literal) => {
        concat!(
            "SELECT p.id, p.workspace_id, p.name, p.project_type, p.description, p.created_at, p.created_by,
                    u.name AS created_by_name
             FROM projects p LEFT JOIN users u ON u.id = substr(p.created_by, 6)
             WHERE p.workspace_id = $1 AND ",
            $which
        )
    };
}

/// Sorts after every project ID, because `g` sorts after all hexadecimal digits.
const BEHIND_ALL: &str = "prj_g";

impl Store {
    /// Returns the project `id` of `workspace`.
    pub async fn project(
        &self,
        workspace: WorkspaceId,
        id: ProjectId,
    ) -> Result<Option<Project>, StoreError> {
        let mut db = self.readers().acquire().await?;
        match one(&mut db, workspace, id).await {
            Ok(project) => Ok(Some(project)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns a page of up to `limit` projects of `workspace`, newest first, starting after the project `after`.
    pub async fn projects(
        &self,
        workspace: WorkspaceId,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Page<Project, ProjectId>, StoreError> {
        let items = query(projects!("p.id < $2 ORDER BY p.id DESC LIMIT $3"))
            .bind(workspace.to_string())
            .bind(after.map_or_else(|| BEHIND_ALL.into(), |id| id.to_string()))
            .bind(i64::from(limit) + 1)
            .fetch_list(self.readers(), |rows| rows.iter().map(project).collect())
            .await?;
        Ok(Page::of(items, limit, |project| project.id))
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Creates a project.
    pub async fn create_project(&self, new: &NewProject<'_>) -> Result<Project, StoreError> {
        let mut db = self.write_new_data().await?;
        let entry = NewAuditEntry {
            workspace: new.workspace,
            at: new.now,
            actor: new.actor,
            action: AuditAction::ProjectCreated,
            target: &new.id,
            detail: json!({
                "description": new.description,
                "name": new.name,
                "projectType": new.project_type.name(),
            }),
        };
        audit::append(&mut db, &entry).await?;
        insert(&mut db, new).await?;
        let project = one(&mut db, new.workspace, new.id).await?;
        db.commit().await?;
        Ok(project)
    }

    /// Edits a project. An edit without changes writes no audit entry.
    pub async fn edit_project(&self, edit: &EditProject<'_>) -> Result<Project, StoreError> {
        let mut db = self.write_new_data().await?;
        let before = one(&mut db, edit.workspace, edit.id).await?;
        let mut detail = serde_json::Map::new();
        if before.description.as_deref() != edit.description {
            detail.insert(
                "description".into(),
                json!({ "after": edit.description, "before": before.description }),
            );
        }
        if before.name != edit.name {
            detail.insert("name".into(), json!({ "after": edit.name, "before": before.name }));
        }
        if detail.is_empty() {
            return Ok(before);
        }
        let entry = NewAuditEntry {
            workspace: edit.workspace,
            at: edit.now,
            actor: edit.actor,
            action: AuditAction::ProjectEdited,
            target: &edit.id,
            detail: detail.into(),
        };
        audit::append(&mut db, &entry).await?;
        update(&mut db, edit).await?;
        db.commit().await?;
        Ok(Project { name: edit.name.into(), description: edit.description.map(str::to_owned), ..before })
    }

    /// Deletes a project and everything in it. Objects under `prefixes` are scheduled for removal.
    pub async fn delete_project(
        &self,
        workspace: WorkspaceId,
        id: ProjectId,
        prefixes: &[String],
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let before = one(&mut db, workspace, id).await?;
        let entry = NewAuditEntry {
            workspace,
            at: now,
            actor,
            action: AuditAction::ProjectDeleted,
            target: &id,
            detail: json!({ "name": before.name }),
        };
        audit::append(&mut db, &entry).await?;
        crate::removals::schedule(&mut db, prefixes, now).await?;
        query("DELETE FROM projects WHERE workspace_id = $1 AND id = $2")
            .bind(workspace.to_string())
            .bind(id.to_string())
            .blocking()
            .execute(&mut *db)
            .await?;
        db.commit().await
    }
}

async fn one(db: &mut Connection, workspace: WorkspaceId, id: ProjectId) -> Result<Project, StoreError> {
    let row = query(projects!("p.id = $2"))
        .bind(workspace.to_string())
        .bind(id.to_string())
        .fetch_optional(db)
        .await?
        .ok_or(StoreError::NotFound)?;
    project(&row)
}

async fn insert(db: &mut Connection, new: &NewProject<'_>) -> Result<(), StoreError> {
    let done = query(
        "INSERT INTO projects (id, workspace_id, name, folded, project_type, description, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (workspace_id, folded) DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(new.workspace.to_string())
    .bind(new.name)
    .bind(names::folded(new.name))
    .bind(new.project_type.name())
    .bind(new.description)
    .bind(new.now.micros())
    .bind(new.actor.to_string())
    .execute(db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NameTaken);
    }
    Ok(())
}

async fn update(db: &mut Connection, edit: &EditProject<'_>) -> Result<(), StoreError> {
    let done = query(
        "UPDATE projects SET name = $3, folded = $4, description = $5 WHERE workspace_id = $1 AND id = $2",
    )
    .bind(edit.workspace.to_string())
    .bind(edit.id.to_string())
    .bind(edit.name)
    .bind(names::folded(edit.name))
    .bind(edit.description)
    .execute(db)
    .await;
    match done {
        // Of the columns set here, only the name must be unique.
        Err(error) if error.is_unique_violation() => Err(StoreError::NameTaken),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

fn project(row: &Row) -> Result<Project, StoreError> {
    Ok(Project {
        id: database::parsed(row, "id")?,
        workspace: database::parsed(row, "workspace_id")?,
        name: row.try_get("name")?,
        project_type: database::parsed(row, "project_type")?,
        description: row.try_get("description")?,
        created_at: database::time(row, "created_at")?,
        created_by: NamedActor {
            actor: database::parsed(row, "created_by")?,
            name: row.try_get("created_by_name")?,
        },
    })
}
