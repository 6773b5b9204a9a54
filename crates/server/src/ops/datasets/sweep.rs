//! Uploads that nobody made a record of end with their time.

use std::time::Duration;

use crate::objects::upload_prefix;
use crate::ops::OpError;

use super::Datasets;

const AT_ONCE: u32 = 100;

/// What was on its way when the time was over has arrived by then, and whoever comes late is told that it is over.
const LATE: Duration = Duration::from_hours(1);

impl Datasets {
    /// Removes uploads whose time is over and that no record was made of.
    pub async fn end_uploads(&self) -> Result<(), OpError> {
        loop {
            let over = self.store.abandoned_uploads((self.clock)().minus(LATE), AT_ONCE).await?;
            if over.is_empty() {
                return Ok(());
            }
            for upload in &over {
                self.objects.remove_below(&upload_prefix(upload.project, upload.id)).await?;
            }
            let ids: Vec<_> = over.iter().map(|upload| upload.id).collect();
            self.store.forget_uploads(&ids).await?;
        }
    }
}
