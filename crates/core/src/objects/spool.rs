//! Objects that arrive piece by piece and are read as files: archives, which may be larger than memory.

use std::sync::Arc;

use super::{ObjectError, ObjectWriter};
use crate::disk::Disk;

/// An object that is arriving. If the spool is dropped before [`finish`](Self::finish), its bytes are removed.
#[derive(Debug)]
pub struct Spool {
    disk: Arc<Disk>,
    writer: Box<dyn ObjectWriter>,
}

impl Spool {
    pub(super) const fn new(disk: Arc<Disk>, writer: Box<dyn ObjectWriter>) -> Self {
        Self { disk, writer }
    }

    /// Appends bytes. Returns [`ObjectError::DiskFull`] if the write would touch the disk's reserve.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.disk.admit(bytes.len() as u64)?;
        self.writer.write(bytes).await
    }

    /// Moves the object to its final path. Afterwards, the object survives a power failure.
    pub async fn finish(self) -> Result<(), ObjectError> {
        self.writer.finish().await
    }
}
