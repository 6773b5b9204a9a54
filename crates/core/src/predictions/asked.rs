//! What is asked about a picture, and what is answered.

use crate::predict::Held;
use crate::quotas::Spent;

/// What a model says of a picture.
#[derive(Debug)]
pub struct Seen<T> {
    pub found: T,
    /// The right to hold the pictures of the answer in memory, until they are sent.
    pub held: Held,
    /// What it took of the caller's quotas.
    pub spent: Spent,
}

/// How large the pictures of an answer are, in bytes as they are sent.
pub(super) trait PictureBytes {
    fn picture_bytes(&self) -> usize;
}

impl PictureBytes for Classified {
    fn picture_bytes(&self) -> usize {
        self.small.as_ref().map_or(0, |small| small.jpeg.len())
    }
}

impl PictureBytes for Detected {
    fn picture_bytes(&self) -> usize {
        let annotated = self.annotated.as_ref().map_or(0, String::len);
        annotated + self.small.as_ref().map_or(0, |small| small.jpeg.len())
    }
}

/// What a picture shows.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The likeliest, however likely.
    pub best: Likely,
    /// It, and all others that are as likely as was asked for; the likeliest first.
    pub all: Vec<Likely>,
    /// The picture, where it was wanted.
    pub small: Option<Small>,
}

/// What is to be told of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Only labels at least that likely, 0 to 1, and the best in any case.
    pub confidence: f64,
    /// Whether a small copy of the picture comes back.
    pub small: bool,
}

/// A label, and how likely it is: 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    pub label: String,
    pub confidence: f32,
}

/// What is to be found, and whether it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Only what is at least that sure, 0 to 1.
    pub confidence: f64,
    /// Whether a small copy of the picture comes back, with nothing on it.
    pub small: bool,
    /// Whether the picture comes back with boxes on it.
    pub annotate: bool,
    /// Whether the confidences stand beside the labels.
    pub show_confidence: bool,
    /// Pixels of a box's line; by the picture's size where left out.
    pub stroke: Option<f64>,
}

/// What was found in a picture.
#[derive(Clone, Debug)]
pub struct Detected {
    /// The surest first.
    pub objects: Vec<Detection>,
    /// The picture with boxes, as a JPEG in base64.
    pub annotated: Option<String>,
    /// The picture without them, where it was wanted.
    pub small: Option<Small>,
}

/// One object, in pixels of the picture as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    pub label: String,
    pub confidence: f32,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// A copy of a picture, small enough to stand in a page.
#[derive(Clone, Debug)]
pub struct Small {
    /// A JPEG in base64.
    pub jpeg: String,
    /// Pixels of the picture itself, as it is shown.
    pub width: u32,
    pub height: u32,
}
