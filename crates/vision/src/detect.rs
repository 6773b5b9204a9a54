//! Object detection: labeled boxes, by a head on the backbone's feature maps.
//!
//! A tenth of the images chooses the best network of a training and calibrates the confidences, another tenth
//! measures the detector, and the remaining images are trained on.

mod adam;
mod cache;
mod calibrate;
mod counts;
mod features;
mod half;
mod model;
mod net;
mod peaks;
mod precision;
mod projection;
mod settings;
mod target_map;
mod train;
mod training_loop;
mod views;

use serde::{Deserialize, Serialize};

pub use counts::{AnnotationCounts, check_counts};
pub use model::Detector;
pub use peaks::Detection;
pub use precision::{DetectorMetrics, LabelPrecision, Precision, measure_precision};
pub use settings::DetectorSettings;
pub use train::train;

/// Images, each with its objects.
pub type DetectorTrainingSet<'a> = crate::TrainingSet<'a, Vec<Object>>;
/// A detector, and its detections in some of the measured images.
pub type TrainedDetector = crate::TrainingResult<Detector, DetectorExample>;

/// An object in an image. The box is in pixels of the upright image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The index of the label.
    pub class: usize,
    /// The distance of the left edge from the image's left edge.
    pub left: f32,
    /// The distance of the top edge from the image's top edge.
    pub top: f32,
    /// The width in pixels, never negative.
    pub width: f32,
    /// The height in pixels, never negative.
    pub height: f32,
}

/// A measured image and its detections. Examples are chosen at random, so they are typical.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorExample {
    /// The image's index in the training.
    pub picture: usize,
    /// The detections with a confidence of at least 0.3, the most confident first. Class indices are the model's.
    pub found: Vec<Detection>,
    /// The true objects. Class indices are the model's.
    pub there: Vec<Object>,
}
