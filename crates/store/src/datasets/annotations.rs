//! Annotations: the label of an image or of a box in an image.

use std::collections::BTreeSet;

use keyrack_key::{AnnotationId, LabelId, ProjectId, RecordId, Timestamp};

use crate::database::{self, Connection, Row, query};
use crate::{AuthorizedStore, Store, StoreError};

/// The part of an image that an annotation describes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnnotationRegion {
    /// The whole image. An image has at most one such annotation: a new one replaces the old one.
    Category,
    /// A box within the image, in pixels of the upright image.
    Box {
        /// The distance of the left edge from the image's left edge.
        left: f64,
        /// The distance of the top edge from the image's top edge.
        top: f64,
        /// The width, more than 0.
        width: f64,
        /// The height, more than 0.
        height: f64,
    },
}

/// An annotation to create.
#[derive(Clone, Copy, Debug)]
pub struct NewAnnotation<'a> {
    pub id: AnnotationId,
    pub label: LabelId,
    /// The whole image or a box.
    pub mark: AnnotationRegion,
    /// The client's own JSON.
    pub metadata: Option<&'a str>,
}

/// An annotation of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    pub id: AnnotationId,
    pub record: RecordId,
    pub label: LabelId,
    /// The name of the label.
    pub label_name: String,
    /// The whole image or a box.
    pub mark: AnnotationRegion,
    /// The client's own JSON.
    pub metadata: Option<String>,
    pub created_at: Timestamp,
}

macro_rules! annotations {
    ($which:literal) => {
        annotations!("a.metadata", $which)
    };
    ($metadata:literal, $which:literal) => {
        concat!(
            r#"SELECT a.id, a.record_id, a.label_id, l.name AS label_name, a.category, a."left", a.top, a.width, a.height,
                      a.created_at, "#,
            $metadata,
            r#" AS metadata
               FROM annotations a JOIN labels l ON l.id = a.label_id WHERE "#,
            $which
        )
    };
}

