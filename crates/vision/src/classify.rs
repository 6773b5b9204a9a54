//! Image classification: one label per image, by a softmax head on the backbone's embedding.
//!
//! A fifth of the images of each label is set aside first and used only for measuring. Cross-validation on the
//! remaining images chooses the strength of the regularization and the temperature that calibrates confidences, so no
//! choice has seen the images behind the metrics.

mod calibrate;
mod features;
mod metrics;
mod model;
mod softmax;
mod train;

pub use features::{Features, check_counts};
pub use metrics::{ClassifierExample, ClassifierMetrics, LabelMetrics, ThresholdCounts};
pub use model::{ClassPrediction, Classifier};
pub use train::{train, train_head};

/// Images, each with the index of its label.
pub type ClassifierTrainingSet<'a> = crate::TrainingSet<'a, usize>;
/// A classifier, and examples of its mistakes and least certain predictions.
pub type TrainedClassifier = crate::TrainingResult<Classifier, ClassifierExample>;
