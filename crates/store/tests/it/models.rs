//! Training runs have one worker at a time, and a worker that lost its run can't write.

use keyrack_key::{ModelId, ProjectId, WorkspaceId};
use keyrack_store::{
    Actor, CurvePoint, ModelStatus, NewModel, NewProject, NewWorkspace, ProjectType, RunOutcome, RunSignal,
    StoreError, TrainingRun,
};
use serde_json::json;

use crate::{NOW, World, later, rng, world};

impl World {
    async fn model(&self, project: ProjectId, name: &str, at: u64) -> ModelId {
        let id = ModelId::new(later(at), &mut rng());
        let settings = json!({ "steps": 3 });
        let (workspace, actor) = (self.workspace, self.actor());
        let new = NewModel { id, workspace, project, name, settings: &settings, actor, now: NOW };
        self.store.create_model(&new).await.unwrap().id
    }

    /// Takes a run with a lease of ten seconds.
    async fn take(&self, at: u64) -> Option<TrainingRun> {
        self.store.take_run(later(at), later(at + 10)).await.unwrap()
    }

    async fn status(&self, id: ModelId) -> ModelStatus {
        self.store.model(self.workspace, id).await.unwrap().unwrap().status
    }
}

#[tokio::test]
async fn runs_are_taken_oldest_first_by_one_worker_each() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let label = world.label(project, "cap").await;
    let (second, first) = (world.model(project, "b", 2).await, world.model(project, "a", 1).await);
    let taken = world.take(3).await.unwrap();
    assert_eq!((taken.model, taken.attempt, &taken.settings), (first, 1, &json!({ "steps": 3 })));
    assert_eq!(taken.labels, [(label, "cap".to_owned())]);
    assert_eq!(world.take(3).await.unwrap().model, second);
    assert_eq!(world.take(3).await, None);
    let twin = NewModel {
        id: ModelId::new(NOW, &mut rng()),
        workspace: world.workspace,
        project,
        name: "A",
        settings: &json!({}),
        actor: world.actor(),
        now: NOW,
    };
    assert!(matches!(world.store.as_operator().create_model(&twin).await, Err(StoreError::NameTaken)));
}

#[tokio::test]
async fn requeued_attempt_does_not_count_and_its_worker_cannot_write() {
    let world = world().await;
    let model = world.model(world.project("Bolts").await, "a", 0).await;
    let stopped = world.take(0).await.unwrap();
    world.store.requeue_run(&stopped, later(1)).await.unwrap();
    let next = world.take(2).await.unwrap();
    assert_eq!((next.model, next.attempt), (model, 1));
    assert_eq!(world.store.report_progress(&stopped, None, &[], later(99)).await.unwrap(), RunSignal::Lost);
    assert!(!world.store.end_run(&stopped, &RunOutcome::Failed("late".into()), later(3)).await.unwrap());
    assert!(world.store.end_run(&next, &RunOutcome::Ready(json!({})), later(4)).await.unwrap());
}

#[tokio::test]
async fn renewed_lease_is_exclusive_and_expired_lease_is_not() {
    let world = world().await;
    let model = world.model(world.project("Bolts").await, "a", 0).await;
    let dead = world.take(0).await.unwrap();
    let points = [CurvePoint { step: 1, loss: Some(0.5), validation: None }];
    let stand =
        world.store.report_progress(&dead, Some(&json!({ "done": 1 })), &points, later(20)).await.unwrap();
    assert_eq!(stand, RunSignal::Continue);
    assert_eq!(world.take(15).await, None);
    assert_eq!(world.store.curve(model).await.unwrap(), points);

    let alive = world.take(21).await.unwrap();
    assert_eq!((alive.model, alive.attempt), (model, 2));
    assert!(world.store.curve(model).await.unwrap().is_empty(), "the curve belongs to the current attempt");
    // The first worker's writes are ignored.
    assert_eq!(world.store.report_progress(&dead, None, &points, later(99)).await.unwrap(), RunSignal::Lost);
    assert!(!world.store.end_run(&dead, &RunOutcome::Ready(json!({})), later(22)).await.unwrap());
    assert!(world.store.curve(model).await.unwrap().is_empty());
    assert_eq!(world.status(model).await, ModelStatus::Running);

    assert!(
        world.store.end_run(&alive, &RunOutcome::Ready(json!({ "task": "x" })), later(23)).await.unwrap()
    );
    assert!(!world.store.end_run(&alive, &RunOutcome::Failed("late".into()), later(24)).await.unwrap());
    let ready = world.store.model(world.workspace, model).await.unwrap().unwrap();
    assert_eq!(
        (ready.status, ready.card, ready.attempt),
        (ModelStatus::Ready, Some(json!({ "task": "x" })), 2)
    );
}

