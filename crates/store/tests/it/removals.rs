//! Objects whose rows are deleted are scheduled for removal, removed twice, then forgotten.

use keyrack_store::StoreError;

use crate::datasets::picture;
use crate::{NOW, later, world};

const HOUR: u64 = 3600;

#[tokio::test]
async fn deletion_schedules_removal_of_objects() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let record = picture(&world, project).await;
    let prefix = ["a".to_owned()];
    world
        .store
        .delete_record(world.workspace, project, record.id, &prefix, world.actor(), NOW)
        .await
        .unwrap();
    assert!(world.store.upload(record.upload).await.unwrap().is_none());
    let more = ["b".to_owned()];
    let again = world.store.delete_record(world.workspace, project, record.id, &more, world.actor(), NOW);
    assert!(matches!(again.await, Err(StoreError::NotFound)));
    assert_eq!(world.store.removals(NOW, 9).await.unwrap(), prefix);
    let whole = ["c".to_owned()];
    world.store.delete_project(world.workspace, project, &whole, world.actor(), later(1)).await.unwrap();
    assert_eq!(world.store.removals(NOW, 9).await.unwrap(), prefix);
    assert_eq!(world.store.removals(later(1), 9).await.unwrap(), ["a", "c"]);
    assert_eq!(world.store.removals(later(1), 1).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn removal_is_repeated_once_and_then_forgotten() {
    let world = world().await;
    let project = world.project("Bolts").await;
    world.store.delete_project(world.workspace, project, &["a".into()], world.actor(), NOW).await.unwrap();
    world.store.mark_removed("a", NOW).await.unwrap();
    // Two concurrent removals count as one.
    world.store.mark_removed("a", NOW).await.unwrap();
    assert!(world.store.removals(later(HOUR - 1), 9).await.unwrap().is_empty());
    assert_eq!(world.store.removals(later(HOUR), 9).await.unwrap(), ["a"]);
    world.store.mark_removed("a", later(HOUR)).await.unwrap();
    assert!(world.store.removals(later(100 * HOUR), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn deleting_a_project_deletes_all_its_rows() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let record = picture(&world, project).await;
    let upload = world.upload(project).await;
    world.label(project, "cap").await;
    world.store.delete_project(world.workspace, project, &[], world.actor(), NOW).await.unwrap();
    assert!(world.store.upload(upload).await.unwrap().is_none());
    assert!(world.store.record(project, record.id).await.unwrap().is_none());
    assert_eq!(world.store.project_counts(project).await.unwrap(), keyrack_store::ProjectCounts::default());
}
