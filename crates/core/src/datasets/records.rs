//! Records: images that were decoded completely and are in their final place.

use bytes::Bytes;
use keyrack_key::{BatchId, ImportId, ProjectId, QuotaResource, RecordId, UploadId};
use keyrack_store::{NewRecord, Page, Record, RecordFilter, StoreError, Upload};

use super::Datasets;
use super::annotations::AnnotatedImage;
use super::uploads::{UploadError, file_name};
use crate::objects::{Object, ObjectError, ObjectPath, upload_prefix};
use crate::pictures::ValidImage;
use crate::quotas::QuotaUnit;
use crate::{AuthorizedCaller, Invalid, OpError};

/// The data of a new record for an uploaded image.
#[derive(Clone, Debug)]
pub struct RecordDraft {
    pub name: String,
    pub batch: Option<BatchId>,
    /// The `uri` of the upload.
    pub source: String,
}

/// The size in which to return an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSize {
    /// The original bytes.
    Full,
    /// At most 320 pixels along a side, as JPEG.
    Thumbnail,
}

impl Datasets {
    /// Creates a record of an upload. Returns whether the record is new, and the quota usage. If the upload already has
    /// a record, returns that record.
    pub async fn create_record(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        draft: RecordDraft,
    ) -> Result<(Record, bool, QuotaUnit), OpError> {
        let project = self.project(by, project).await?;
        let name = file_name(&draft.name)?;
        let upload = self.upload_of_source(project.id, &draft.source).await?;
        let _turn = self.locks.take(upload.id).await;
        // For an existing record, this method returns without a write.
        by.verify(&self.store, (self.clock)()).await?;
        if let Some(known) = self.store.record_of_upload(project.id, upload.id).await? {
            return Ok((known, false, QuotaUnit::none()));
        }
        self.check_open(&upload).await?;
        self.check_batch(project.id, draft.batch).await?;
        let spent = self.quotas.spend(by, QuotaResource::Images).await?;
        let made = self.make_record(by, &upload, draft.batch, &name).await;
        let ((record, is_new), spent) = spent.settle(made)?;
        if is_new {
            return Ok((record, true, spent));
        }
        spent.return_unit();
        Ok((record, false, QuotaUnit::none()))
    }

    async fn make_record(
        &self,
        by: &AuthorizedCaller,
        upload: &Upload,
        batch: Option<BatchId>,
        name: &str,
    ) -> Result<(Record, bool), OpError> {
        let picture = self.pictures.permit(by.claimant()).await?;
        // The queue may be long: a key that was deleted meanwhile must not get information about the upload.
        by.verify(&self.store, (self.clock)()).await?;
        let sent = self.uploaded_bytes(upload).await?;
        let checked = match picture.check(sent.bytes).await {
            Ok(checked) => checked,
            Err(refused) => {
                // Remove the invalid image so that the client can send another one. Errors of the server
                // keep the bytes.
                if let OpError::Image(_) = refused {
                    self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
                }
                return Err(refused);
            }
        };
        let place = if sent.is_staged { self.move_to_final_path(upload).await } else { Ok(()) };
        let kept = match place {
            Ok(()) => self.insert_record(by, upload, batch, name, checked).await,
            Err(error) => Err(error),
        };
        self.unless_deleted(upload, kept).await
    }

    /// Creates a record of an image in one step. `import` is the import that the image comes from.
    pub async fn add_image(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        name: &str,
        batch: Option<&str>,
        bytes: Bytes,
        import: Option<ImportId>,
    ) -> Result<Record, OpError> {
        let project = self.project(by, project).await?;
        let name = file_name(name)?;
        let spent = self.quotas.spend(by, QuotaResource::Images).await?;
        let added = self.add_named(by, project.id, &name, batch, bytes, import).await;
        spent.settle(added).map(|(record, _)| record)
    }

    async fn add_named(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        name: &str,
        batch: Option<&str>,
        bytes: Bytes,
        import: Option<ImportId>,
    ) -> Result<Record, OpError> {
        let checked = self.pictures.permit(by.claimant()).await?.check(bytes.clone()).await?;
        let batch = match batch {
            Some(name) => Some(self.batch(by, project, name).await?.id),
            None => None,
        };
        let promise = self.create_reservation(by, project, import, None).await?;
        let upload = self.upload_of_source(project, &promise.uri).await?;
        let kept = self.add(by, &upload, batch, name, bytes, checked).await;
        let kept = self.unless_deleted(&upload, kept).await;
        if kept.is_err()
            && let Err(error) = self.delete_uploads(&[upload]).await
        {
            tracing::debug!(%error, "the bytes of a denied image are removed with its upload");
        }
        kept
    }

    /// Returns the record of an upload. If no record exists, removes the rest of the upload and returns `None`.
    pub async fn record_or_clear(
        &self,
        project: ProjectId,
        upload: UploadId,
    ) -> Result<Option<Record>, OpError> {
        let record = self.store.record_of_upload(project, upload).await?;
        if record.is_none()
            && let Some(upload) = self.store.upload(upload).await?
        {
            self.delete_uploads(&[upload]).await?;
        }
        Ok(record)
    }

