//! One label for a picture: training a head on the backbone's embeddings, and asking it.
//!
//! A fifth of the pictures of each label is set aside before anything else and only ever measured with. How
//! strongly to regularise, and the temperature that makes confidences honest, are chosen by cross-validation
//! within the rest, so the metrics are of pictures that no choice has seen.

mod calibrate;
mod features;
mod metrics;
mod model;
mod softmax;
mod train;

pub use features::{Features, ready};
pub use metrics::{Example, LabelMetrics, Metrics, Sureness};
pub use model::{Classifier, Guess};
pub use train::{learn, train};

/// Pictures with the index of the label of each.
pub type Training<'a> = crate::Training<'a, usize>;
/// A classifier, and what it got wrong or was least sure of.
pub type Trained = crate::Trained<Classifier, Example>;
