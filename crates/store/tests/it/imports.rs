//! Imports read an archive entry by entry and survive restarts.

use keyrack_key::{Digest, ImportId, ProjectId, SessionId, UploadId, WorkspaceId};
use std::convert::Infallible;

use keyrack_store::{
    Actor, ImportHolder, ImportSkip, ImportStatus, ImportStep, NewImport, NewProject, NewSession, NewUpload,
    NewWorkspace, Principal, ProjectType, Role, StoreError,
};
use rusqlite::Connection;

use crate::constraints::{assert_rejected, run};
use crate::{NOW, World, later, rng, world};

impl World {
    fn new_import(&self, project: ProjectId) -> NewImport<'static> {
        let id = ImportId::new(NOW, &mut rng());
        NewImport { id, project, name: "caps.zip", batch: "b", actor: self.actor(), now: NOW }
    }

    /// An import whose archive has arrived.
    async fn queued(&self, project: ProjectId) -> ImportId {
        self.queued_of(project, self.actor(), 0).await
    }

    /// An import of `actor`, `seconds` after the start.
    async fn queued_of(&self, project: ProjectId, actor: Actor, seconds: u64) -> ImportId {
        let new = NewImport { actor, now: later(seconds), ..self.new_import(project) };
        self.store.begin_import(&new, anyone).await.unwrap().unwrap();
        self.store.queue_import(new.id).await.unwrap();
        new.id
    }

    /// Another workspace with a project.
    async fn elsewhere(&self) -> (WorkspaceId, ProjectId) {
        let workspace = WorkspaceId::new(NOW, &mut rng());
        let new = NewWorkspace { id: workspace, slug: "other", name: "Other" };
        self.store.create_workspace(&new, self.owner, self.actor(), NOW).await.unwrap();
        let project = NewProject {
            id: ProjectId::new(NOW, &mut rng()),
            workspace,
            name: "caps",
            project_type: ProjectType::Classification,
            description: None,
            actor: self.actor(),
            now: NOW,
        };
        self.store.create_project(&project).await.unwrap();
        (workspace, project.id)
    }

    async fn recover(&self) {
        let prefix = |project, id| format!("projects/{project}/imports/{id}");
        self.store.recover_imports(NOW, prefix).await.unwrap();
    }

    async fn import_status(&self, project: ProjectId, id: ImportId) -> ImportStatus {
        self.store.import(project, id).await.unwrap().unwrap().status
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a policy that admits every import is still one that could deny"
)]
fn anyone(_: &[ImportHolder], _: ImportHolder) -> Result<(), Infallible> {
    Ok(())
}

fn step(next_entry: u64, skips: &[&str]) -> ImportStep {
    let skip = |name: &&str| ImportSkip { name: (*name).to_owned(), reason: "of a test".to_owned() };
    ImportStep {
        next_entry,
        unpacked: 10 * next_entry,
        done: 1,
        added: u64::from(skips.is_empty()),
        skipped: skips.len() as u64,
        skips: skips.iter().map(skip).collect(),
    }
}

