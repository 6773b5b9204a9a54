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

/// One report of a training. The same report comes again where the work between two takes long, so that whoever
/// listens can stop it.
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

/// A report was answered with [`Flow::Cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Whoever hears of a training, and what it heard last.
pub(crate) struct Listener<'a> {
    report: &'a mut dyn FnMut(Progress) -> Flow,
    last: Progress,
}

impl<'a> Listener<'a> {
    pub(crate) fn new(report: &'a mut dyn FnMut(Progress) -> Flow) -> Self {
        let last = Progress { phase: Phase::Features, done: 0, of: 0, loss: None, validation: None };
        Self { report, last }
    }

    pub(crate) fn tell(&mut self, progress: Progress) -> Result<(), Cancelled> {
        self.last = progress;
        self.again()
    }

    /// Nothing is new, but a word to stop must not wait until something is.
    pub(crate) fn again(&mut self) -> Result<(), Cancelled> {
        if (self.report)(self.last) == Flow::Cancel { Err(Cancelled) } else { Ok(()) }
    }
}
