//! Images, labels, and batches: equal names are the same object, and projects are separate.

use std::collections::BTreeSet;

use keyrack_key::{AnnotationId, BatchId, Digest, LabelId, ProjectId, RecordId, UploadId};
use keyrack_store::{
    AnnotationRegion, NewAnnotation, NewLabel, NewRecord, NewUpload, ProjectCounts, Record, RecordFilter,
    StoreError,
};

use crate::{NOW, World, later, rng, world};

impl World {
    pub(crate) async fn project(&self, name: &str) -> ProjectId {
        self.store.create_project(&self.new_project(name)).await.unwrap().id
    }

    pub(crate) async fn upload(&self, project: ProjectId) -> UploadId {
        let id = UploadId::new(NOW, &mut rng());
        let digest = Digest::of(b"token");
        let new = NewUpload {
            id,
            project,
            actor: self.actor(),
            digest,
            now: NOW,
            expires_at: later(900),
            import: None,
            open_max: None,
        };
        self.store.create_upload(&new).await.unwrap();
        id
    }

    pub(crate) async fn label(&self, project: ProjectId, name: &str) -> LabelId {
        let new_labels = [NewLabel { id: LabelId::new(NOW, &mut rng()), name }];
        self.store.find_or_create_labels(project, &new_labels, NOW).await.unwrap()[0].id
    }

    fn new_record(&self, project: ProjectId, upload: UploadId) -> NewRecord<'static> {
        NewRecord {
            id: RecordId::new(NOW, &mut rng()),
            project,
            batch: None,
            upload,
            name: "a.jpg",
            width: 3,
            height: 2,
            content_type: "image/jpeg",
            size: 10,
            actor: self.actor(),
            now: NOW,
        }
    }
}

/// Adds an image to a project.
pub(crate) async fn picture(world: &World, project: ProjectId) -> Record {
    let upload = world.upload(project).await;
    world.store.create_record(&world.new_record(project, upload)).await.unwrap().0
}

fn mark(label: LabelId, mark: AnnotationRegion) -> NewAnnotation<'static> {
    NewAnnotation { id: AnnotationId::new(NOW, &mut rng()), label, mark, metadata: None }
}

/// The most annotations of an image.
const MOST: usize = 100;
const SMALL: AnnotationRegion = AnnotationRegion::Box { left: 0.0, top: 0.1, width: 1.0, height: 1.5 };

