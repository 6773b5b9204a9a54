//! The projects of a workspace.

use keyrack_key::{ProjectId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::audit::{self, AuditAction, Happened};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, By, Page, ProjectType, Store, StoreError, names};

/// A project that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewProject<'a> {
    /// Its id.
    pub id: ProjectId,
    /// Whose project it will be.
    pub workspace: WorkspaceId,
    /// What it is called: 1 to 100 characters, once in a workspace whatever the capitals.
    pub name: &'a str,
    /// What its models learn.
    pub project_type: ProjectType,
    /// What people wrote beside it.
    pub description: Option<&'a str>,
    /// Who makes it.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// All that can be edited, as it shall be.
#[derive(Clone, Copy, Debug)]
pub struct EditProject<'a> {
    /// Whose project it is.
    pub workspace: WorkspaceId,
    /// Which.
    pub id: ProjectId,
    /// The name.
    pub name: &'a str,
    /// The description.
    pub description: Option<&'a str>,
    /// Who edits.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Whose project it is.
    pub workspace: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// What its models learn.
    pub project_type: ProjectType,
    /// What people wrote beside it.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: By,
}

// `user:` is five characters long, and what other actors have behind them is nobody's id.
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

/// Behind every id of a project: `g` comes after all hexadecimal digits.
const BEHIND_ALL: &str = "prj_g";

impl Store {
    /// The project `id` of `workspace`.
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

    /// Up to `limit` projects of `workspace`, newest first; those older than `after`, where the page before ended.
    pub async fn projects(
        &self,
        workspace: WorkspaceId,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Page<Project, ProjectId>, StoreError> {
        let rows = query(projects!("p.id < $2 ORDER BY p.id DESC LIMIT $3"))
            .bind(workspace.to_string())
            .bind(after.map_or_else(|| BEHIND_ALL.into(), |id| id.to_string()))
            .bind(i64::from(limit) + 1)
            .fetch_all(self.readers())
            .await?;
        let items: Vec<Project> = rows.iter().map(project).collect::<Result<_, _>>()?;
        Ok(Page::of(items, limit, |project| project.id))
    }
}

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Makes a project.
    pub async fn create_project(&self, new: &NewProject<'_>) -> Result<Project, StoreError> {
        let mut db = self.write_new_data().await?;
        let happened = Happened {
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
        audit::append(&mut db, &happened).await?;
        insert(&mut db, new).await?;
        let project = one(&mut db, new.workspace, new.id).await?;
        db.commit().await?;
        Ok(project)
    }

    /// Edits a project. An edit that changes nothing leaves no trace.
    pub async fn edit_project(&self, edit: &EditProject<'_>) -> Result<Project, StoreError> {
        let mut db = self.write().await?;
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
        let happened = Happened {
            workspace: edit.workspace,
            at: edit.now,
            actor: edit.actor,
            action: AuditAction::ProjectEdited,
            target: &edit.id,
            detail: detail.into(),
        };
        audit::append(&mut db, &happened).await?;
        update(&mut db, edit).await?;
        db.commit().await?;
        Ok(Project { name: edit.name.into(), description: edit.description.map(str::to_owned), ..before })
    }

    /// Deletes a project with all that it holds. What lies below `prefixes` is removed soon.
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
        let happened = Happened {
            workspace,
            at: now,
            actor,
            action: AuditAction::ProjectDeleted,
            target: &id,
            detail: json!({ "name": before.name }),
        };
        audit::append(&mut db, &happened).await?;
        crate::removals::promise(&mut db, prefixes, now).await?;
        query("DELETE FROM projects WHERE workspace_id = $1 AND id = $2")
            .bind(workspace.to_string())
            .bind(id.to_string())
            .aside()
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
        // The one thing that must be unique among what is set here is the name.
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
        created_by: By { actor: database::parsed(row, "created_by")?, name: row.try_get("created_by_name")? },
    })
}
