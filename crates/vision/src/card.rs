//! What can be said of a model without its training data.

use serde::{Deserialize, Serialize};

use crate::{BackboneDigest, Task, classify, detect};

/// What a model does, how well, and what to know before believing it. It owns all it says, and as JSON it can be
/// kept beside the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// What it does.
    pub task: Task,
    /// What it tells apart or finds.
    pub labels: Vec<String>,
    /// The backbone it needs.
    pub backbone: BackboneDigest,
    /// How right it is on pictures that it did not learn from.
    pub metrics: Metrics,
    /// What to know before believing it, in sentences.
    pub notes: Vec<String>,
}

/// The metrics of either task. In JSON the card's `task` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Metrics {
    /// Of a classifier.
    Classification(classify::Metrics),
    /// Of a detector.
    ObjectDetection(detect::Metrics),
}

/// What holds for every model: the backbone has seen what it has seen.
pub(crate) const BACKBONE_NOTE: &str = "The features were learnt from photographs of everyday things: drawings, medical, thermal and satellite \
     images, and things that are small in the picture, are told apart less well.";

/// Pictures that took no part are named, not passed over.
pub(crate) fn left_out_notes(unreadable: usize, repeated: usize) -> impl Iterator<Item = String> {
    let unreadable = (unreadable > 0).then(|| {
        format!("{unreadable} of the pictures given could not be read or decoded, and took no part.")
    });
    let repeated = (repeated > 0).then(|| {
        format!(
            "{repeated} of the pictures given are the same as one before them, byte for byte, and took no part: each \
             picture counts once, with what was said of the first."
        )
    });
    unreadable.into_iter().chain(repeated)
}
