//! What is in a picture: its class, or boxes.

use std::collections::HashMap;

use keyrack_key::{AnnotationId, LabelId, ProjectId, RecordId};
use keyrack_store::{Annotation, Mark, NewAnnotation, Record, StoreError};
use keyrack_vision::{Rect, clip};

use super::Datasets;
use crate::ops::{Acting, Invalid, OpError};

/// The most annotations in one request.
const MOST: usize = 10_000;

/// A picture with what is in it.
#[derive(Clone, Debug)]
pub struct Annotated {
    pub record: Record,
    pub annotations: Vec<Annotation>,
}

/// An annotation as somebody wants it.
#[derive(Clone, Debug)]
pub struct MarkDraft {
    pub label: LabelId,
    /// In pixels of the upright picture; none: the picture as a whole.
    pub rect: Option<Rect>,
    /// Whatever the client keeps beside it: JSON.
    pub metadata: Option<String>,
}

/// What became of the annotations that were sent.
#[derive(Clone, Debug)]
pub struct Given {
    pub annotations: Vec<Annotation>,
    pub dropped: Vec<Dropped>,
}

/// A box that has no area within the picture.
#[derive(Clone, Copy, Debug)]
pub struct Dropped {
    /// Its place among those that were sent, from 0.
    pub index: usize,
    pub label: LabelId,
    pub rect: Rect,
}

impl Datasets {
    /// Annotates a picture, all or nothing. Boxes are clipped to the picture; those without area are dropped and named.
    pub async fn annotate(
        &self,
        by: &Acting,
        project: ProjectId,
        record: RecordId,
        drafts: &[MarkDraft],
    ) -> Result<Given, OpError> {
        if drafts.len() > MOST {
            return Err(Invalid::field("annotations", format!("at most {MOST} at once")).into());
        }
        let record = self.record(by, project, record).await?;
        let (mut new, mut dropped) = (Vec::with_capacity(drafts.len()), Vec::new());
        for (index, draft) in drafts.iter().enumerate() {
            let mark = match draft.rect {
                None => Mark::Category,
                Some(rect) => match clip(rect, record.width, record.height) {
                    Err(error) => return Err(Invalid::field(error.field(), error.to_string()).into()),
                    Ok(Some(Rect { left, top, width, height })) => Mark::Box { left, top, width, height },
                    Ok(None) => {
                        dropped.push(Dropped { index, label: draft.label, rect });
                        continue;
                    }
                },
            };
            let metadata = draft.metadata.as_deref();
            new.push(NewAnnotation { id: self.id(), label: draft.label, mark, metadata });
        }
        let annotations = self.store.annotate(project, record.id, &new, (self.clock)()).await;
        Ok(Given { annotations: annotations.map_err(unknown_label)?, dropped })
    }

    /// Gives some pictures a class, or takes theirs away. Pictures that are not the project's are passed over where a
    /// class is taken away, and refused where one is given.
    pub async fn set_category(
        &self,
        by: &Acting,
        project: ProjectId,
        records: &[RecordId],
        label: Option<LabelId>,
    ) -> Result<(), OpError> {
        let project = self.project(by, project).await?;
        let Some(label) = label else {
            return Ok(self.store.clear_categories(project.id, records).await?);
        };
        for record in records {
            let new = NewAnnotation { id: self.id(), label, mark: Mark::Category, metadata: None };
            let given = self.store.annotate(project.id, *record, &[new], (self.clock)()).await;
            given.map_err(unknown_label)?;
        }
        Ok(())
    }

    /// Removes one annotation.
    pub async fn delete_annotation(
        &self,
        by: &Acting,
        project: ProjectId,
        id: AnnotationId,
    ) -> Result<(), OpError> {
        let project = self.project(by, project).await?;
        let deleted = self.store.delete_annotation(project.id, id).await;
        deleted.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("annotation"),
            other => other.into(),
        })
    }

    pub(super) async fn annotated(
        &self,
        project: ProjectId,
        records: Vec<Record>,
    ) -> Result<Vec<Annotated>, OpError> {
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        let mut of: HashMap<RecordId, Vec<Annotation>> = HashMap::new();
        for annotation in self.store.annotations_of(project, &ids).await? {
            of.entry(annotation.record).or_default().push(annotation);
        }
        let with =
            |record: Record| Annotated { annotations: of.remove(&record.id).unwrap_or_default(), record };
        Ok(records.into_iter().map(with).collect())
    }
}

fn unknown_label(error: StoreError) -> OpError {
    match error {
        StoreError::NotFound => {
            Invalid::field("label_id", "expected the id of a label of this project").into()
        }
        other => other.into(),
    }
}
