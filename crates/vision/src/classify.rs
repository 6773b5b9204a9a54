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
pub use metrics::{LabelMetrics, Metrics, Sureness};
pub use model::{Card, Classifier, Guess};
pub use train::{Settings, TrainError, Training, learn, train};