    /// Up to `limit` records with their annotations, newest first.
    pub async fn records(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Page<AnnotatedImage, RecordId>, OpError> {
        let project = self.project(by, project).await?;
        let page = self.store.records(project.id, filter, after, limit).await?;
        let items = self.with_annotations(project.id, page.items, false).await?;
        Ok(Page { items, next: page.next })
    }

    /// A record with its annotations.
    pub async fn read(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        id: RecordId,
    ) -> Result<AnnotatedImage, OpError> {
        let record = self.record(by, project, id).await?;
        let annotated = self.with_annotations(project, vec![record], true).await?;
        annotated.into_iter().next().ok_or(OpError::NotFound("record"))
    }

    /// Opens an image for streaming, and returns its content type.
    pub async fn image(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        id: RecordId,
        size: ImageSize,
    ) -> Result<(Object, String), OpError> {
        let record = self.record(by, project, id).await?;
        let (place, kind) = match size {
            ImageSize::Full => (ObjectPath::image(project, record.upload), record.content_type),
            ImageSize::Thumbnail => (ObjectPath::thumbnail(project, record.upload), "image/jpeg".to_owned()),
        };
        match self.objects.open(&place).await {
            Ok(object) => Ok((object, kind)),
            Err(error) => {
                // The record may have been deleted after it was read.
                self.record(by, project, id).await?;
                Err(error.into())
            }
        }
    }

    /// Deletes a record with its annotations and its image.
    pub async fn delete_record(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        id: RecordId,
    ) -> Result<(), OpError> {
        let record = self.record(by, project, id).await?;
        let prefixes = [upload_prefix(project, record.upload)];
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let deleted = store.delete_record(by.workspace, project, id, &prefixes, by.actor(), now).await;
        deleted.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("record"),
            other => other.into(),
        })?;
        self.removals.wake();
        Ok(())
    }

    pub(super) async fn record(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        id: RecordId,
    ) -> Result<Record, OpError> {
        let project = self.project(by, project).await?;
        self.store.record(project.id, id).await?.ok_or(OpError::NotFound("record"))
    }

    async fn check_batch(&self, project: ProjectId, batch: Option<BatchId>) -> Result<(), OpError> {
        match batch {
            Some(batch) if !self.store.has_batch(project, batch).await? => {
                Err(Invalid::field("batchId", "Use the ID of a batch of this project.").into())
            }
            _ => Ok(()),
        }
    }

    /// The bytes of an upload. If the bytes are already in their final place without a record, an earlier attempt moved
    /// them there and then failed.
    async fn uploaded_bytes(&self, upload: &Upload) -> Result<UploadedBytes, OpError> {
        let (project, id) = (upload.project, upload.id);
        for (place, is_staged) in
            [(ObjectPath::staged(project, id), true), (ObjectPath::image(project, id), false)]
        {
            match self.objects.read(&place).await {
                Ok(bytes) => return Ok(UploadedBytes { bytes, is_staged }),
                Err(ObjectError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(UploadError::NothingSent.into())
    }

    async fn add(
        &self,
        by: &AuthorizedCaller,
        upload: &Upload,
        batch: Option<BatchId>,
        name: &str,
        bytes: Bytes,
        checked: ValidImage,
    ) -> Result<Record, OpError> {
        self.objects.put(&ObjectPath::image(upload.project, upload.id), bytes).await?;
        Ok(self.insert_record(by, upload, batch, name, checked).await?.0)
    }

    /// Records an image that is in its final place. Until then, only the upload refers to the image.
    async fn insert_record(
        &self,
        by: &AuthorizedCaller,
        upload: &Upload,
        batch: Option<BatchId>,
        name: &str,
        checked: ValidImage,
    ) -> Result<(Record, bool), OpError> {
        self.objects.put(&ObjectPath::thumbnail(upload.project, upload.id), checked.thumbnail).await?;
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

    /// Moves the uploaded bytes to their final place.
    async fn move_to_final_path(&self, upload: &Upload) -> Result<(), OpError> {
        let (staged, image) =
            (ObjectPath::staged(upload.project, upload.id), ObjectPath::image(upload.project, upload.id));
        Ok(self.objects.move_to(&staged, &image).await?)
    }

    /// Returns `NotFound` instead of another error if the upload was deleted meanwhile, and removes its objects, which
    /// no row refers to anymore.
    async fn unless_deleted<T>(&self, upload: &Upload, result: Result<T, OpError>) -> Result<T, OpError> {
        if result.is_ok() || self.store.upload(upload.id).await?.is_some() {
            return result;
        }
        self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
        Err(OpError::NotFound("upload"))
    }
}

struct UploadedBytes {
    bytes: Bytes,
    is_staged: bool,
}