impl Store {
    /// Returns the annotations of some records of a project in the order of their creation. Reads the client's JSON,
    /// which can be large, only `with_metadata`.
    pub async fn annotations_of(
        &self,
        project: ProjectId,
        records: &[RecordId],
        with_metadata: bool,
    ) -> Result<Vec<Annotation>, StoreError> {
        let mut db = self.read().await?;
        let mut all = Vec::new();
        for record in records {
            let rows = query(annotations!(
                "CASE WHEN $3 THEN a.metadata END",
                "l.project_id = $1 AND a.record_id = $2 ORDER BY a.id"
            ))
            .bind(project.to_string())
            .bind(record.to_string())
            .bind(with_metadata)
            .fetch_all(&mut *db)
            .await?;
            for row in &rows {
                all.push(annotation(row)?);
            }
        }
        Ok(all)
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Adds annotations to records of a project, all or none, and returns them in order. A box that already exists
    /// isn't added again. Returns [`StoreError::NotFound`] if a record or label isn't the project's, and
    /// [`StoreError::TooMany`] if a record would have more than `most` annotations.
    pub async fn annotate(
        &self,
        project: ProjectId,
        record: RecordId,
        new: &[NewAnnotation<'_>],
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Annotation>, StoreError> {
        let mut db = self.write_new_data().await?;
        let labels: BTreeSet<LabelId> = new.iter().map(|one| one.label).collect();
        require_in_project(&mut db, project, &[record], labels).await?;
        let mut made = Vec::with_capacity(new.len());
        for one in new {
            made.push(insert(&mut db, record, one, now).await?);
        }
        let row = query("SELECT count(*) AS there FROM annotations WHERE record_id = $1")
            .bind(record.to_string())
            .fetch_one(&mut *db)
            .await?;
        if database::number(&row, "there")? > most as u64 {
            return Err(StoreError::TooMany);
        }
        db.commit().await?;
        Ok(made)
    }

    /// Sets the class of some records of a project, all or none. Returns [`StoreError::NotFound`] if a record or the
    /// label isn't the project's.
    pub async fn set_categories(
        &self,
        project: ProjectId,
        label: LabelId,
        records: &[(RecordId, AnnotationId)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write_new_data().await?;
        let ids: Vec<_> = records.iter().map(|(record, _)| *record).collect();
        require_in_project(&mut db, project, &ids, [label]).await?;
        for (record, id) in records {
            let new = NewAnnotation { id: *id, label, mark: AnnotationRegion::Category, metadata: None };
            insert(&mut db, *record, &new, now).await?;
        }
        db.commit().await
    }

    /// Removes the class of some records of a project.
    pub async fn clear_categories(&self, project: ProjectId, records: &[RecordId]) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        for record in records {
            query(
                "DELETE FROM annotations WHERE record_id = (SELECT r.id FROM records r WHERE r.id = $2 AND r.project_id = $1)
                 AND category = 'category'",
            )
            .bind(project.to_string())
            .bind(record.to_string())
            .execute(&mut *db)
            .await?;
        }
        db.commit().await
    }

    /// Deletes an annotation of a project.
    pub async fn delete_annotation(&self, project: ProjectId, id: AnnotationId) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let done = query(
            "DELETE FROM annotations WHERE id = $2
             AND EXISTS (SELECT 1 FROM labels l WHERE l.id = annotations.label_id AND l.project_id = $1)",
        )
        .bind(project.to_string())
        .bind(id.to_string())
        .execute(&mut *db)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        db.commit().await
    }
}

/// Returns [`StoreError::NotFound`] if a record or a label does not belong to the project.
async fn require_in_project(
    db: &mut Connection,
    project: ProjectId,
    records: &[RecordId],
    labels: impl IntoIterator<Item = LabelId>,
) -> Result<(), StoreError> {
    for record in records {
        let known = query("SELECT 1 FROM records WHERE project_id = $1 AND id = $2");
        let known = known.bind(project.to_string()).bind(record.to_string()).fetch_optional(&mut *db).await?;
        known.ok_or(StoreError::NotFound)?;
    }
    for label in labels {
        let known = query("SELECT 1 FROM labels WHERE project_id = $1 AND id = $2");
        let known = known.bind(project.to_string()).bind(label.to_string()).fetch_optional(&mut *db).await?;
        known.ok_or(StoreError::NotFound)?;
    }
    Ok(())
}

async fn insert(
    db: &mut Connection,
    record: RecordId,
    new: &NewAnnotation<'_>,
    now: Timestamp,
) -> Result<Annotation, StoreError> {
    let (category, bounds) = match new.mark {
        AnnotationRegion::Category => ("category", None),
        AnnotationRegion::Box { left, top, width, height } => {
            ("bounding_box", Some([left, top, width, height]))
        }
    };
    if new.mark == AnnotationRegion::Category {
        // An image keeps the annotation if the class is unchanged.
        query("DELETE FROM annotations WHERE record_id = $1 AND category = 'category' AND label_id <> $2")
            .bind(record.to_string())
            .bind(new.label.to_string())
            .execute(&mut *db)
            .await?;
    }
    query(
        r#"INSERT INTO annotations (id, record_id, label_id, category, "left", top, width, height, metadata, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"#,
    )
    .bind(new.id.to_string())
    .bind(record.to_string())
    .bind(new.label.to_string())
    .bind(category)
    .bind(bounds.map(|bounds| bounds[0]))
    .bind(bounds.map(|bounds| bounds[1]))
    .bind(bounds.map(|bounds| bounds[2]))
    .bind(bounds.map(|bounds| bounds[3]))
    .bind(new.metadata)
    .bind(now.micros())
    .execute(&mut *db)
    .await?;
    let row = match bounds {
        None => {
            let query = query(annotations!("a.record_id = $1 AND a.category = 'category'"));
            query.bind(record.to_string()).fetch_one(&mut *db).await?
        }
        Some([left, top, width, height]) => {
            query(annotations!(
                r#"a.record_id = $1 AND a.category = 'bounding_box' AND a.label_id = $2
                   AND a."left" = $3 AND a.top = $4 AND a.width = $5 AND a.height = $6"#
            ))
            .bind(record.to_string())
            .bind(new.label.to_string())
            .bind(left)
            .bind(top)
            .bind(width)
            .bind(height)
            .fetch_one(&mut *db)
            .await?
        }
    };
    annotation(&row)
}

fn annotation(row: &Row) -> Result<Annotation, StoreError> {
    Ok(Annotation {
        id: database::parsed(row, "id")?,
        record: database::parsed(row, "record_id")?,
        label: database::parsed(row, "label_id")?,
        label_name: row.try_get("label_name")?,
        mark: mark(row)?,
        metadata: row.try_get("metadata")?,
        created_at: database::time(row, "created_at")?,
    })
}

pub(super) fn mark(row: &Row) -> Result<AnnotationRegion, StoreError> {
    let category: &str = row.try_get("category")?;
    Ok(match category {
        "category" => AnnotationRegion::Category,
        _ => AnnotationRegion::Box {
            left: row.try_get("left")?,
            top: row.try_get("top")?,
            width: row.try_get("width")?,
            height: row.try_get("height")?,
        },
    })
}
