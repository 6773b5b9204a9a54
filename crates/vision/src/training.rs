//! What every training is given, what it gives back, and how it can fail.

use std::io;
use std::num::NonZeroUsize;

use crate::progress::Cancelled;
use crate::{BackboneError, Frame, Limits, TooFew};

/// Reads the bytes of the picture with that number, on any of the training's threads.
pub type Read<'a> = dyn Fn(usize) -> io::Result<Vec<u8>> + Sync + 'a;

/// What there is to learn from; `T` is what is known of one picture.
pub struct Training<'a, T> {
    /// Names of the classes. Those that no picture carries are left out of the model.
    pub labels: &'a [String],
    /// For each picture, what is true of it.
    pub truth: &'a [T],
    /// Where pictures come from. One that cannot be read or decoded is left out and counted, and so is one that is
    /// the same as one before it, byte for byte.
    pub read: &'a Read<'a>,
}

/// How to train, whatever the task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Decides the split and all else that is left to chance. The same pictures and seed give the same model, on
    /// any number of threads.
    pub seed: u64,
    /// Pictures that are looked at side by side.
    pub threads: NonZeroUsize,
    /// How pictures become squares.
    pub frame: Frame,
    /// The most that a decoder is fed.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0, threads: NonZeroUsize::MIN, frame: Frame::default(), limits: Limits::default() }
    }
}

/// What a training gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained<M, E> {
    /// To keep.
    pub model: M,
    /// A few of the pictures that it was measured on. They say which pictures those are, so they are for whoever
    /// may see the training data; the model and its card know nothing of them.
    pub examples: Vec<E>,
}

/// The most examples of a training.
pub const EXAMPLES: usize = 8;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There is too little to learn from.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// A report was answered with [`Flow::Cancel`](crate::Flow::Cancel).
    #[error("the training was cancelled")]
    Cancelled,
    /// A picture is said to have a label that is none of those given.
    #[error("picture {picture} has the label number {class}, and there are {labels} labels")]
    UnknownLabel {
        /// The picture's number.
        picture: usize,
        /// The label's.
        class: usize,
        /// How many there are.
        labels: usize,
    },
    /// A box of a picture has a side that is negative, infinite or no number.
    #[error("picture {picture} has a box that is no box")]
    Box {
        /// The picture's number.
        picture: usize,
    },
    /// A setting is out of its range.
    #[error("{0}")]
    Settings(&'static str),
    /// The features did not fit into memory, and not on the disk either.
    #[error("the features of the pictures cannot be kept on disk: {0}")]
    Spill(#[source] io::Error),
    /// The backbone did not run.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
}

impl From<Cancelled> for TrainError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
