//! A trained classifier: asked, kept, read again, and described.

use serde::{Deserialize, Serialize};

use super::metrics::Metrics;
use super::softmax::{Softmax, softmax};
use crate::card::{self, BACKBONE_NOTE, Card};
use crate::model::{self, ModelError, Task, memory_of};
use crate::{Backbone, BackboneDigest, BackboneError, Frame, Picture, Threads};

/// What a person should know before believing a classifier.
const NOTES: [&str; 3] = [
    "The metrics are of pictures that were set aside before training and took no part in any choice.",
    "Confidences come from a softmax whose temperature was calibrated on pictures like the training's; \
     on other pictures they mean less.",
    "There is no \"none of these\": every picture gets one of the labels.",
];

/// A head on a frozen backbone.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    header: Header,
    head: Softmax,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    task: Task,
    backbone: BackboneDigest,
    frame: Frame,
    labels: Vec<String>,
    temperature: f32,
    metrics: Metrics,
}

/// A label, and how likely it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess<'a> {
    /// One of the model's labels.
    pub label: &'a str,
    /// Calibrated, 0 to 1; all guesses of a picture add up to 1.
    pub confidence: f32,
}

impl Classifier {
    /// Takes the standardisation into the weights, so that predictions need none.
    pub(super) fn new(
        backbone: BackboneDigest,
        frame: Frame,
        labels: Vec<String>,
        head: &Softmax,
        (mean, deviation): (&[f32], &[f32]),
        temperature: f32,
        metrics: Metrics,
    ) -> Self {
        let mut head = head.clone();
        for row in head.weights.chunks_exact_mut(head.width + 1) {
            row.iter_mut().zip(deviation).for_each(|(weight, deviation)| *weight /= deviation);
            row[head.width] -= row.iter().zip(mean).map(|(weight, mean)| weight * mean).sum::<f32>();
        }
        Self {
            header: Header { task: Task::Classification, backbone, frame, labels, temperature, metrics },
            head,
        }
    }

    /// All labels, the likeliest first.
    pub fn predict(
        &self,
        backbone: &Backbone,
        picture: &Picture,
        threads: &Threads,
    ) -> Result<Vec<Guess<'_>>, BackboneError> {
        let embedding = backbone.embedding(picture, self.header.frame, threads)?;
        Ok(self.guess(&embedding))
    }

    /// What the head says of an embedding of its backbone.
    pub fn guess(&self, embedding: &[f32]) -> Vec<Guess<'_>> {
        let mut chances = self.head.logits(embedding);
        softmax(&mut chances, self.header.temperature);
        let labels = self.header.labels.iter();
        let mut guesses: Vec<_> =
            labels.zip(chances).map(|(label, confidence)| Guess { label, confidence }).collect();
        guesses.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        guesses
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        model::write(&self.header, &self.head.weights)
    }

    /// A kept classifier, for the backbone that will run it.
    pub fn from_bytes(bytes: &[u8], backbone: &Backbone) -> Result<Self, ModelError> {
        let (header, weights) = model::read_for::<Header>(bytes, Task::Classification, backbone)?;
        let head = Softmax { width: backbone.width(), classes: header.labels.len(), weights };
        if header.labels.len() < 2 || head.weights.len() != head.classes * (head.width + 1) {
            return Err(ModelError::Content("size"));
        }
        if !(header.temperature.is_finite() && header.temperature > 0.0) {
            return Err(ModelError::Content("temperature"));
        }
        Ok(Self { header, head })
    }

    /// What it tells apart.
    pub fn labels(&self) -> &[String] {
        &self.header.labels
    }

    /// How right it is on pictures that it did not learn from.
    pub fn metrics(&self) -> &Metrics {
        &self.header.metrics
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        let labels = self.header.labels.len();
        // The confusion matrix is part of its metrics.
        4 * self.head.weights.len() + memory_of(&self.header.labels) + 8 * labels * labels
    }

    /// What may be said of it to whoever asks it.
    pub fn card(&self) -> Card {
        let metrics = self.metrics().clone();
        let sure = metrics.at_0_7;
        let mut notes = vec![format!(
            "Measured on {} pictures. At a confidence of 0.7 or more it answered {} of them and was right on {}.",
            metrics.measured_on, sure.answers, sure.right
        )];
        notes.extend(NOTES.map(String::from));
        notes.push(BACKBONE_NOTE.into());
        notes.extend(card::left_out_notes(metrics.unreadable, metrics.repeated));
        Card {
            task: self.header.task,
            labels: self.header.labels.clone(),
            backbone: self.header.backbone,
            metrics: card::Metrics::Classification(metrics),
            notes,
        }
    }
}
