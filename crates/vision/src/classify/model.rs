//! A trained classifier: prediction, serialization, and model card.

use serde::{Deserialize, Serialize};

use super::metrics::ClassifierMetrics;
use super::softmax::{Softmax, softmax};
use crate::card::{self, BACKBONE_NOTE, ModelCard};
use crate::model_file::{self, labels_memory};
use crate::{Backbone, BackboneDigest, BackboneError, ModelError, Picture, ResizeMode, Task, Threads};

/// What to know before trusting a classifier.
const NOTES: [&str; 3] = [
    "Measured on test images that weren't used for training or tuning.",
    "Confidence scores are calibrated on your training images and are less reliable on different ones.",
    "The model always picks one of your labels. It can't answer \"none of these\".",
];

/// A trained head for a frozen backbone.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    header: ClassifierHeader,
    head: Softmax,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ClassifierHeader {
    task: Task,
    backbone: BackboneDigest,
    frame: ResizeMode,
    labels: Vec<String>,
    temperature: f32,
    metrics: ClassifierMetrics,
}

/// A label and its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassPrediction<'a> {
    /// The name of the label.
    pub label: &'a str,
    /// The calibrated probability, 0 to 1. The probabilities of all labels add up to 1.
    pub confidence: f32,
}

impl Classifier {
    /// Folds the standardization of the features into the weights, so that predictions don't need it.
    pub(super) fn new(
        backbone: BackboneDigest,
        frame: ResizeMode,
        labels: Vec<String>,
        head: &Softmax,
        (mean, deviation): (&[f32], &[f32]),
        temperature: f32,
        metrics: ClassifierMetrics,
    ) -> Self {
        let mut head = head.clone();
        for row in head.weights.chunks_exact_mut(head.width + 1) {
            row.iter_mut().zip(deviation).for_each(|(weight, deviation)| *weight /= deviation);
            row[head.width] -= row.iter().zip(mean).map(|(weight, mean)| weight * mean).sum::<f32>();
        }
        Self {
            header: ClassifierHeader {
                task: Task::Classification,
                backbone,
                frame,
                labels,
                temperature,
                metrics,
            },
            head,
        }
    }

    /// Predicts the probabilities of all labels, the most likely first.
    pub fn predict(
        &self,
        backbone: &Backbone,
        picture: &Picture,
        threads: &Threads,
    ) -> Result<Vec<ClassPrediction<'_>>, BackboneError> {
        let embedding = backbone.embedding(picture, self.header.frame, threads)?;
        Ok(self.predict_embedding(&embedding))
    }

    /// Predicts from an embedding that this classifier's backbone computed.
    pub fn predict_embedding(&self, embedding: &[f32]) -> Vec<ClassPrediction<'_>> {
        let mut probabilities = self.head.logits(embedding);
        softmax(&mut probabilities, self.header.temperature);
        let labels = self.header.labels.iter();
        let mut guesses: Vec<_> = labels
            .zip(probabilities)
            .map(|(label, confidence)| ClassPrediction { label, confidence })
            .collect();
        guesses.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        guesses
    }

    /// Serializes the classifier.
    pub fn to_bytes(&self) -> Vec<u8> {
        model_file::write(&self.header, &self.head.weights)
    }

    /// Deserializes a classifier. Returns an error if it was trained on a different backbone.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        let (header, weights) =
            model_file::read_for_task::<ClassifierHeader>(bytes, Task::Classification, backbone)?;
        let head = Softmax { width: backbone.width(), classes: header.labels.len(), weights };
        if header.labels.len() < 2 || head.weights.len() != head.classes * (head.width + 1) {
            return Err(ModelError::Content("size"));
        }
        if !(header.temperature.is_finite() && header.temperature > 0.0) {
            return Err(ModelError::Content("temperature"));
        }
        Ok(Self { header, head })
    }

    /// The labels that the classifier distinguishes.
    pub fn labels(&self) -> &[String] {
        &self.header.labels
    }

    /// The metrics on images that the classifier wasn't trained on.
    pub fn metrics(&self) -> &ClassifierMetrics {
        &self.header.metrics
    }

    /// The approximate number of bytes in memory.
    pub fn memory(&self) -> usize {
        let labels = self.header.labels.len();
        // The metrics include the confusion matrix.
        4 * self.head.weights.len() + labels_memory(&self.header.labels) + 8 * labels * labels
    }

    /// The model card. It contains no training data.
    pub fn card(&self) -> ModelCard {
        let metrics = self.metrics().clone();
        let mut notes: Vec<_> = NOTES.map(String::from).into();
        notes.push(BACKBONE_NOTE.into());
        notes.extend(card::left_out_notes(metrics.unreadable, metrics.repeated));
        ModelCard {
            task: self.header.task,
            labels: self.header.labels.clone(),
            backbone: self.header.backbone,
            metrics: card::ModelMetrics::Classification(metrics),
            notes,
        }
    }
}
