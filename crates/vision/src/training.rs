//! The input, the result, and the errors of every training.

use std::io;
use std::num::NonZeroUsize;

use crate::progress::Cancelled;
use crate::{BackboneError, ImageLimits, NotEnoughImages, ResizeMode};

/// Reads the file of the image with this index. Called on any thread of the training.
pub type ImageReader<'a> = dyn Fn(usize) -> io::Result<Vec<u8>> + Sync + 'a;

/// The images and labels to train on. `T` is the ground truth of one image.
pub struct TrainingSet<'a, T> {
    /// The names of the classes. The model leaves out labels that no image has.
    pub labels: &'a [String],
    /// The ground truth of each image, by index.
    pub truth: &'a [T],
    /// Reads an image file. The training leaves out and counts images that can't be read or decoded, and images whose
    /// bytes equal those of an earlier image.
    pub read: &'a ImageReader<'a>,
}

/// The settings that trainings for both tasks share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingSettings {
    /// Seeds every random choice, such as the split. The same images and seed give the same model
    /// on any number of threads.
    pub seed: u64,
    /// The number of images that are processed at the same time.
    pub threads: NonZeroUsize,
    /// How images become squares.
    pub frame: ResizeMode,
    /// The limits for decoding each image.
    pub limits: ImageLimits,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: NonZeroUsize::MIN,
            frame: ResizeMode::default(),
            limits: ImageLimits::default(),
        }
    }
}

/// The result of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingResult<M, E> {
    /// The trained model.
    pub model: M,
    /// A few of the images that the model was measured on, at most [`EXAMPLES_MAX`]. Show them only to people who may see
    /// the training data. The model and its card don't contain them.
    pub examples: Vec<E>,
}

/// The most examples that a training returns.
pub const EXAMPLES_MAX: usize = 8;

/// Why a training produced no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There are too few labeled images.
    #[error(transparent)]
    TooFew(#[from] NotEnoughImages),
    /// The receiver of the progress reports responded with [`Flow::Cancel`](crate::Flow::Cancel).
    #[error("The training was canceled.")]
    Cancelled,
    /// The ground truth names a class that doesn't exist.
    #[error("image {picture} has the label number {class}, but there are {labels} labels")]
    UnknownLabel {
        picture: usize,
        /// The class index of the ground truth.
        class: usize,
        /// The number of labels.
        labels: usize,
    },
    /// A box has a side that is negative, infinite, or NaN.
    #[error("image {picture} has an invalid box")]
    Box { picture: usize },
    /// A setting is out of its range.
    #[error("{0}")]
    Settings(&'static str),
    /// The features fit neither in memory nor on the disk.
    #[error("the features of the images can't be stored on disk: {0}")]
    Spill(#[source] io::Error),
    /// The backbone failed.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
}

impl From<Cancelled> for TrainError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
