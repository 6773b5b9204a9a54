//! Removes expired uploads without a record.

use std::time::Duration;

use keyrack_store::Upload;

use crate::OpError;
use crate::objects::upload_prefix;

use super::{Datasets, UPLOAD_LIFE};

const AT_ONCE: u32 = 100;

/// How long an upload is kept after it expires, so that late requests get the error for expired URLs and running
/// requests can finish. This is at most the lifetime of a URL, so the images that a key sent but did not record number
/// at most twice its remaining quota.
const LATE: Duration = UPLOAD_LIFE;

impl Datasets {
    /// Removes expired uploads without a record.
    pub async fn delete_expired_uploads(&self) -> Result<(), OpError> {
        loop {
            let over = self.store.abandoned_uploads((self.clock)().minus(LATE), AT_ONCE).await?;
            if over.is_empty() {
                return Ok(());
            }
            self.delete_uploads(&over).await?;
        }
    }

    /// Removes the objects and rows of uploads without a record.
    pub(super) async fn delete_uploads(&self, uploads: &[Upload]) -> Result<(), OpError> {
        for upload in uploads {
            self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
        }
        let ids: Vec<_> = uploads.iter().map(|upload| upload.id).collect();
        Ok(self.store.delete_uploads(&ids).await?)
    }
}
