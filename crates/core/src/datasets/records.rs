//! Records: pictures that were checked to their last pixel and lie where they stay.

use bytes::Bytes;
use keyrack_key::{BatchId, Counted, ImportId, ProjectId, RecordId, UploadId};
use keyrack_store::{NewRecord, Page, Record, RecordFilter, StoreError, Upload};

use super::Datasets;
use super::annotations::Annotated;
use super::uploads::{UploadError, file_name};
use crate::objects::{Object, ObjectError, Place, upload_prefix};
use crate::pictures::Checked;
use crate::quotas::Spent;
use crate::{Acting, Invalid, OpError};

/// A record of a picture that was uploaded.
#[derive(Clone, Debug)]
pub struct RecordDraft {
    pub name: String,
    pub batch: Option<BatchId>,
    /// The `uri` of the upload.
    pub source: String,
}

/// How large a picture is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As it came.
    Full,
    /// At most 320 pixels along a side, as JPEG.
    Thumbnail,
}

impl Datasets {
    /// Makes a record of what was uploaded: `true` where it is new, and what that took of the caller's quotas. A source that
    /// has its record answers with it.
    pub async fn create_record(
        &self,
        by: &Acting,
        project: ProjectId,
        draft: RecordDraft,
    ) -> Result<(Record, bool, Spent), OpError> {
        let project = self.project(by, project).await?;
        let name = file_name(&draft.name)?;
        let upload = self.source(project.id, &draft.source).await?;
        let _turn = self.turns.take(upload.id).await;
        // A known record is a response without a write.
        by.verify(&self.store, (self.clock)()).await?;
        if let Some(known) = self.store.record_of_upload(project.id, upload.id).await? {
            return Ok((known, false, Spent::nothing()));
        }
        self.still_promised(&upload).await?;
        self.know_batch(project.id, draft.batch).await?;
        let spent = self.quotas.take(by, Counted::Images).await?;
        let made = self.make_record(by, &upload, draft.batch, &name).await;
        let ((record, is_new), spent) = spent.settle(made)?;
        if is_new {
            return Ok((record, true, spent));
        }
        spent.give_back();
        Ok((record, false, Spent::nothing()))
    }

    async fn make_record(
        &self,
        by: &Acting,
        upload: &Upload,
        batch: Option<BatchId>,
        name: &str,
    ) -> Result<(Record, bool), OpError> {
        let picture = self.pictures.turn(by.claimant()).await?;
        // The queue may be long: a key that was deleted meanwhile learns nothing of what was sent.
        by.verify(&self.store, (self.clock)()).await?;
        let sent = self.sent(upload).await?;
        let checked = match picture.check(sent.bytes).await {
            Ok(checked) => checked,
            Err(refused) => {
                // The place is free for another try, unless it was us who could not.
                if let OpError::Image(_) = refused {
                    self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
                }
                return Err(refused);
            }
        };
        let place = if sent.is_staged { self.stay(upload).await } else { Ok(()) };
        let kept = match place {
            Ok(()) => self.keep(by, upload, batch, name, checked).await,
            Err(error) => Err(error),
        };
        self.unless_ended(upload, kept).await
    }

    /// Makes a record of a picture in one step. `import` is the import that it comes from.
    pub async fn add_picture(
        &self,
        by: &Acting,
        project: ProjectId,
        name: &str,
        batch: Option<&str>,
        bytes: Bytes,
        import: Option<ImportId>,
    ) -> Result<Record, OpError> {
        let project = self.project(by, project).await?;
        let name = file_name(name)?;
        let spent = self.quotas.take(by, Counted::Images).await?;
        let added = self.add_named(by, project.id, &name, batch, bytes, import).await;
        spent.settle(added).map(|(record, _)| record)
    }

    async fn add_named(
        &self,
        by: &Acting,
        project: ProjectId,
        name: &str,
        batch: Option<&str>,
        bytes: Bytes,
        import: Option<ImportId>,
    ) -> Result<Record, OpError> {
        let checked = self.pictures.turn(by.claimant()).await?.check(bytes.clone()).await?;
        let batch = match batch {
            Some(name) => Some(self.batch(by, project, name).await?.id),
            None => None,
        };
        let promise = self.promise(by, project, import, None).await?;
        let upload = self.source(project, &promise.uri).await?;
        let kept = self.add(by, &upload, batch, name, bytes, checked).await;
        let kept = self.unless_ended(&upload, kept).await;
        if kept.is_err()
            && let Err(error) = self.clear_away(&[upload]).await
        {
            tracing::debug!(%error, "what is left of a picture that was refused goes with its upload");
        }
        kept
    }

    /// The record that was made of an upload. If there is none, what was left of the upload is removed.
    pub async fn record_or_clear(
        &self,
        project: ProjectId,
        upload: UploadId,
    ) -> Result<Option<Record>, OpError> {
        let record = self.store.record_of_upload(project, upload).await?;
        if record.is_none()
            && let Some(upload) = self.store.upload(upload).await?
        {
            self.clear_away(&[upload]).await?;
        }
        Ok(record)
    }

