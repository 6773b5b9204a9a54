//! A trained model of either task, out of the bytes that it is kept in.

mod file;

use serde::{Deserialize, Serialize};

use crate::classify::Classifier;
use crate::detect::Detector;
use crate::{Backbone, BackboneDigest, Card};

pub(crate) use file::{read_for, write};

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One label for a picture.
    Classification,
    /// Boxes with labels.
    ObjectDetection,
}

/// A model that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// One label for a picture.
    Classifier(Classifier),
    /// Boxes with labels.
    Detector(Box<Detector>),
}

/// Why a file is not a model that can be used here.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not such a file, cut off, or changed since it was written.
    #[error("the file is not a whole Keyrack model")]
    Damaged,
    /// A newer Keyrack wrote it.
    #[error("the model has version {0}; this program reads version {version}", version = file::VERSION)]
    Version(u16),
    /// Its header or weights make no sense together.
    #[error("the model's {0} is not as expected")]
    Content(&'static str),
    /// It does something else.
    #[error("the model is for another task: {0:?}")]
    Task(Task),
    /// It was trained on another backbone, so its weights mean nothing on this one.
    #[error("the model was trained on the backbone {trained_on}, and this server runs {running}")]
    Backbone {
        /// The model's.
        trained_on: BackboneDigest,
        /// The server's.
        running: BackboneDigest,
    },
}

impl Task {
    /// What the model in these bytes does.
    pub fn of(model: &[u8]) -> Result<Self, ModelError> {
        #[derive(Deserialize)]
        struct Header {
            task: Task,
        }
        file::read::<Header>(model).map(|(header, _)| header.task)
    }
}

impl Model {
    /// A kept model of either task, for the backbone that will run it.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        match Task::of(bytes)? {
            Task::Classification => Classifier::from_bytes(bytes, backbone).map(Self::Classifier),
            Task::ObjectDetection => {
                Detector::from_bytes(bytes, backbone).map(|detector| Self::Detector(Box::new(detector)))
            }
        }
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Classifier(classifier) => classifier.to_bytes(),
            Self::Detector(detector) => detector.to_bytes(),
        }
    }

    /// What it does.
    pub fn task(&self) -> Task {
        match self {
            Self::Classifier(_) => Task::Classification,
            Self::Detector(_) => Task::ObjectDetection,
        }
    }

    /// What it tells apart or finds.
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Classifier(classifier) => classifier.labels(),
            Self::Detector(detector) => detector.labels(),
        }
    }

    /// What may be said of it to whoever asks it.
    pub fn card(&self) -> Card {
        match self {
            Self::Classifier(classifier) => classifier.card(),
            Self::Detector(detector) => detector.card(),
        }
    }

    /// About how many bytes of memory it takes, without the backbone that all models share.
    pub fn memory(&self) -> usize {
        match self {
            Self::Classifier(classifier) => classifier.memory(),
            Self::Detector(detector) => detector.memory(),
        }
    }
}

impl From<Classifier> for Model {
    fn from(classifier: Classifier) -> Self {
        Self::Classifier(classifier)
    }
}

impl From<Detector> for Model {
    fn from(detector: Detector) -> Self {
        Self::Detector(Box::new(detector))
    }
}

/// What labels take, for [`Model::memory`].
pub(crate) fn memory_of(labels: &[String]) -> usize {
    labels.iter().map(|label| size_of::<String>() + label.len()).sum()
}
