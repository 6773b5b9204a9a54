//! Trainings as workers see them. A worker holds a lease and renews it; what a worker that was given up still
//! writes is refused by the number of times that the training was taken.

use std::time::Duration;

use keyrack_key::{LabelId, ModelId, ProjectId, Timestamp, WorkspaceId};
use serde_json::Value;

use crate::database::{self, Connection, Row, query};
use crate::{ProjectType, Store, StoreError};

/// A training whose worker died is begun once more, and no more than that: what killed two workers would kill a third.
const ATTEMPTS: i64 = 2;
const DIED: &str = "the training was begun twice, and each time its worker ended without a word: \
    most likely the machine was short of memory or was switched off";

/// A training that a worker has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The model that comes of it.
    pub model: ModelId,
    /// Whose model it will be.
    pub workspace: WorkspaceId,
    /// What it learns from.
    pub project: ProjectId,
    /// What it learns.
    pub project_type: ProjectType,
    /// The labels of the project.
    pub labels: Vec<(LabelId, String)>,
    /// How to train: a JSON object.
    pub settings: Value,
    /// Which try this is, from 1.
    pub attempt: u64,
    /// How often it was taken: what a worker writes counts only while this is the last time.
    pub taken: u64,
}

/// A point of the loss curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// After so many steps.
    pub step: u64,
    /// What is made smaller.
    pub loss: Option<f64>,
    /// Accuracy or mAP on pictures that are not learnt from.
    pub validation: Option<f64>,
}

/// What a worker hears when it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Go on.
    Continue,
    /// Somebody does not want it any more: stop, and say so.
    Cancel,
    /// It is not this worker's any more: the model was deleted, or its lease had ended. Stop, and write nothing.
    Lost,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// There is a model; this is to be known about it.
    Ready(Value),
    /// There is none, for this reason.
    Failed(String),
    /// It was not wanted any more.
    Cancelled,
}

/// Workers take shorter leases than this.
const LONGEST_LEASE: Duration = Duration::from_mins(1);

/// Trainings whose workers are not heard any more at `$1`.
macro_rules! deserted {
    () => {
        "status = 'running' AND lease_until < $1"
    };
}

impl Store {
    /// Whether [`take_job`](Self::take_job) would find something to do. It only looks, so it may be asked often.
    pub async fn has_job(&self, now: Timestamp) -> Result<bool, StoreError> {
        let found = query(concat!(
            "SELECT 1 FROM models WHERE status = 'queued' UNION ALL SELECT 1 FROM models WHERE ",
            deserted!(),
            " LIMIT 1"
        ))
        .bind(now.micros())
        .fetch_optional(self.readers())
        .await?;
        Ok(found.is_some())
    }

    /// Puts trainings whose workers are not heard any more back into the queue, and ends those that nobody shall begin
    /// again. Where there are none it only looks, so it may be asked often.
    pub async fn end_deserted_jobs(&self, now: Timestamp) -> Result<(), StoreError> {
        let found = query(concat!(
            "SELECT 1 FROM models WHERE status = 'running' AND lease_until > $2 UNION ALL SELECT 1 FROM models WHERE ",
            deserted!(),
            " LIMIT 1"
        ));
        let found = found
            .bind(now.micros())
            .bind(now.plus(LONGEST_LEASE).micros())
            .fetch_optional(self.readers())
            .await?;
        if found.is_none() {
            return Ok(());
        }
        let mut db = self.write().await?;
        desert(&mut db, now).await?;
        db.commit().await
    }

    /// What [`report`](Self::report) would answer. It only looks, so it may be asked often.
    pub async fn stand(&self, job: &Job) -> Result<Stand, StoreError> {
        let row = query("SELECT cancel FROM models WHERE id = $1 AND taken = $2 AND status = 'running'")
            .bind(job.model.to_string())
            .bind(database::column(job.taken))
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map_or(Ok(Stand::Lost), stand)
    }

