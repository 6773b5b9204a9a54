//! The options and results of predictions.

use crate::predict::MemoryPermit;
use crate::quotas::QuotaUnit;

/// The prediction of a model for an image.
#[derive(Debug)]
pub struct Prediction<T> {
    pub result: T,
    /// The permit to hold the images of the response in memory until they are sent.
    pub permit: MemoryPermit,
    /// The quota usage of the prediction.
    pub quota: QuotaUnit,
}

/// The size of the images in a response, in bytes as sent.
pub(super) trait PictureBytes {
    fn picture_bytes(&self) -> usize;
}

impl PictureBytes for ImageClasses {
    fn picture_bytes(&self) -> usize {
        self.small.as_ref().map_or(0, |small| small.jpeg.len())
    }
}

impl PictureBytes for DetectedObjects {
    fn picture_bytes(&self) -> usize {
        let annotated = self.annotated.as_ref().map_or(0, String::len);
        annotated + self.small.as_ref().map_or(0, |small| small.jpeg.len())
    }
}

/// The classes of an image.
#[derive(Clone, Debug)]
pub struct ImageClasses {
    /// The most likely class, at any confidence.
    pub best: LabelConfidence,
    /// The best class and all other classes with at least the requested confidence, most likely first.
    pub all: Vec<LabelConfidence>,
    /// A small copy of the image, if requested.
    pub small: Option<SmallCopy>,
}

/// The options of a classification.
#[derive(Clone, Copy, Debug)]
pub struct ClassifyOptions {
    /// The minimum confidence of a returned class, 0 to 1. The best class is always returned.
    pub confidence: f64,
    /// Whether to return a small copy of the image.
    pub small: bool,
}

/// A label and its confidence, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelConfidence {
    pub label: String,
    pub confidence: f32,
}

/// The options of a detection.
#[derive(Clone, Copy, Debug)]
pub struct DetectOptions {
    /// The minimum confidence of a returned object, 0 to 1.
    pub confidence: f64,
    /// Whether to return a small copy of the image without boxes.
    pub small: bool,
    /// Whether to return the image with boxes.
    pub annotate: bool,
    /// Whether to draw the confidences beside the labels.
    pub show_confidence: bool,
    /// The width of a box's line, in pixels; `None` derives the width from the size of the image.
    pub stroke: Option<f64>,
}

/// The objects found in an image.
#[derive(Clone, Debug)]
pub struct DetectedObjects {
    /// Sorted by confidence, highest first.
    pub objects: Vec<Detection>,
    /// The image with boxes, as a JPEG in base64.
    pub annotated: Option<String>,
    /// A small copy of the image without boxes, if requested.
    pub small: Option<SmallCopy>,
}

/// One object, in pixels of the upright image.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    pub label: String,
    pub confidence: f32,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// A copy of an image that is small enough for a page.
#[derive(Clone, Debug)]
pub struct SmallCopy {
    /// A JPEG in base64.
    pub jpeg: String,
    /// The size of the original upright image, in pixels.
    pub width: u32,
    pub height: u32,
}
