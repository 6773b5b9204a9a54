//! Boxes with labels: a head on the backbone's maps, trained on pictures whose objects are marked.
//!
//! A tenth of the pictures chooses the best of the networks that a training passes through, another tenth
//! measures it, and the rest is learnt from.

mod features;
mod model;
mod net;
mod peaks;
mod precision;
mod target;
mod train;

pub use model::Detector;
pub use peaks::Found;
pub use precision::{LabelPrecision, Precision, precision};
pub use train::{Settings, TrainError, Training, train};

/// An object in a picture, in the picture's own upright pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
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