#[tokio::test]
async fn same_name_returns_the_same_batch_and_label() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let named = async |name| {
        world.store.find_or_create_batch(project, BatchId::new(NOW, &mut rng()), name, NOW).await.unwrap()
    };
    assert_eq!(named("a").await, named("a").await);
    assert_ne!(named("a").await.id, named("A").await.id);
    assert!(world.store.has_batch(project, named("a").await.id).await.unwrap());
    let other = world.project("Nuts").await;
    assert!(!world.store.has_batch(other, named("a").await.id).await.unwrap());

    let labels = [world.label(project, "x").await, world.label(project, "y").await];
    assert_eq!(labels, [world.label(project, " x ").await, world.label(project, "y").await]);
    assert_ne!(labels[0], labels[1]);
    assert_ne!(world.label(other, "x").await, labels[0]);
    let (own, foreign) = (labels.into_iter().collect::<BTreeSet<_>>(), world.label(other, "x").await);
    let requested = own.iter().copied().chain([foreign]).collect();
    assert_eq!(world.store.known_labels(project, &requested).await.unwrap(), own);
    let unknown_project = ProjectId::new(NOW, &mut rng());
    let result =
        world.store.find_or_create_batch(unknown_project, BatchId::new(NOW, &mut rng()), "a", NOW).await;
    assert!(matches!(result, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn upload_has_one_record_and_is_kept_with_it() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let (used, unused) = (world.upload(project).await, world.upload(project).await);
    let (record, is_new) = world.store.create_record(&world.new_record(project, used)).await.unwrap();
    assert!(is_new);
    let again = world.store.create_record(&world.new_record(project, used)).await.unwrap();
    assert_eq!(again, (record.clone(), false));
    assert_eq!(world.store.record_of_upload(project, used).await.unwrap(), Some(record.clone()));

    assert!(world.store.abandoned_uploads(later(900), 9).await.unwrap().is_empty());
    let over = world.store.abandoned_uploads(later(901), 9).await.unwrap();
    assert_eq!(over.iter().map(|upload| upload.id).collect::<Vec<_>>(), [unused]);
    world.store.delete_uploads(&[used, unused]).await.unwrap();
    assert!(world.store.upload(unused).await.unwrap().is_none());
    assert_eq!(world.store.record(project, record.id).await.unwrap(), Some(record));
    let late = world.store.create_record(&world.new_record(project, unused)).await;
    assert!(matches!(late, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn objects_of_other_projects_are_not_found() {
    let world = world().await;
    let (own_project, other_project) = (world.project("Bolts").await, world.project("Nuts").await);
    let (record, label) = (picture(&world, own_project).await, world.label(own_project, "cap").await);
    let foreign = world.label(other_project, "cap").await;
    assert!(world.store.record(other_project, record.id).await.unwrap().is_none());
    assert!(world.store.record_of_upload(other_project, record.upload).await.unwrap().is_none());
    let moved = world.store.create_record(&world.new_record(other_project, record.upload)).await;
    assert!(matches!(moved, Err(StoreError::NotFound)));
    for (project, one) in [(other_project, label), (other_project, foreign), (own_project, foreign)] {
        let all = [mark(label, AnnotationRegion::Category), mark(one, SMALL)];
        let result = world.store.annotate(project, record.id, &all, MOST, NOW).await;
        assert!(matches!(result, Err(StoreError::NotFound)));
        let classed = [(record.id, AnnotationId::new(NOW, &mut rng()))];
        let result = world.store.set_categories(project, one, &classed, NOW).await;
        assert!(matches!(result, Err(StoreError::NotFound)));
    }
    assert!(world.store.annotations_of(own_project, &[record.id], true).await.unwrap().is_empty());
    let kept = world.store.annotate(own_project, record.id, &[mark(label, SMALL)], MOST, NOW).await.unwrap();
    assert!(world.store.annotations_of(other_project, &[record.id], true).await.unwrap().is_empty());
    let deleted = world.store.delete_annotation(other_project, kept[0].id).await;
    assert!(matches!(deleted, Err(StoreError::NotFound)));
    let deleted =
        world.store.delete_record(world.workspace, other_project, record.id, &[], world.actor(), NOW).await;
    assert!(matches!(deleted, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn repeated_annotation_is_the_same_and_class_is_replaced() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let record = picture(&world, project).await.id;
    let (cap, lid) = (world.label(project, "cap").await, world.label(project, "lid").await);
    let give = async |all: &[NewAnnotation<'_>]| {
        world.store.annotate(project, record, all, MOST, NOW).await.unwrap()
    };
    let first = give(&[mark(cap, SMALL), mark(cap, AnnotationRegion::Category)]).await;
    assert_eq!(give(&[mark(cap, SMALL), mark(cap, AnnotationRegion::Category)]).await, first);
    give(&[mark(lid, AnnotationRegion::Category), mark(lid, SMALL)]).await;
    let all = world.store.annotations_of(project, &[record], true).await.unwrap();
    let marks: Vec<_> = all.iter().map(|one| (one.label_name.as_str(), one.mark == SMALL)).collect();
    assert!(marks.len() == 3 && marks.contains(&("lid", false)) && !marks.contains(&("cap", false)));
    let again = [(record, AnnotationId::new(NOW, &mut rng()))];
    world.store.set_categories(project, cap, &again, NOW).await.unwrap();
    assert_eq!(world.store.annotations_of(project, &[record], true).await.unwrap().len(), 3);
    world.store.clear_categories(project, &[record]).await.unwrap();
    assert_eq!(world.store.annotations_of(project, &[record], true).await.unwrap().len(), 2);
}

#[tokio::test]
async fn too_many_annotations_are_rejected_entirely() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let (record, label) = (picture(&world, project).await.id, world.label(project, "cap").await);
    let boxes = [1.0, 2.0, 3.0]
        .map(|width| mark(label, AnnotationRegion::Box { left: 0.0, top: 0.0, width, height: 1.0 }));
    let give = async |all: &[NewAnnotation<'_>]| world.store.annotate(project, record, all, 2, NOW).await;
    assert!(matches!(give(&boxes).await, Err(StoreError::TooMany)));
    give(&boxes[..2]).await.unwrap();
    give(&boxes[..2]).await.unwrap();
    assert!(matches!(give(&boxes[2..]).await, Err(StoreError::TooMany)));
    assert_eq!(world.store.annotations_of(project, &[record], true).await.unwrap().len(), 2);
}

#[tokio::test]
async fn labels_and_batches_are_paged() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let names = ["b", "a", "c"];
    for (second, name) in (0..).zip(names) {
        world.label(project, name).await;
        world
            .store
            .find_or_create_batch(project, BatchId::new(later(second), &mut rng()), name, NOW)
            .await
            .unwrap();
    }
    let first = world.store.labels(project, None, 2).await.unwrap();
    let rest = world.store.labels(project, first.next, 2).await.unwrap();
    let listed: Vec<_> = first.items.iter().chain(&rest.items).map(|label| label.name.as_str()).collect();
    assert_eq!((listed, rest.next), (vec!["a", "b", "c"], None));
    let first = world.store.batches(project, None, 2).await.unwrap();
    let rest = world.store.batches(project, first.next, 2).await.unwrap();
    let listed: Vec<_> = first.items.iter().chain(&rest.items).map(|batch| batch.name.as_str()).collect();
    assert_eq!((listed, rest.next), (vec!["c", "a", "b"], None));
}

#[tokio::test]
async fn records_are_filtered_paged_and_counted() {
    let world = world().await;
    let project = world.project("Bolts").await;
    let label = world.label(project, "cap").await;
    let batch =
        world.store.find_or_create_batch(project, BatchId::new(NOW, &mut rng()), "b", NOW).await.unwrap().id;
    let mut ids = Vec::new();
    for number in 0..5 {
        let upload = world.upload(project).await;
        let id = RecordId::new(later(number), &mut rng());
        let batch = (number < 2).then_some(batch);
        let new = NewRecord { id, batch, ..world.new_record(project, upload) };
        world.store.create_record(&new).await.unwrap();
        ids.insert(0, id);
    }
    world.store.annotate(project, ids[0], &[mark(label, SMALL)], MOST, NOW).await.unwrap();
    let find = async |filter, after, limit| {
        let page = world.store.records(project, &filter, after, limit).await.unwrap();
        (page.items.iter().map(|record| record.id).collect::<Vec<_>>(), page.next)
    };
    let all = RecordFilter::default();
    assert_eq!(find(all, None, 3).await, (ids[..3].to_vec(), Some(ids[2])));
    assert_eq!(find(all, Some(ids[2]), 3).await, (ids[3..].to_vec(), None));
    assert_eq!(find(RecordFilter { batch: Some(batch), ..all }, None, 9).await.0, ids[3..]);
    assert_eq!(find(RecordFilter { label: Some(label), ..all }, None, 9).await.0, ids[..1]);
    assert_eq!(find(RecordFilter { labelled: Some(true), ..all }, None, 9).await.0, ids[..1]);
    assert_eq!(find(RecordFilter { labelled: Some(false), ..all }, None, 9).await.0, ids[1..]);
    let counts = ProjectCounts { records: 5, labelled: 1, labels: 1, models: 0 };
    assert_eq!(world.store.project_counts(project).await.unwrap(), counts);
    assert_eq!(world.store.batches(project, None, 9).await.unwrap().items[0].records, Some(2));
    assert_eq!(world.store.labels(project, None, 9).await.unwrap().items[0].records, Some(1));
    let learnt = world.store.labeled_images(project).await.unwrap();
    assert_eq!((learnt.len(), learnt[0].record, &learnt[0].marks), (1, ids[0], &vec![(label, SMALL)]));
}
