//! The progress of a training, and how to cancel a training.

use serde::{Deserialize, Serialize};

/// The current work of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The backbone computes the features of the images.
    Features,
    /// Cross-validation chooses how strongly to regularize the head.
    Choosing,
    /// The final head is trained.
    Training,
}

/// A progress report. The last report is repeated while the work up to the next one takes long, so that the receiver
/// can cancel the training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The current work.
    pub phase: Phase,
    /// The number of images, trials, or steps that are finished.
    pub done: usize,
    /// The total number of images, trials, or steps, or an upper bound of it.
    pub of: usize,
    /// The training loss, or `None` if this phase has none.
    pub loss: Option<f32>,
    /// The accuracy or mAP on images that aren't trained on, or `None` if this step didn't measure it.
    pub validation: Option<f32>,
}

/// The receiver's response to a progress report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Continue the training.
    Continue,
    /// StopFlag the training as soon as possible and discard the result.
    Cancel,
}

/// The receiver responded with [`Flow::Cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// The receiver of progress reports, and the last report.
pub(crate) struct Reporter<'a> {
    report: &'a mut dyn FnMut(Progress) -> Flow,
    last: Progress,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(report: &'a mut dyn FnMut(Progress) -> Flow) -> Self {
        let last = Progress { phase: Phase::Features, done: 0, of: 0, loss: None, validation: None };
        Self { report, last }
    }

    pub(crate) fn report(&mut self, progress: Progress) -> Result<(), Cancelled> {
        self.last = progress;
        self.repeat()
    }

    /// Repeats the last report, so that the receiver can cancel the training now.
    pub(crate) fn repeat(&mut self) -> Result<(), Cancelled> {
        if (self.report)(self.last) == Flow::Cancel { Err(Cancelled) } else { Ok(()) }
    }
}
