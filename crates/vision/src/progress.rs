//! How far a training is, and the way to stop it.

use serde::{Deserialize, Serialize};

/// What a training does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Pictures go through the backbone.
    Features,
    /// Heads are tried, to choose how strongly to regularise.
    Choosing,
    /// The head that will be kept learns.
    Training,
}

/// One report of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is done.
    pub phase: Phase,
    /// Pictures, trials or steps that are done.
    pub done: usize,
    /// Of how many, at most.
    pub of: usize,
    /// The training loss, where there is one.
    pub loss: Option<f32>,
    /// Accuracy or mAP on pictures that the head does not learn from, where it was measured.
    pub validation: Option<f32>,
}

/// What a training is told after each report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop as soon as possible, and keep nothing.
    Cancel,
}
