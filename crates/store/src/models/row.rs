//! A model as the pages and the API show it.

use keyrack_key::{ModelId, ProjectId, Timestamp, WorkspaceId};
use serde_json::{Value, json};

use super::{CurvePoint, ModelStatus};
use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, NamedActor, Page, ProjectType, Store, StoreError, names};

/// A model to create and train.
#[derive(Clone, Copy, Debug)]
pub struct NewModel<'a> {
    pub id: ModelId,
    pub workspace: WorkspaceId,
    /// The project with the dataset.
    pub project: ProjectId,
    /// The name, unique in the project ignoring case.
    pub name: &'a str,
    /// The training settings: a JSON object.
    pub settings: &'a Value,
    pub actor: Actor,
    pub now: Timestamp,
}

/// A model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub id: ModelId,
    pub workspace: WorkspaceId,
    /// The project with the dataset.
    pub project: ProjectId,
    pub project_type: ProjectType,
    pub name: String,
    /// The training settings.
    pub settings: Value,
    /// The status of the training run.
    pub status: ModelStatus,
    /// The reason of a failure, for people.
    pub reason: Option<String>,
    /// The last progress report.
    pub progress: Option<Value>,
    /// The model card, once the model is ready.
    pub card: Option<Value>,
    pub created_by: NamedActor,
    pub created_at: Timestamp,
    /// The start of the current attempt.
    pub started_at: Option<Timestamp>,
    /// The end of the training run.
    pub ended_at: Option<Timestamp>,
    /// The number of attempts.
    pub attempt: u64,
    /// The number of leases. The model file of the latest lease has this number.
    pub taken: u64,
    /// Whether cancelling was requested.
    pub cancelling: bool,
}

macro_rules! models {
    ($which:literal) => {
        concat!(
            "SELECT m.id, m.workspace_id, m.project_id, p.project_type, m.name, m.settings, m.status, m.reason, m.progress,
                    m.card, m.created_at, m.created_by, m.started_at, m.ended_at, m.attempt, m.taken, m.cancel, u.name AS created_by_name
             FROM models m JOIN projects p ON p.id = m.project_id
                  LEFT JOIN users u ON u.id = substr(m.created_by, 6) WHERE ",
            $which
        )
    };
}

/// Sorts after every model ID, because `g` sorts after all hexadecimal digits.
const BEHIND_ALL: &str = "mdl_g";

impl Store {
    /// Returns a model of a workspace.
    pub async fn model(&self, workspace: WorkspaceId, id: ModelId) -> Result<Option<Model>, StoreError> {
        let mut db = self.readers().acquire().await?;
        one(&mut db, workspace, id).await
    }

    /// Returns a page of up to `limit` models of a workspace or of a project, newest first,
    /// starting after the model `after`.
    pub async fn models(
        &self,
        workspace: WorkspaceId,
        project: Option<ProjectId>,
        after: Option<ModelId>,
        limit: u32,
    ) -> Result<Page<Model, ModelId>, StoreError> {
        let items = query(models!(
            "m.workspace_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.id < $3 ORDER BY m.id DESC LIMIT $4"
        ))
        .bind(workspace.to_string())
        .bind(project.map(|id| id.to_string()))
        .bind(after.map_or_else(|| BEHIND_ALL.into(), |id| id.to_string()))
        .bind(i64::from(limit) + 1)
        .fetch_list(self.readers(), |rows| rows.iter().map(model).collect())
        .await?;
        Ok(Page::of(items, limit, |model| model.id))
    }

