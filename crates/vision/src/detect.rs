//! Boxes with labels: a head on the backbone's maps, trained on pictures whose objects are marked.
//!
//! A tenth of the pictures chooses the best of the networks that a training passes through and makes confidences
//! honest, another tenth measures it, and the rest is learnt from.

mod adam;
mod cache;
mod calibrate;
mod course;
mod features;
mod half;
mod model;
mod net;
mod peaks;
mod place;
mod precision;
mod ready;
mod target;
mod train;
mod views;

use serde::{Deserialize, Serialize};

pub use model::Detector;
pub use peaks::Found;
pub use precision::{LabelPrecision, Metrics, Precision, precision};
pub use ready::{Counts, ready};
pub use train::{Settings, train};

/// Pictures with the objects in each.
pub type Training<'a> = crate::Training<'a, Vec<Object>>;
/// A detector, and what it found in some of the pictures that measure it.
pub type Trained = crate::Trained<Detector, Example>;

/// An object in a picture, in the picture's own upright pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The index of its label.
    pub class: usize,
    /// Of its left edge.
    pub left: f32,
    /// Of its top edge.
    pub top: f32,
    /// Never negative.
    pub width: f32,
    /// Never negative.
    pub height: f32,
}

/// A picture that was measured with, taken blindly: not the best, not the worst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Its number in the training.
    pub picture: usize,
    /// What was found, the surest first, down to a confidence of 0.3. Classes are the model's.
    pub found: Vec<Found>,
    /// What is there. Classes are the model's.
    pub there: Vec<Object>,
}
