//! The public description of a model.

use serde::{Deserialize, Serialize};

use crate::{BackboneDigest, Task, classify, detect};

/// A model card: what a model does, how well, and what to know before trusting it. It contains no training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The model's task.
    pub task: Task,
    /// The labels that the model distinguishes or finds.
    pub labels: Vec<String>,
    /// The backbone that the model was trained on.
    pub backbone: BackboneDigest,
    /// The metrics on images that the model wasn't trained on.
    pub metrics: ModelMetrics,
    /// What to know before trusting the model, in sentences.
    pub notes: Vec<String>,
}

/// The metrics of either task. In JSON, the card's `task` identifies the kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ModelMetrics {
    /// The metrics of a classifier.
    Classification(classify::ClassifierMetrics),
    /// The metrics of a detector.
    ObjectDetection(detect::DetectorMetrics),
}

/// The note on every card about the limits of the backbone.
pub(crate) const BACKBONE_NOTE: &str = "Works best on everyday photos. Expect lower accuracy on drawings, \
     on medical, thermal, or satellite images, and on small objects.";

/// Returns notes about the images that were left out.
pub(crate) fn left_out_notes(unreadable: usize, repeated: usize) -> impl Iterator<Item = String> {
    let unreadable =
        (unreadable > 0).then(|| format!("Images left out because they couldn't be decoded: {unreadable}."));
    let repeated = (repeated > 0)
        .then(|| format!("Exact copies left out: {repeated}. The labels of the first copy count."));
    unreadable.into_iter().chain(repeated)
}
