//! The task of a project's models.

use crate::text_enum::text_enum;

/// The task of a project's models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProjectType {
    /// One label per image.
    Classification,
    /// Labeled boxes in an image.
    ObjectDetection,
}

/// The text isn't a project type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use classification or object_detection.")]
pub struct UnknownProjectType;

text_enum! { ProjectType, UnknownProjectType,
    Classification => "classification",
    ObjectDetection => "object_detection",
}