#[tokio::test]
async fn import_resumes_at_its_entry() {
    let world = world().await;
    let project = world.project("Caps").await;
    let id = world.queued(project).await;
    let job = world.store.take_import().await.unwrap().unwrap();
    assert_eq!((job.id, job.project, job.next_entry, job.attempt), (id, project, 0, 1));
    assert!(world.store.take_import().await.unwrap().is_none(), "a job is taken once");
    world.store.record_import_step(id, &step(1, &[])).await.unwrap();
    world.store.record_import_step(id, &step(3, &["two.jpg"])).await.unwrap();
    let upload = UploadId::new(NOW, &mut rng());
    let new = NewUpload {
        id: upload,
        project,
        actor: world.actor(),
        digest: Digest::of(b"token"),
        now: NOW,
        expires_at: later(900),
        import: Some(id),
        open_max: None,
    };
    world.store.create_upload(&new).await.unwrap();
    // The server stops here.
    assert!(!world.store.has_import().await.unwrap());
    world.recover().await;
    assert!(world.store.has_import().await.unwrap());
    let job = world.store.take_import().await.unwrap().unwrap();
    assert_eq!((job.next_entry, job.unpacked, job.upload, job.attempt), (3, 30, Some(upload), 2));
    world.store.record_import_step(id, &step(4, &[])).await.unwrap();
    world.store.requeue_import(id, false).await.unwrap();
    let job = world.store.take_import().await.unwrap().unwrap();
    assert_eq!((job.next_entry, job.upload, job.attempt), (4, None, 1), "a stop is not a failed attempt");
    let last = ImportStep { done: 0, added: 0, ..step(5, &["six.txt"]) };
    world.store.end_import(id, &last, None, "p", NOW).await.unwrap();
    let import = world.store.import(project, id).await.unwrap().unwrap();
    assert_eq!((import.status, import.done, import.added, import.skipped), (ImportStatus::Ended, 3, 2, 2));
    let skips: Vec<_> =
        world.store.import_skips(id).await.unwrap().into_iter().map(|skip| skip.name).collect();
    assert_eq!(skips, ["two.jpg", "six.txt"]);
    assert_eq!(world.store.removals(NOW, 10).await.unwrap(), ["p"], "the archive is scheduled for removal");
    // Late reports change nothing.
    assert!(matches!(world.store.record_import_step(id, &step(9, &[])).await, Err(StoreError::NotFound)));
    assert!(matches!(
        world.store.create_upload(&NewUpload { id: UploadId::new(NOW, &mut rng()), ..new }).await,
        Err(StoreError::NotFound)
    ));
    world.store.end_import(id, &last, Some("late"), "q", later(1)).await.unwrap();
    assert_eq!(world.store.import(project, id).await.unwrap().unwrap(), import);
}

#[tokio::test]
async fn third_crash_at_the_same_entry_fails_the_import() {
    let world = world().await;
    let project = world.project("Caps").await;
    let id = world.queued(project).await;
    for entry in [0, 7] {
        for attempt in 1..=2 {
            let job = world.store.take_import().await.unwrap().unwrap();
            assert_eq!((job.next_entry, job.attempt), (entry, attempt));
            world.recover().await;
        }
        let job = world.store.take_import().await.unwrap().unwrap();
        assert_eq!(job.attempt, 3);
        if entry == 0 {
            world.store.record_import_step(id, &step(7, &[])).await.unwrap();
            world.store.requeue_import(id, false).await.unwrap();
        }
    }
    world.recover().await;
    let import = world.store.import(project, id).await.unwrap().unwrap();
    assert_eq!((import.status, import.added), (ImportStatus::Failed, 1));
    assert!(import.reason.unwrap().contains("three times"));
}

