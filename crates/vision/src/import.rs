//! What people have already labelled: archives of class folders, and boxes in COCO files.

mod annotated;
mod archive;
mod coco;
mod layout;
mod skipped;

pub use archive::{Archive, ArchiveError, ArchiveLimits, ArchivePosition, Item};
pub use coco::{Coco, CocoError, MOST_ANNOTATIONS};
pub use skipped::{LISTED, Skip, Skipped};
