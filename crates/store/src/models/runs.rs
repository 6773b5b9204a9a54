//! Training runs from a worker's view. A worker holds a lease and renews it. Each lease has a number, so that writes
//! of a worker whose lease was given away are rejected.

use keyrack_key::{LabelId, ModelId, ProjectId, Timestamp, WorkspaceId};
use serde_json::Value;

use super::abandoned::{abandoned, requeue_or_fail};
use crate::database::{self, Connection, Row, query};
use crate::queue_turns::move_to_end_of;
use crate::{ProjectType, Store, StoreError};

/// A training run that a worker has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingRun {
    /// The model that the run trains.
    pub model: ModelId,
    /// The workspace of the model.
    pub workspace: WorkspaceId,
    /// The project with the dataset.
    pub project: ProjectId,
    pub project_type: ProjectType,
    /// The labels of the project.
    pub labels: Vec<(LabelId, String)>,
    /// The training settings: a JSON object.
    pub settings: Value,
    /// The number of the attempt, starting with 1.
    pub attempt: u64,
    /// The number of the lease. A worker's writes count only while its number is the latest.
    pub taken: u64,
}

/// A point of the loss curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The number of finished steps.
    pub step: u64,
    /// The training loss.
    pub loss: Option<f64>,
    /// The accuracy or mAP on images that aren't trained on.
    pub validation: Option<f64>,
}

/// The response to a worker's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSignal {
    /// Continue training.
    Continue,
    /// The training run was cancelled. Stop and report the cancellation.
    Cancel,
    /// The worker lost the run: the model was deleted or the lease expired. Stop and write nothing.
    Lost,
}

/// The result of a training run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    /// The run produced a model with this card.
    Ready(Value),
    /// The run failed for this reason.
    Failed(String),
    /// The run was cancelled.
    Cancelled,
}

impl Store {
    /// Returns whether [`take_run`](Self::take_run) would return a run. It only reads, so callers may poll it.
    pub async fn has_queued_run(&self, now: Timestamp) -> Result<bool, StoreError> {
        let found = query(concat!(
            "SELECT 1 FROM models WHERE status = 'queued' UNION ALL SELECT 1 FROM models WHERE ",
            abandoned!(),
            " LIMIT 1"
        ))
        .bind(now.micros())
        .fetch_optional(self.readers())
        .await?;
        Ok(found.is_some())
    }

    /// Returns what [`report_progress`](Self::report_progress) would return. It only reads, so callers may poll it.
    pub async fn run_signal(&self, job: &TrainingRun) -> Result<RunSignal, StoreError> {
        let row = query("SELECT cancel FROM models WHERE id = $1 AND taken = $2 AND status = 'running'")
            .bind(job.model.to_string())
            .bind(database::column(job.taken))
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map_or(Ok(RunSignal::Lost), signal_of)
    }