    /// Returns the loss curve of a model, in the order of steps.
    pub async fn curve(&self, id: ModelId) -> Result<Vec<CurvePoint>, StoreError> {
        query("SELECT step, loss, validation FROM model_curve WHERE model_id = $1 ORDER BY step")
            .bind(id.to_string())
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(|row| {
                Ok(CurvePoint {
                    step: database::number(row, "step")?,
                    loss: row.try_get("loss")?,
                    validation: row.try_get("validation")?,
                })
            })
            .collect()
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Creates a model and queues its training run.
    pub async fn create_model(&self, new: &NewModel<'_>) -> Result<Model, StoreError> {
        let mut db = self.write_new_data().await?;
        let entry = NewAuditEntry {
            workspace: new.workspace,
            at: new.now,
            actor: new.actor,
            action: AuditAction::ModelCreated,
            target: &new.id,
            detail: json!({ "name": new.name, "project": new.project.to_string() }),
        };
        audit::append(&mut db, &entry).await?;
        insert(&mut db, new).await?;
        let model = one(&mut db, new.workspace, new.id).await?.ok_or(StoreError::NotFound)?;
        db.commit().await?;
        Ok(model)
    }

    /// Cancels a training run: at once if it is queued, and at the worker's next report if it runs. A run that
    /// has ended stays unchanged.
    pub async fn cancel_model(
        &self,
        workspace: WorkspaceId,
        id: ModelId,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Model, StoreError> {
        let mut db = self.write().await?;
        let before = one(&mut db, workspace, id).await?.ok_or(StoreError::NotFound)?;
        if before.status.has_ended() || before.cancelling {
            return Ok(before);
        }
        note(&mut db, &before, AuditAction::ModelCancelled, actor, now).await?;
        query(
            "UPDATE models SET cancel = 1, status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END,
                    ended_at = CASE status WHEN 'queued' THEN $2 ELSE ended_at END WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(now.micros())
        .execute(&mut *db)
        .await?;
        let model = one(&mut db, workspace, id).await?.ok_or(StoreError::NotFound)?;
        db.commit().await?;
        Ok(model)
    }

    /// Renames a model. Returns [`StoreError::NameTaken`] if another model of the project has the name. The same name
    /// again writes no audit entry.
    pub async fn rename_model(
        &self,
        workspace: WorkspaceId,
        id: ModelId,
        name: &str,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Model, StoreError> {
        let mut db = self.write_new_data().await?;
        let before = one(&mut db, workspace, id).await?.ok_or(StoreError::NotFound)?;
        if before.name == name {
            return Ok(before);
        }
        let entry = NewAuditEntry {
            workspace,
            at: now,
            actor,
            action: AuditAction::ModelRenamed,
            target: &id,
            detail: json!({ "name": { "after": name, "before": before.name } }),
        };
        audit::append(&mut db, &entry).await?;
        let renamed = query("UPDATE models SET name = $2, folded = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(name)
            .bind(names::folded(name))
            .execute(&mut *db)
            .await;
        match renamed {
            // Of the columns set here, only the name must be unique.
            Err(error) if error.is_unique_violation() => return Err(StoreError::NameTaken),
            renamed => renamed?,
        };
        db.commit().await?;
        Ok(Model { name: name.to_owned(), ..before })
    }

    /// Deletes a model in any status. Objects under `prefixes` are scheduled for removal.
    pub async fn delete_model(
        &self,
        workspace: WorkspaceId,
        id: ModelId,
        prefixes: &[String],
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let before = one(&mut db, workspace, id).await?.ok_or(StoreError::NotFound)?;
        note(&mut db, &before, AuditAction::ModelDeleted, actor, now).await?;
        crate::removals::schedule(&mut db, prefixes, now).await?;
        query("DELETE FROM models WHERE id = $1").bind(id.to_string()).blocking().execute(&mut *db).await?;
        db.commit().await
    }
}

async fn note(
    db: &mut Connection,
    model: &Model,
    action: AuditAction,
    actor: Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let entry = NewAuditEntry {
        workspace: model.workspace,
        at: now,
        actor,
        action,
        target: &model.id,
        detail: json!({ "name": model.name, "project": model.project.to_string() }),
    };
    audit::append(db, &entry).await
}

async fn insert(db: &mut Connection, new: &NewModel<'_>) -> Result<(), StoreError> {
    let known = query("SELECT 1 FROM projects WHERE id = $1 AND workspace_id = $2")
        .bind(new.project.to_string())
        .bind(new.workspace.to_string())
        .fetch_optional(&mut *db)
        .await?;
    known.ok_or(StoreError::NotFound)?;
    let done = query(
        "INSERT INTO models (id, workspace_id, project_id, name, folded, settings, status, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8) ON CONFLICT (project_id, folded) DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(new.workspace.to_string())
    .bind(new.project.to_string())
    .bind(new.name)
    .bind(names::folded(new.name))
    .bind(new.settings.to_string())
    .bind(new.now.micros())
    .bind(new.actor.to_string())
    .execute(db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NameTaken);
    }
    Ok(())
}

async fn one(db: &mut Connection, workspace: WorkspaceId, id: ModelId) -> Result<Option<Model>, StoreError> {
    let query = query(models!("m.workspace_id = $1 AND m.id = $2"));
    let row = query.bind(workspace.to_string()).bind(id.to_string()).fetch_optional(db).await?;
    row.as_ref().map(model).transpose()
}

fn model(row: &Row) -> Result<Model, StoreError> {
    let cancel: i64 = row.try_get("cancel")?;
    Ok(Model {
        id: database::parsed(row, "id")?,
        workspace: database::parsed(row, "workspace_id")?,
        project: database::parsed(row, "project_id")?,
        project_type: database::parsed(row, "project_type")?,
        name: row.try_get("name")?,
        settings: database::parsed(row, "settings")?,
        status: database::parsed(row, "status")?,
        reason: row.try_get("reason")?,
        progress: database::parsed_optional(row, "progress")?,
        card: database::parsed_optional(row, "card")?,
        created_by: NamedActor {
            actor: database::parsed(row, "created_by")?,
            name: row.try_get("created_by_name")?,
        },
        created_at: database::time(row, "created_at")?,
        started_at: database::time_optional(row, "started_at")?,
        ended_at: database::time_optional(row, "ended_at")?,
        attempt: database::number(row, "attempt")?,
        taken: database::number(row, "taken")?,
        cancelling: cancel == 1,
    })
}