    /// Takes the training whose turn it is, those among them whose workers are not heard any more. Workspaces take turns,
    /// fewest running trainings first, then the keys and people of each; of one of them, the oldest training is first.
    /// One that was begun too often ends as failed instead.
    pub async fn take_job(&self, now: Timestamp, lease_until: Timestamp) -> Result<Option<Job>, StoreError> {
        let mut db = self.write().await?;
        desert(&mut db, now).await?;
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
        note_turn(&mut db, &row).await?;
        // Of the try before, if there was one.
        query("DELETE FROM model_curve WHERE model_id = $1")
            .bind(ModelId::to_string(&model))
            .aside()
            .execute(&mut *db)
            .await?;
        let (project_type, labels) = project_of(&mut db, project).await?;
        let job = Job {
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

    /// Renews the lease, and writes down how far it is, if it says so.
    pub async fn report(
        &self,
        job: &Job,
        progress: Option<&Value>,
        points: &[Point],
        lease_until: Timestamp,
    ) -> Result<Stand, StoreError> {
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
        let Some(row) = row else { return Ok(Stand::Lost) };
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
        stand(&row)
    }

    /// Ends a training. `false` where it was not this worker's any more: whatever it made is nobody's.
    pub async fn end_job(&self, job: &Job, outcome: &Outcome, now: Timestamp) -> Result<bool, StoreError> {
        let (status, card, reason) = match outcome {
            Outcome::Ready(card) => ("ready", Some(card.to_string()), None),
            Outcome::Failed(reason) => ("failed", None, Some(reason.as_str())),
            Outcome::Cancelled => ("cancelled", None, None),
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

    /// Puts a training back into the queue, because its worker was asked to stop: this try does not count.
    /// One that nobody wants any more ends as cancelled instead.
    pub async fn put_back_job(&self, job: &Job, now: Timestamp) -> Result<(), StoreError> {
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

/// Puts whoever asked for a training behind all others. Turns are numbered, so that no clock can move anybody.
async fn note_turn(db: &mut Connection, taken: &Row) -> Result<(), StoreError> {
    query(
        "INSERT INTO training_turns (workspace_id, actor, turn)
         VALUES ($1, $2, (SELECT coalesce(max(turn), 0) + 1 FROM training_turns))
         ON CONFLICT (workspace_id, actor) DO UPDATE SET turn = excluded.turn",
    )
    .bind(taken.try_get::<String>("workspace_id")?)
    .bind(taken.try_get::<String>("created_by")?)
    .execute(db)
    .await?;
    Ok(())
}

fn stand(row: &Row) -> Result<Stand, StoreError> {
    let cancel: i64 = row.try_get("cancel")?;
    Ok(if cancel == 1 { Stand::Cancel } else { Stand::Continue })
}

/// What nobody works at any more waits again; what nobody shall begin again ends.
async fn desert(db: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    // A lease that ends later than any does was taken before the clock was set back. It begins again now: its worker, if
    // it is alive, renews it.
    query("UPDATE models SET lease_until = $1 WHERE status = 'running' AND lease_until > $1")
        .bind(now.plus(LONGEST_LEASE).micros())
        .execute(&mut *db)
        .await?;
    query(concat!(
        "UPDATE models SET status = CASE cancel WHEN 1 THEN 'cancelled' ELSE 'failed' END,
                reason = CASE cancel WHEN 1 THEN NULL ELSE $3 END, ended_at = $1, lease_until = NULL
         WHERE (attempt >= $2 OR cancel = 1) AND ",
        deserted!()
    ))
    .bind(now.micros())
    .bind(ATTEMPTS)
    .bind(DIED)
    .execute(&mut *db)
    .await?;
    query(concat!(
        "UPDATE models SET status = 'queued', started_at = NULL, lease_until = NULL, progress = NULL WHERE ",
        deserted!()
    ))
    .bind(now.micros())
    .execute(db)
    .await?;
    Ok(())
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
