//! Annotations of images: classes and boxes.

use std::collections::HashMap;

use keyrack_key::{AnnotationId, LabelId, ProjectId, RecordId, find_secret};
use keyrack_store::{Annotation, AnnotationRegion, NewAnnotation, Record, StoreError};
use keyrack_vision::{Rect, RectError, clip};

use super::Datasets;
use crate::invalid::CONTAINS_SECRET;
use crate::{AuthorizedCaller, Invalid, OpError};

/// The maximum number of annotations in one request and of one image.
const MOST: usize = 1_000;
/// The maximum size of an annotation's metadata, in bytes of JSON.
const METADATA: usize = 4_096;

/// An image with its annotations.
#[derive(Clone, Debug)]
pub struct AnnotatedImage {
    pub record: Record,
    pub annotations: Vec<Annotation>,
}

/// A requested annotation.
#[derive(Clone, Debug)]
pub struct AnnotationDraft {
    pub label: LabelId,
    /// In pixels of the upright image; `None` annotates the whole image.
    pub rect: Option<Rect>,
    /// Any JSON that the client stores with the annotation.
    pub metadata: Option<String>,
}

/// The result of [`Datasets::annotate`].
#[derive(Clone, Debug)]
pub struct AnnotationOutcome {
    pub annotations: Vec<Annotation>,
    pub dropped: Vec<DroppedBox>,
}

/// An invalid field of one annotation in a list.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{field}: {expected}")]
pub struct InvalidAnnotation {
    /// The path of the field in the request, such as `annotations[3].label_id`.
    pub field: String,
    pub expected: String,
}

/// A box that has no area within the image.
#[derive(Clone, Copy, Debug)]
pub struct DroppedBox {
    /// The index in the request, from 0.
    pub index: usize,
    pub label: LabelId,
    pub rect: Rect,
}

impl Datasets {
    /// Annotates an image, all or nothing. Boxes are clipped to the image; boxes without area are dropped and returned.
    pub async fn annotate(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        record: RecordId,
        drafts: &[AnnotationDraft],
    ) -> Result<AnnotationOutcome, OpError> {
        if drafts.len() > MOST {
            return Err(too_many());
        }
        let record = self.record(by, project, record).await?;
        let labels = drafts.iter().map(|draft| draft.label).collect();
        let labels = self.store.known_labels(project, &labels).await?;
        let (mut new, mut dropped) = (Vec::with_capacity(drafts.len()), Vec::new());
        for (index, draft) in drafts.iter().enumerate() {
            if !labels.contains(&draft.label) {
                let expected = "Use the ID of a label of this project.";
                return Err(InvalidAnnotation::new(index, "label_id", expected).into());
            }
            if draft.metadata.as_ref().is_some_and(|metadata| metadata.len() > METADATA) {
                let expected = format!("Use {METADATA} bytes of JSON or fewer.");
                return Err(InvalidAnnotation::new(index, "annotation.metadata", expected).into());
            }
            if draft.metadata.as_deref().is_some_and(|metadata| find_secret(metadata).is_some()) {
                return Err(InvalidAnnotation::new(index, "annotation.metadata", CONTAINS_SECRET).into());
            }
            match placed(draft, &record).map_err(|error| wrong_place(index, &error))? {
                Some(mark) => {
                    let metadata = draft.metadata.as_deref();
                    new.push(NewAnnotation { id: self.id(), label: draft.label, mark, metadata });
                }
                None => dropped.extend(draft.rect.map(|rect| DroppedBox { index, label: draft.label, rect })),
            }
        }
        let now = (self.clock)();
        let annotations = by.writes(&self.store, now).annotate(project, record.id, &new, MOST, now).await;
        let annotations = annotations.map_err(|error| match error {
            StoreError::TooMany => too_many(),
            other => gone(other),
        })?;
        Ok(AnnotationOutcome { annotations, dropped })
    }

    /// Sets the class of all given images, or removes their classes if `label` is `None`. If an image does not belong
    /// to the project, setting a class fails for all images, and removing a class skips the image.
    pub async fn set_category(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        records: &[RecordId],
        label: Option<LabelId>,
    ) -> Result<(), OpError> {
        let project = self.project(by, project).await?;
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let Some(label) = label else {
            return Ok(store.clear_categories(project.id, records).await?);
        };
        let given: Vec<_> = records.iter().map(|record| (*record, self.id())).collect();
        store.set_categories(project.id, label, &given, now).await.map_err(gone)
    }

    pub async fn delete_annotation(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        id: AnnotationId,
    ) -> Result<(), OpError> {
        let project = self.project(by, project).await?;
        let deleted = by.writes(&self.store, (self.clock)()).delete_annotation(project.id, id).await;
        deleted.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("annotation"),
            other => other.into(),
        })
    }

    pub(super) async fn with_annotations(
        &self,
        project: ProjectId,
        records: Vec<Record>,
        with_metadata: bool,
    ) -> Result<Vec<AnnotatedImage>, OpError> {
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        let mut of: HashMap<RecordId, Vec<Annotation>> = HashMap::new();
        for annotation in self.store.annotations_of(project, &ids, with_metadata).await? {
            of.entry(annotation.record).or_default().push(annotation);
        }
        let with = |record: Record| AnnotatedImage {
            annotations: of.remove(&record.id).unwrap_or_default(),
            record,
        };
        Ok(records.into_iter().map(with).collect())
    }
}

fn too_many() -> OpError {
    Invalid::field("annotations", format!("Use {MOST} annotations or fewer per image.")).into()
}

/// The region of the annotation within the image; `None` if the region has no area.
fn placed(draft: &AnnotationDraft, record: &Record) -> Result<Option<AnnotationRegion>, RectError> {
    let Some(rect) = draft.rect else { return Ok(Some(AnnotationRegion::Category)) };
    let clipped = clip(rect, record.width, record.height)?;
    Ok(clipped.map(|Rect { left, top, width, height }| AnnotationRegion::Box { left, top, width, height }))
}

fn wrong_place(index: usize, error: &RectError) -> InvalidAnnotation {
    InvalidAnnotation::new(index, &format!("annotation.{}", error.field()), error.to_string())
}

impl InvalidAnnotation {
    /// An error for `field` of the annotation at `index`, from 0.
    pub fn new(index: usize, field: &str, expected: impl Into<String>) -> Self {
        Self { field: format!("annotations[{index}].{field}"), expected: expected.into() }
    }
}

impl From<InvalidAnnotation> for OpError {
    fn from(invalid: InvalidAnnotation) -> Self {
        Self::Annotation(Box::new(invalid))
    }
}

/// The image or label was deleted after it was read, or never belonged to the project.
fn gone(error: StoreError) -> OpError {
    match error {
        StoreError::NotFound => OpError::NotFound("image or label in this project"),
        other => other.into(),
    }
}
