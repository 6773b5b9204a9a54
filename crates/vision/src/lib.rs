//! Image decoding, training, models, and predictions, on the CPU.
//!
//! [`Picture::decode`] turns untrusted bytes into pixels. A frozen [`Backbone`] turns pixels into features. A model
//! is a small head on top of these features, which [`classify::train`] or [`detect::train`] fits to a few hundred
//! labeled images. This crate knows no HTTP, no SQL, and no clock: callers pass bytes in and receive results.

#![forbid(unsafe_code)]

mod backbone;
mod boxes;
mod card;
pub mod classify;
pub mod detect;
mod draw;
mod format;
pub mod import;
mod jpeg;
mod model;
mod model_file;
mod parallel;
mod picture;
mod progress;
mod resize;
mod split;
mod task;
mod training;

pub use backbone::{Backbone, BackboneDigest, BackboneError, FeatureMaps, Threads};
pub use boxes::{Rect, RectError, clip};
pub use card::{ModelCard, ModelMetrics};
pub use draw::{BoxStyle, LabeledBox, draw};
pub use format::Format;
pub use model::Model;
pub use model_file::ModelError;
pub use picture::{ImageInfo, ImageLimits, Picture, PictureError};
pub use progress::{Flow, Phase, Progress};
pub use resize::ResizeMode;
pub use split::{ANNOTATED_IMAGES_MIN, IMAGES_PER_LABEL_MIN, NotEnoughImages};
pub use task::Task;
pub use training::{EXAMPLES_MAX, ImageReader, TrainError, TrainingResult, TrainingSet, TrainingSettings};
