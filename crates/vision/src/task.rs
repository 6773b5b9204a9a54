//! The tasks that models are trained for.

use serde::{Deserialize, Serialize};

/// What a model predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One label per image.
    Classification,
    /// Labeled boxes.
    ObjectDetection,
}