/// The worker took its lease while the clock ran a day ahead, and died.
#[tokio::test]
async fn clock_set_back_does_not_block_an_abandoned_run() {
    let world = world().await;
    let model = world.model(world.project("Bolts").await, "a", 0).await;
    let alive = world.take(86_400).await.unwrap();
    world.store.requeue_abandoned_runs(NOW).await.unwrap();
    assert_eq!(
        world.store.report_progress(&alive, None, &[], later(11)).await.unwrap(),
        RunSignal::Continue,
        "the worker keeps its run"
    );
    let again = world.take(12).await.unwrap();
    assert_eq!((again.model, again.attempt), (model, 2));
    world.store.end_run(&again, &RunOutcome::Failed("enough".into()), later(13)).await.unwrap();
    let other = world.model(world.project("Nuts").await, "b", 0).await;
    assert_eq!(world.take(86_400).await.unwrap().model, other);
    world.store.requeue_abandoned_runs(NOW).await.unwrap();
    assert_eq!(world.take(59).await, None, "the worker may still be alive");
    assert_eq!(world.take(61).await.unwrap().model, other);
}

#[tokio::test]
async fn run_that_killed_two_workers_fails() {
    let world = world().await;
    let model = world.model(world.project("Bolts").await, "a", 0).await;
    for at in [0, 11] {
        assert_eq!(world.take(at).await.unwrap().model, model);
    }
    assert_eq!(world.take(22).await, None);
    let failed = world.store.model(world.workspace, model).await.unwrap().unwrap();
    assert_eq!((failed.status, failed.ended_at), (ModelStatus::Failed, Some(later(22))));
    assert!(failed.reason.unwrap().contains("stopped twice"));
}

#[tokio::test]
async fn queued_run_is_cancelled_at_once_and_running_one_by_its_worker() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let cancel =
        async |id| world.store.cancel_model(world.workspace, id, world.actor(), later(5)).await.unwrap();
    let waiting = world.model(project, "a", 0).await;
    assert_eq!(cancel(waiting).await.status, ModelStatus::Cancelled);
    assert_eq!(world.take(6).await, None);

    let running = world.model(project, "b", 1).await;
    let job = world.take(6).await.unwrap();
    let cancelled = cancel(running).await;
    assert_eq!((cancelled.status, cancelled.cancelling), (ModelStatus::Running, true));
    assert_eq!(world.store.report_progress(&job, None, &[], later(20)).await.unwrap(), RunSignal::Cancel);
    assert!(world.store.end_run(&job, &RunOutcome::Cancelled, later(8)).await.unwrap());
    assert_eq!(world.status(running).await, ModelStatus::Cancelled);

    // The worker died before it saw the cancellation.
    let orphan = world.model(project, "c", 2).await;
    world.take(30).await.unwrap();
    cancel(orphan).await;
    assert_eq!(world.take(50).await, None);
    assert_eq!(world.status(orphan).await, ModelStatus::Cancelled);
}

