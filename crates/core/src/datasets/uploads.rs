//! Uploads: each upload reserves a place for one image for the holder of its token.
//!
//! The token is the signature of the URL. The token is random, and the upload's row stores its digest. The row is
//! needed anyway, so that every object is known, and deleting the row also invalidates the URL.

use std::time::Duration;

use bytes::Bytes;
use keyrack_key::{Digest, ImportId, ProjectId, QuotaResource, Timestamp, UploadId};
use keyrack_store::{Actor, NewUpload, StoreError, Upload};

use super::{ActiveUpload, Datasets};
use crate::objects::ObjectPath;
use crate::shares::Claimant;
use crate::{AuthorizedCaller, Invalid, OpError, Random, invalid};

/// How long an upload URL is valid.
pub const UPLOAD_LIFE: Duration = Duration::from_mins(15);

/// The prefix of the `uri` of an upload. The upload's id follows.
const URI: &str = "keyrack:";

/// A reserved place for one image.
#[derive(Clone, Debug)]
pub struct UploadReservation {
    pub upload: UploadId,
    /// The secret that opens the upload. Return it only to the caller that requested the upload.
    pub token: String,
    /// The source that the record will name.
    pub uri: String,
    pub expires_at: Timestamp,
}

/// Why an upload or its URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// The upload does not exist, or the token is wrong. One error covers both, so that callers cannot find out
    /// which uploads exist.
    #[error("Upload not found, or the signature in its URL is invalid. Request another upload URL.")]
    WrongSignature,
    #[error("This upload URL has expired (15 minutes). Request another one.")]
    Expired,
    #[error("This upload already has a record. Request another upload URL.")]
    AlreadyRecorded,
    /// The key that requested the URL may no longer upload.
    #[error(
        "The API key that requested this upload URL was deleted, paused, or changed, has expired, or its \
         secret key was revoked. Request another upload URL with a valid key."
    )]
    KeyEnded,
    /// The person who requested the URL may no longer upload.
    #[error(
        "The person who requested this upload URL has signed out or lost the role. Sign in and upload again."
    )]
    SessionEnded,
    /// The open upload URLs of the key already use up its remaining quota.
    #[error(
        "The open upload URLs use all images that are left of this API key's quota. Create records of the \
         uploaded images, or wait until the URLs expire after 15 minutes."
    )]
    TooManyOpen,
    /// A record names the upload as its source before any bytes arrived.
    #[error("No image was sent to this upload URL. Upload the image first.")]
    NothingSent,
}

impl Datasets {
    /// Reserves a place for one image.
    pub async fn reserve_upload(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        name: &str,
    ) -> Result<UploadReservation, OpError> {
        let project = self.project(by, project).await?;
        file_name(name)?;
        let open_max = self.quotas.units_left(by, QuotaResource::Images).await?;
        self.create_reservation(by, project.id, None, open_max).await
    }

    /// Admits a request with this token before its body is read. Returns the claimant whose share the bytes count
    /// against, and the [`ActiveUpload`] that replaces any earlier request to this upload.
    pub async fn admit_upload(&self, id: UploadId, token: &str) -> Result<(Claimant, ActiveUpload), OpError> {
        let upload = self.open_upload(id, token).await?;
        Ok((Claimant::new(upload.workspace, upload.actor), self.active_uploads.begin(id)))
    }

    /// Stores the bytes of a request with this token. The bytes are checked when a record is created from them.
    pub async fn put_upload(&self, id: UploadId, token: &str, bytes: Bytes) -> Result<(), OpError> {
        if bytes.is_empty() {
            return Err(Invalid::field("body", "Send the bytes of an image.").into());
        }
        let _turn = self.locks.take(id).await;
        let upload = self.open_upload(id, token).await?;
        let staged = ObjectPath::staged(upload.project, id);
        let put = self.objects.put(&staged, bytes).await;
        // The upload, its project or the key that requested the upload may have been deleted meanwhile. Without this
        // check, the object would be unknown to the database.
        let still = match self.store.upload(id).await? {
            None => Err(OpError::NotFound("upload")),
            Some(upload) => self.check_open(&upload).await,
        };
        if let Err(ended) = still {
            self.objects.remove(&staged).await?;
            return Err(ended);
        }
        Ok(put?)
    }

    async fn open_upload(&self, id: UploadId, token: &str) -> Result<Upload, OpError> {
        let upload = self.store.upload(id).await?.ok_or(UploadError::WrongSignature)?;
        if Digest::of(token.as_bytes()) != upload.digest {
            return Err(UploadError::WrongSignature.into());
        }
        self.check_open(&upload).await?;
        Ok(upload)
    }

    /// Reserves an upload for a client or for an image of an import. `open_max` limits the open uploads of a key to its
    /// remaining quota.
    pub(super) async fn create_reservation(
        &self,
        by: &AuthorizedCaller,
        project: ProjectId,
        import: Option<ImportId>,
        open_max: Option<u64>,
    ) -> Result<UploadReservation, OpError> {
        let token = new_token(self.random);
        let now = (self.clock)();
        let new = NewUpload {
            id: self.id(),
            project,
            actor: by.actor(),
            digest: Digest::of(token.as_bytes()),
            now,
            expires_at: now.plus(UPLOAD_LIFE),
            import,
            open_max,
        };
        by.writes(&self.store, now).create_upload(&new).await.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("project"),
            StoreError::TooMany => UploadError::TooManyOpen.into(),
            other => other.into(),
        })?;
        Ok(UploadReservation { upload: new.id, token, uri: upload_uri(new.id), expires_at: new.expires_at })
    }

    /// The upload in this project that a record names as its source.
    pub(super) async fn upload_of_source(&self, project: ProjectId, uri: &str) -> Result<Upload, OpError> {
        let wrong =
            || Invalid::field("source", "Use the uri from the response of an upload to this project.");
        let id: UploadId = uri.strip_prefix(URI).and_then(|id| id.parse().ok()).ok_or_else(wrong)?;
        let upload = self.store.upload(id).await?.filter(|upload| upload.project == project);
        Ok(upload.ok_or_else(wrong)?)
    }

    /// Checks that the upload has not expired, that no record was created from it, and that the key or session that
    /// requested it may still upload.
    pub(super) async fn check_open(&self, upload: &Upload) -> Result<(), OpError> {
        let now = (self.clock)();
        if upload.expires_at <= now {
            return Err(UploadError::Expired.into());
        }
        if self.store.record_of_upload(upload.project, upload.id).await?.is_some() {
            return Err(UploadError::AlreadyRecorded.into());
        }
        if self.store.is_upload_allowed(upload, now).await? {
            return Ok(());
        }
        Err(OpError::Upload(match upload.actor {
            Actor::Key(_) => UploadError::KeyEnded,
            Actor::User(_) | Actor::Operator => UploadError::SessionEnded,
        }))
    }
}

impl From<UploadError> for OpError {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

/// The URI that names an upload as the source of a record.
pub fn upload_uri(upload: UploadId) -> String {
    format!("{URI}{upload}")
}

/// A random token of 256 bits, in hex.
fn new_token(random: Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    hex::encode(bytes)
}

/// Trims a file name and replaces its invisible characters with `_`. The name is shown on pages and is never a path on
/// the server. Odd characters are allowed, because file systems allow them and because one rejected name among a
/// thousand files would abort a client's whole batch.
pub(super) fn file_name(name: &str) -> Result<String, OpError> {
    let name = invalid::visible(name);
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Invalid::field("name", "Use a file name of 1 to 255 characters.").into());
    }
    Ok(name)
}
