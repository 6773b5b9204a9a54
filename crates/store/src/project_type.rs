//! What the models of a project learn, as a word.

use std::fmt;
use std::str::FromStr;

/// What the models of a project learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProjectType {
    /// What a picture shows.
    Classification,
    /// What is where in a picture.
    ObjectDetection,
}

/// A text that names no type of project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected classification or object_detection")]
pub struct UnknownProjectType;

impl ProjectType {
    /// The word in the API and the store.
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