#[tokio::test]
async fn interrupted_upload_of_an_archive_fails() {
    let world = world().await;
    let project = world.project("Caps").await;
    let new = world.new_import(project);
    world.store.begin_import(&new, anyone).await.unwrap().unwrap();
    assert!(world.store.take_import().await.unwrap().is_none(), "the archive has not arrived yet");
    world.recover().await;
    assert_eq!(world.import_status(project, new.id).await, ImportStatus::Failed);
    assert!(matches!(world.store.queue_import(new.id).await, Err(StoreError::NotFound)));
    assert_eq!(world.store.removals(NOW, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn archive_is_queued_only_while_its_sender_is_signed_in() {
    let world = world().await;
    let project = world.project("Caps").await;
    let (session, user) = (SessionId::new(NOW, &mut rng()), world.owner);
    let new = NewSession {
        id: session,
        digest: Digest::of(b"session"),
        user,
        address: None,
        agent: None,
        now: NOW,
        expires_at: later(60),
    };
    world.store.create_session(&new).await.unwrap();
    let sender = Principal::Session { session, user, role: Some((world.workspace, Role::Member)) };
    let sender = world.store.acting_as(sender, NOW);
    let (first, second) = (world.new_import(project), world.new_import(project));
    for new in [&first, &second] {
        sender.begin_import(new, anyone).await.unwrap().unwrap();
    }
    sender.queue_import(first.id).await.unwrap();
    world.store.end_session(user, session).await.unwrap();
    assert!(matches!(sender.queue_import(second.id).await, Err(StoreError::SignedOut)));
    assert_eq!(world.import_status(project, first.id).await, ImportStatus::Queued);
    assert_eq!(world.import_status(project, second.id).await, ImportStatus::Arriving);
}

#[tokio::test]
async fn admission_of_an_import_sees_all_active_imports() {
    let world = world().await;
    let (project, (other, elsewhere)) = (world.project("Caps").await, world.elsewhere().await);
    let holder = |workspace, actor| ImportHolder { workspace, actor };
    let (own_holder, other_holder) = (holder(world.workspace, world.actor()), holder(other, Actor::Operator));
    let begin = async |new: NewImport<'_>, most: usize| {
        let admit = move |under_way: &[ImportHolder], new: ImportHolder| {
            if under_way.len() < most { Ok(()) } else { Err((under_way.to_vec(), new)) }
        };
        world.store.begin_import(&new, admit).await
    };
    // A queued import and an arriving one.
    world.queued(project).await;
    let arriving = NewImport { actor: Actor::Operator, ..world.new_import(elsewhere) };
    begin(arriving, 2).await.unwrap().unwrap();
    let (mut under_way, new) = begin(world.new_import(project), 2).await.unwrap().unwrap_err();
    under_way.sort_by_key(|holder| *holder != own_holder);
    assert_eq!((under_way, new), (vec![own_holder, other_holder], own_holder));
    // A running import and an ended one.
    let job = world.store.take_import().await.unwrap().unwrap();
    assert!(begin(world.new_import(project), 2).await.unwrap().is_err());
    world.store.end_import(job.id, &ImportStep::default(), None, "p", NOW).await.unwrap();
    begin(world.new_import(project), 2).await.unwrap().unwrap();
    let nowhere = ProjectId::new(NOW, &mut rng());
    assert!(matches!(begin(world.new_import(nowhere), 9).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn workspaces_take_turns_with_imports_then_their_members() {
    let world = world().await;
    let (flood, (other, project)) = (world.project("Flood").await, world.elsewhere().await);
    let (owner, colleague) = (world.actor(), Actor::Operator);
    for _ in 0..9 {
        world.queued(flood).await;
    }
    let small = [world.queued_of(project, owner, 1).await, world.queued_of(project, colleague, 2).await];
    let of_colleague = world.queued_of(flood, colleague, 3).await;
    let mut order = Vec::new();
    for _ in 0..7 {
        let job = world.store.take_import().await.unwrap().unwrap();
        order.push((job.workspace == other, job.actor == owner));
        // The imports of the flood return to the queue as if they had yielded, the others end.
        if small.contains(&job.id) || job.id == of_colleague {
            world.store.end_import(job.id, &ImportStep::default(), None, "p", NOW).await.unwrap();
        } else {
            world.store.requeue_import(job.id, false).await.unwrap();
        }
    }
    let (in_flood, in_other) = (false, true);
    let turns = [
        (in_flood, true),
        (in_other, true),
        (in_flood, false),
        (in_other, false),
        (in_flood, true),
        (in_flood, true),
        (in_flood, true),
    ];
    assert_eq!(order, turns);
}

#[tokio::test]
async fn workspace_with_fewest_running_imports_is_served_first() {
    let world = world().await;
    let (flood, (other, project)) = (world.project("Flood").await, world.elsewhere().await);
    for _ in 0..4 {
        world.queued(flood).await;
    }
    let take = async || world.store.take_import().await.unwrap().unwrap();
    let (first, second) = (take().await, take().await);
    let should_yield = async |job| world.store.should_yield(job).await.unwrap();
    assert!(!should_yield(&first).await, "imports of the same workspace wait");
    world.queued(project).await;
    assert!(should_yield(&first).await && should_yield(&second).await);
    world.store.requeue_import(first.id, false).await.unwrap();
    let other_job = take().await;
    assert_eq!(other_job.workspace, other);
    assert!(
        !should_yield(&second).await && !should_yield(&other_job).await,
        "each workspace runs one import"
    );
    // A second import of the other workspace waits while each workspace runs one.
    world.queued(project).await;
    assert!(!should_yield(&second).await);
    // An import yields to another person of its own workspace, too.
    world.queued_of(flood, Actor::Operator, 1).await;
    assert!(should_yield(&second).await);
}

#[tokio::test]
async fn skipped_files_are_all_counted_and_listed_up_to_a_limit() {
    let world = world().await;
    let project = world.project("Caps").await;
    let id = world.queued(project).await;
    world.store.take_import().await.unwrap();
    let names: Vec<_> = (0..150).map(|number| format!("{number}.txt")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for entry in 1..=2 {
        world.store.record_import_step(id, &ImportStep { added: 0, ..step(entry, &names) }).await.unwrap();
    }
    assert_eq!(world.store.import(project, id).await.unwrap().unwrap().skipped, 300);
    let skips = world.store.import_skips(id).await.unwrap();
    assert_eq!((skips.len(), skips[150].name.as_str()), (200, "0.txt"));
}

#[tokio::test]
async fn import_is_deleted_with_its_project_or_after_a_while() {
    let world = world().await;
    let (kept, deleted) = (world.project("Caps").await, world.project("Lids").await);
    let id = world.queued(deleted).await;
    let job = world.store.take_import().await.unwrap().unwrap();
    world.store.delete_project(world.workspace, deleted, &[], world.actor(), NOW).await.unwrap();
    assert!(matches!(world.store.record_import_step(job.id, &step(1, &[])).await, Err(StoreError::NotFound)));
    assert_eq!(world.store.import(deleted, id).await.unwrap(), None);

    let ended = world.queued(kept).await;
    world.store.end_import(ended, &step(1, &["a"]), None, "p", NOW).await.unwrap();
    let live = world.queued(kept).await;
    let recent = async |then| {
        let imports = world.store.recent_imports(kept, then, 10).await.unwrap();
        imports.into_iter().map(|import| import.id).collect::<Vec<_>>()
    };
    assert_eq!(recent(later(1)).await, [live]);
    assert_eq!(world.store.delete_imports_before(NOW).await.unwrap(), 0);
    assert_eq!(world.store.delete_imports_before(later(1)).await.unwrap(), 1);
    assert_eq!(world.store.import(kept, ended).await.unwrap(), None);
    assert_eq!(recent(NOW).await, [live]);
}

#[tokio::test]
async fn invalid_import_rows_are_rejected() {
    let world = world().await;
    let project = world.project("Caps").await;
    let id = world.queued(project).await;
    let console = Connection::open(world.folder.path().join("keyrack.db")).unwrap();
    let set = |what: &str| run(&console, format!("UPDATE imports SET {what} WHERE id = '{id}'"));
    assert_rejected(set("status = 'done'"), "CHECK constraint failed");
    assert_rejected(set("status = 'ended'"), "ended_imports_have_an_end");
    assert_rejected(set("status = 'failed', ended_at = 1"), "failed_imports_have_a_reason");
    assert_rejected(set("added = 1"), "CHECK constraint failed");
    assert_rejected(set("name = ''"), "CHECK constraint failed");
    world.store.end_import(id, &ImportStep::default(), None, "p", NOW).await.unwrap();
    assert_rejected(set("added = 0"), "an import that has ended stays as it ended");
}
