//! The task of a project's models.

use std::fmt;
use std::str::FromStr;

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
#[error("expected classification or object_detection")]
pub struct UnknownProjectType;

impl ProjectType {
    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::ObjectDetection => "object_detection",
        }
    }
}

impl fmt::Display for ProjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProjectType {
    type Err = UnknownProjectType;

    fn from_str(text: &str) -> Result<Self, UnknownProjectType> {
        [Self::Classification, Self::ObjectDetection]
            .into_iter()
            .find(|project_type| project_type.name() == text)
            .ok_or(UnknownProjectType)
    }
}
