//! Reads labeled images from archives: class folders, and boxes in COCO files.

mod annotation_files;
mod archive;
mod coco;
mod layout;
mod skipped;

pub use archive::{Archive, ArchiveError, ArchiveLimits, ArchivePosition, ArchivedImage};
pub use coco::{COCO_LIST_MAX, Coco, CocoError};
pub use skipped::{SKIPPED_LISTED_MAX, SkippedFile, SkippedFiles};