    /// Up to `limit` records with what is in them, newest first.
    pub async fn records(
        &self,
        by: &Acting,
        project: ProjectId,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Page<Annotated, RecordId>, OpError> {
        let project = self.project(by, project).await?;
        let page = self.store.records(project.id, filter, after, limit).await?;
        let items = self.annotated(project.id, page.items, false).await?;
        Ok(Page { items, next: page.next })
    }

    /// A record with what is in it.
    pub async fn read(&self, by: &Acting, project: ProjectId, id: RecordId) -> Result<Annotated, OpError> {
        let record = self.record(by, project, id).await?;
        let annotated = self.annotated(project, vec![record], true).await?;
        annotated.into_iter().next().ok_or(OpError::NotFound("record"))
    }

    /// A picture, which is read as it is sent, and what its bytes are.
    pub async fn image(
        &self,
        by: &Acting,
        project: ProjectId,
        id: RecordId,
        size: Size,
    ) -> Result<(Object, String), OpError> {
        let record = self.record(by, project, id).await?;
        let (place, kind) = match size {
            Size::Full => (Place::image(project, record.upload), record.content_type),
            Size::Thumbnail => (Place::thumbnail(project, record.upload), "image/jpeg".to_owned()),
        };
        match self.objects.open(&place).await {
            Ok(object) => Ok((object, kind)),
            Err(error) => {
                // Deleted since it was looked up?
                self.record(by, project, id).await?;
                Err(error.into())
            }
        }
    }

    /// Deletes a record with its annotations and its picture.
    pub async fn delete_record(&self, by: &Acting, project: ProjectId, id: RecordId) -> Result<(), OpError> {
        let record = self.record(by, project, id).await?;
        let prefixes = [upload_prefix(project, record.upload)];
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let deleted = store.delete_record(by.workspace, project, id, &prefixes, by.actor(), now).await;
        deleted.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("record"),
            other => other.into(),
        })?;
        self.removals.begin();
        Ok(())
    }

    pub(super) async fn record(
        &self,
        by: &Acting,
        project: ProjectId,
        id: RecordId,
    ) -> Result<Record, OpError> {
        let project = self.project(by, project).await?;
        self.store.record(project.id, id).await?.ok_or(OpError::NotFound("record"))
    }

    async fn know_batch(&self, project: ProjectId, batch: Option<BatchId>) -> Result<(), OpError> {
        match batch {
            Some(batch) if !self.store.has_batch(project, batch).await? => {
                Err(Invalid::field("batchId", "expected the id of a batch of this project").into())
            }
            _ => Ok(()),
        }
    }

    /// The picture that came through an upload. One that no record knows and that lies where it stays was moved there
    /// by a try that got no further.
    async fn sent(&self, upload: &Upload) -> Result<Sent, OpError> {
        let (project, id) = (upload.project, upload.id);
        for (place, is_staged) in [(Place::staged(project, id), true), (Place::image(project, id), false)] {
            match self.objects.read(&place).await {
                Ok(bytes) => return Ok(Sent { bytes, is_staged }),
                Err(ObjectError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(UploadError::NothingSent.into())
    }

    async fn add(
        &self,
        by: &Acting,
        upload: &Upload,
        batch: Option<BatchId>,
        name: &str,
        bytes: Bytes,
        checked: Checked,
    ) -> Result<Record, OpError> {
        self.objects.put(&Place::image(upload.project, upload.id), bytes).await?;
        Ok(self.keep(by, upload, batch, name, checked).await?.0)
    }

    /// Writes down a picture that lies where it stays. Until then the upload is what knows of it.
    async fn keep(
        &self,
        by: &Acting,
        upload: &Upload,
        batch: Option<BatchId>,
        name: &str,
        checked: Checked,
    ) -> Result<(Record, bool), OpError> {
        self.objects.put(&Place::thumbnail(upload.project, upload.id), checked.thumbnail).await?;
        let now = (self.clock)();
        let new = NewRecord {
            id: self.id(),
            project: upload.project,
            batch,
            upload: upload.id,
            name,
            width: checked.width,
            height: checked.height,
            content_type: checked.content_type,
            size: checked.size,
            actor: by.actor(),
            now,
        };
        Ok(by.writes(&self.store, now).create_record(&new).await?)
    }

    /// Moves what was sent to where it stays.
    async fn stay(&self, upload: &Upload) -> Result<(), OpError> {
        let (staged, image) =
            (Place::staged(upload.project, upload.id), Place::image(upload.project, upload.id));
        Ok(self.objects.move_to(&staged, &image).await?)
    }

    /// What failed because the project ended meanwhile is nobody's failure. Nobody knows of the objects any more then.
    async fn unless_ended<T>(&self, upload: &Upload, result: Result<T, OpError>) -> Result<T, OpError> {
        if result.is_ok() || self.store.upload(upload.id).await?.is_some() {
            return result;
        }
        self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
        Err(OpError::NotFound("upload"))
    }
}

struct Sent {
    bytes: Bytes,
    is_staged: bool,
}