#[tokio::test]
async fn deleted_model_is_lost_to_its_worker_and_schedules_removal() {
    let world = world().await;
    let model = world.model(world.project("Bolts").await, "a", 0).await;
    let job = world.take(0).await.unwrap();
    let prefixes = ["projects/p/models/m".to_owned()];
    world
        .store
        .as_operator()
        .delete_model(world.workspace, model, &prefixes, world.actor(), NOW)
        .await
        .unwrap();
    assert_eq!(world.store.report_progress(&job, None, &[], later(9)).await.unwrap(), RunSignal::Lost);
    assert!(!world.store.end_run(&job, &RunOutcome::Ready(json!({})), NOW).await.unwrap());
    assert_eq!(world.store.removals(NOW, 9).await.unwrap(), prefixes);
    let again =
        world.store.as_operator().delete_model(world.workspace, model, &prefixes, world.actor(), NOW).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn workspaces_take_turns_then_their_members() {
    let world = world().await;
    let flood = world.project("Flood").await;
    for number in 0..20 {
        world.model(flood, &format!("flood {number}"), number).await;
    }
    let owner = Actor::User(world.owner);
    let (other, key) = (WorkspaceId::new(NOW, &mut rng()), Actor::Operator);
    let new = NewWorkspace { id: other, slug: "other", name: "Other" };
    world.store.as_operator().create_workspace(&new, world.owner, owner, NOW).await.unwrap();
    let project = NewProject {
        id: ProjectId::new(NOW, &mut rng()),
        workspace: other,
        name: "caps",
        project_type: ProjectType::Classification,
        description: None,
        actor: owner,
        now: NOW,
    };
    world.store.as_operator().create_project(&project).await.unwrap();
    let queue = async |workspace, project, actor, name: &str, at| {
        let settings = json!({});
        let id = ModelId::new(later(at), &mut rng());
        let new = NewModel { id, workspace, project, name, settings: &settings, actor, now: NOW };
        world.store.as_operator().create_model(&new).await.unwrap();
    };
    for number in 0..3 {
        queue(other, project.id, owner, &format!("of the owner {number}"), 100 + number).await;
    }
    queue(other, project.id, key, "of a key", 200).await;
    queue(world.workspace, flood, key, "of a key", 300).await;

    let mut order = Vec::new();
    for at in 0..10 {
        let job = world.take(at).await.unwrap();
        let model = world.store.model(job.workspace, job.model).await.unwrap().unwrap();
        let whose = if job.workspace == other { "other" } else { "flood" };
        order.push(format!("{whose} {}", if model.created_by.actor == key { "key" } else { "owner" }));
        assert!(world.store.end_run(&job, &RunOutcome::Failed("enough".into()), later(at)).await.unwrap());
        // Deleting a trained model doesn't move its author ahead in the queue.
        world
            .store
            .as_operator()
            .delete_model(job.workspace, job.model, &[], owner, later(at))
            .await
            .unwrap();
    }
    let turns = [
        "flood owner",
        "other owner",
        "flood key",
        "other key",
        "flood owner",
        "other owner",
        "flood owner",
        "other owner",
        "flood owner",
        "flood owner",
    ];
    assert_eq!(order, turns);
}

#[tokio::test]
async fn second_worker_serves_the_workspace_without_running_runs() {
    let world = world().await;
    let flood = world.project("Flood").await;
    for number in 0..3 {
        world.model(flood, &format!("flood {number}"), number).await;
    }
    let owner = Actor::User(world.owner);
    let other = WorkspaceId::new(NOW, &mut rng());
    let new = NewWorkspace { id: other, slug: "other", name: "Other" };
    world.store.as_operator().create_workspace(&new, world.owner, owner, NOW).await.unwrap();
    let project = ProjectId::new(NOW, &mut rng());
    let (project_type, description) = (ProjectType::Classification, None);
    let new = NewProject {
        id: project,
        workspace: other,
        name: "caps",
        project_type,
        description,
        actor: owner,
        now: NOW,
    };
    world.store.as_operator().create_project(&new).await.unwrap();
    let settings = json!({});
    let id = ModelId::new(later(9), &mut rng());
    let new =
        NewModel { id, workspace: other, project, name: "m", settings: &settings, actor: owner, now: NOW };
    world.store.as_operator().create_model(&new).await.unwrap();
    let both = [world.take(1).await.unwrap().workspace, world.take(1).await.unwrap().workspace];
    assert_eq!(both, [world.workspace, other]);
}