    /// Takes the next training run from the queue, including runs with an expired lease. Workspaces take turns, those
    /// with the fewest running runs first, then the keys and people of each workspace, and each of these by age. A
    /// run that has used up its attempts ends as failed instead.
    pub async fn take_run(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<TrainingRun>, StoreError> {
        let mut db = self.write().await?;
        requeue_or_fail(&mut db, now).await?;
        let taken = query(
            "UPDATE models SET status = 'running', attempt = attempt + 1, taken = taken + 1, started_at = $1, lease_until = $2,
                    progress = NULL
             WHERE id = (
                 SELECT first.id FROM (
                     SELECT workspace_id, created_by, min(id) AS id FROM models WHERE status = 'queued'
                     GROUP BY workspace_id, created_by
                 ) first
                 LEFT JOIN training_turns own
                     ON own.workspace_id = first.workspace_id AND own.actor = first.created_by
                 ORDER BY
                     (SELECT count(*) FROM models r
                      WHERE r.status = 'running' AND r.workspace_id = first.workspace_id),
                     (SELECT coalesce(max(t.turn), 0) FROM training_turns t
                      WHERE t.workspace_id = first.workspace_id),
                     coalesce(own.turn, 0),
                     first.id
                 LIMIT 1)
             RETURNING id, workspace_id, project_id, created_by, settings, attempt, taken",
        )
        .bind(now.micros())
        .bind(lease_until.micros())
        .fetch_optional(&mut *db)
        .await?;
        let Some(row) = taken else {
            db.commit().await?;
            return Ok(None);
        };
        let (model, project) = (database::parsed(&row, "id")?, database::parsed(&row, "project_id")?);
        query(move_to_end_of!("training_turns"))
            .bind(row.try_get::<&str>("workspace_id")?)
            .bind(row.try_get::<&str>("created_by")?)
            .execute(&mut *db)
            .await?;
        // The curve of the previous attempt, if any.
        query("DELETE FROM model_curve WHERE model_id = $1")
            .bind(ModelId::to_string(&model))
            .blocking()
            .execute(&mut *db)
            .await?;
        let (project_type, labels) = project_of(&mut db, project).await?;
        let job = TrainingRun {
            model,
            workspace: database::parsed(&row, "workspace_id")?,
            project,
            project_type,
            labels,
            settings: database::parsed(&row, "settings")?,
            attempt: database::number(&row, "attempt")?,
            taken: database::number(&row, "taken")?,
        };
        db.commit().await?;
        Ok(Some(job))
    }

    /// Renews the lease and stores the progress, if given.
    pub async fn report_progress(
        &self,
        job: &TrainingRun,
        progress: Option<&Value>,
        points: &[CurvePoint],
        lease_until: Timestamp,
    ) -> Result<RunSignal, StoreError> {
        let mut db = self.write().await?;
        let row = query(
            "UPDATE models SET lease_until = $3, progress = coalesce($4, progress)
             WHERE id = $1 AND taken = $2 AND status = 'running' RETURNING cancel",
        )
        .bind(job.model.to_string())
        .bind(database::column(job.taken))
        .bind(lease_until.micros())
        .bind(progress.map(ToString::to_string))
        .fetch_optional(&mut *db)
        .await?;
        let Some(row) = row else { return Ok(RunSignal::Lost) };
        for point in points {
            query(
                "INSERT INTO model_curve (model_id, step, loss, validation) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (model_id, step) DO UPDATE SET loss = excluded.loss, validation = excluded.validation",
            )
            .bind(job.model.to_string())
            .bind(database::column(point.step))
            .bind(point.loss)
            .bind(point.validation)
            .execute(&mut *db)
            .await?;
        }
        db.commit().await?;
        signal_of(&row)
    }

    /// Ends a training run. Returns `false` if the worker has lost the run, whose result is then discarded.
    pub async fn end_run(
        &self,
        job: &TrainingRun,
        outcome: &RunOutcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (status, card, reason) = match outcome {
            RunOutcome::Ready(card) => ("ready", Some(card.to_string()), None),
            RunOutcome::Failed(reason) => ("failed", None, Some(reason.as_str())),
            RunOutcome::Cancelled => ("cancelled", None, None),
        };
        let mut db = self.write().await?;
        let done = query(
            "UPDATE models SET status = $3, card = $4, reason = $5, ended_at = $6, lease_until = NULL
             WHERE id = $1 AND taken = $2 AND status = 'running'",
        )
        .bind(job.model.to_string())
        .bind(database::column(job.taken))
        .bind(status)
        .bind(card)
        .bind(reason)
        .bind(now.micros())
        .execute(&mut *db)
        .await?;
        db.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Requeues a training run whose worker must stop, without counting the attempt. A cancelled run ends as
    /// cancelled instead.
    pub async fn requeue_run(&self, job: &TrainingRun, now: Timestamp) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        query(
            "UPDATE models SET status = CASE cancel WHEN 1 THEN 'cancelled' ELSE 'queued' END,
                    ended_at = CASE cancel WHEN 1 THEN $3 END, started_at = CASE cancel WHEN 1 THEN started_at END,
                    attempt = attempt - 1, lease_until = NULL, progress = NULL
             WHERE id = $1 AND taken = $2 AND status = 'running'",
        )
        .bind(job.model.to_string())
        .bind(database::column(job.taken))
        .bind(now.micros())
        .execute(&mut *db)
        .await?;
        db.commit().await
    }
}

fn signal_of(row: &Row) -> Result<RunSignal, StoreError> {
    let cancel: i64 = row.try_get("cancel")?;
    Ok(if cancel == 1 { RunSignal::Cancel } else { RunSignal::Continue })
}

async fn project_of(
    db: &mut Connection,
    project: ProjectId,
) -> Result<(ProjectType, Vec<(LabelId, String)>), StoreError> {
    let row = query("SELECT project_type FROM projects WHERE id = $1")
        .bind(project.to_string())
        .fetch_one(&mut *db)
        .await?;
    let labels = query("SELECT id, name FROM labels WHERE project_id = $1 ORDER BY name")
        .bind(project.to_string())
        .fetch_all(&mut *db)
        .await?;
    let labels = labels.iter().map(|row| Ok((database::parsed(row, "id")?, row.try_get("name")?)));
    Ok((database::parsed(&row, "project_type")?, labels.collect::<Result<_, StoreError>>()?))
}
