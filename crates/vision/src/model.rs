//! A trained model of either task, and how to load one.

use crate::classify::Classifier;
use crate::detect::Detector;
use crate::{Backbone, ModelCard, ModelError, Task};

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// A model that predicts one label per image.
    Classifier(Classifier),
    /// A model that predicts labeled boxes.
    Detector(Box<Detector>),
}

impl Model {
    /// Deserializes a model of either task. Returns an error if it was trained on a different backbone.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        match Task::of(bytes)? {
            Task::Classification => Classifier::from_bytes(bytes, backbone).map(Self::Classifier),
            Task::ObjectDetection => {
                Detector::from_bytes(bytes, backbone).map(|detector| Self::Detector(Box::new(detector)))
            }
        }
    }

    /// Serializes the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Classifier(classifier) => classifier.to_bytes(),
            Self::Detector(detector) => detector.to_bytes(),
        }
    }

    /// The model's task.
    pub fn task(&self) -> Task {
        match self {
            Self::Classifier(_) => Task::Classification,
            Self::Detector(_) => Task::ObjectDetection,
        }
    }

    /// The labels that the model distinguishes or finds.
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Classifier(classifier) => classifier.labels(),
            Self::Detector(detector) => detector.labels(),
        }
    }

    /// The model card. It contains no training data.
    pub fn card(&self) -> ModelCard {
        match self {
            Self::Classifier(classifier) => classifier.card(),
            Self::Detector(detector) => detector.card(),
        }
    }

    /// The approximate number of bytes in memory, without the backbone that all models share.
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
