//! Uploads that nobody made a record of end with their time.

use std::time::Duration;

use keyrack_store::Upload;

use crate::OpError;
use crate::objects::upload_prefix;

use super::{Datasets, UPLOAD_LIFE};

const AT_ONCE: u32 = 100;

/// What was on its way when the time was over has arrived by then, and whoever comes late is told that it is over. Not
/// longer than a URL is open: what was sent and not recorded is bounded by twice what the key's quota leaves.
const LATE: Duration = UPLOAD_LIFE;

impl Datasets {
    /// Removes uploads whose time is over and that no record was made of.
    pub async fn end_uploads(&self) -> Result<(), OpError> {
        loop {
            let over = self.store.abandoned_uploads((self.clock)().minus(LATE), AT_ONCE).await?;
            if over.is_empty() {
                return Ok(());
            }
            self.clear_away(&over).await?;
        }
    }

    /// Removes what came of uploads that no record was made of.
    pub(super) async fn clear_away(&self, uploads: &[Upload]) -> Result<(), OpError> {
        for upload in uploads {
            self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
        }
        let ids: Vec<_> = uploads.iter().map(|upload| upload.id).collect();
        Ok(self.store.delete_uploads(&ids).await?)
    }
}
