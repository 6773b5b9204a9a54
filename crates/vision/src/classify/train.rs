//! Trains a classifier and measures it.

use super::calibrate::{log_loss, temperature};
use super::features::Features;
use super::metrics::{ClassifierMetrics, examples, measure};
use super::model::Classifier;
use super::softmax::{Softmax, TrainingRows, softmax};
use super::{ClassifierTrainingSet, TrainedClassifier};
use crate::progress::{Cancelled, Reporter};
use crate::split::stratified;
use crate::{Backbone, Flow, Phase, Progress, TrainError, TrainingSettings};

/// The strengths of the regularization to try, from strong to weak. Each fit starts from the
/// result of the previous one.
const STRENGTHS: [f32; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003];
const STEPS: usize = 100;
/// One of so many parts is set held_out for measuring.
const PARTS: usize = 5;
/// With more images than this, a single fold suffices.
const SINGLE_FOLD_ABOVE: usize = 1000;

/// Trains a classifier. Calls `report` with each progress report on the calling thread. `report` can cancel the
/// training within a second.
pub fn train(
    backbone: &Backbone,
    training: &ClassifierTrainingSet<'_>,
    settings: &TrainingSettings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<TrainedClassifier, TrainError> {
    let features = Features::extract(backbone, training, settings, report)?;
    train_head(features, settings.seed, report)
}

/// Trains and measures a head on features: the second half of [`train`].
pub fn train_head(
    features: Features,
    seed: u64,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<TrainedClassifier, TrainError> {
    let Features { views, classes, pictures, labels, unreadable, repeated, backbone, width, frame } =
        features;
    let mut table = FeatureTable { views, classes, labels: labels.len(), width };
    let mut parts = stratified(&table.classes, PARTS, seed);
    let held_out = parts.pop().unwrap_or_default();
    let learning = parts.concat();
    let (mean, deviation) = table.standardize(&learning);
    let mut reporter = Reporter::new(report);
    let choice = choose(&table, &learning, seed, &mut reporter)?;
    let head = fit(&table, &learning, &held_out, choice.l2, &mut reporter)?;
    let probabilities = table.probabilities(&head, &held_out, choice.temperature);
    let truth = table.classes(&held_out);
    let metrics = ClassifierMetrics {
        trained_on: learning.len(),
        unreadable,
        repeated,
        ..measure(&probabilities, &truth, table.labels)
    };
    let pictures: Vec<usize> = held_out.iter().map(|at| pictures[*at]).collect();
    let examples = examples(&probabilities, &truth, &pictures);
    let model =
        Classifier::new(backbone, frame, labels, &head, (&mean, &deviation), choice.temperature, metrics);
    Ok(TrainedClassifier { model, examples })
}

/// The features and classes of all images.
struct FeatureTable {
    views: Vec<[Vec<f32>; 2]>,
    classes: Vec<usize>,
    labels: usize,
    width: usize,
}

impl FeatureTable {
    /// Standardizes each feature to mean 0 and deviation 1 over the images in `learning`. Returns
    /// the means and deviations.
    fn standardize(&mut self, learning: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let rows = || learning.iter().flat_map(|at| &self.views[*at]);
        #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^24")]
        let share = 1.0 / (2 * learning.len()).max(1) as f32;
        let mut mean = vec![0.0f32; self.width];
        rows().for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x * share));
        let mut deviation = vec![0.0f32; self.width];
        for row in rows() {
            for ((d, x), mean) in deviation.iter_mut().zip(row).zip(&mean) {
                *d += (x - mean).powi(2) * share;
            }
        }
        // A small constant keeps nearly constant features from being scaled up to look important.
        for d in &mut deviation {
            *d = d.sqrt() + 1e-3;
        }
        for row in self.views.iter_mut().flatten() {
            row.iter_mut().zip(&mean).zip(&deviation).for_each(|((x, mean), d)| *x = (*x - mean) / d);
        }
        (mean, deviation)
    }

    /// Both views of the given images, each with the image's class.
    fn rows(&self, pictures: &[usize]) -> TrainingRows<'_> {
        TrainingRows {
            features: pictures.iter().flat_map(|at| &self.views[*at]).map(Vec::as_slice).collect(),
            classes: pictures.iter().flat_map(|at| [self.classes[*at]; 2]).collect(),
        }
    }

    fn classes(&self, pictures: &[usize]) -> Vec<usize> {
        pictures.iter().map(|at| self.classes[*at]).collect()
    }

    /// The logits of the unmirrored view of each image. Predictions use this view too.
    fn logits(&self, head: &Softmax, pictures: &[usize]) -> Vec<Vec<f32>> {
        pictures.iter().map(|at| head.logits(&self.views[*at][0])).collect()
    }

    fn probabilities(&self, head: &Softmax, pictures: &[usize], temperature: f32) -> Vec<Vec<f32>> {
        let mut probabilities = self.logits(head, pictures);
        probabilities.iter_mut().for_each(|logits| softmax(logits, temperature));
        probabilities
    }
}

struct Hyperparameters {
    l2: f32,
    temperature: f32,
}

/// Tries each strength on every fold, and returns the one with the lowest log loss after calibration.
fn choose(
    table: &FeatureTable,
    learning: &[usize],
    seed: u64,
    reporter: &mut Reporter<'_>,
) -> Result<Hyperparameters, Cancelled> {
    let classes = table.classes(learning);
    let folds = stratified(&classes, PARTS - 1, seed.wrapping_add(1));
    let folds = if learning.len() > SINGLE_FOLD_ABOVE { &folds[..1] } else { &folds[..] };
    let mut logits = vec![Vec::new(); STRENGTHS.len()];
    let mut truth = Vec::new();
    let of = folds.len() * STRENGTHS.len();
    reporter.report(Progress { phase: Phase::Choosing, done: 0, of, loss: None, validation: None })?;
    for (number, fold) in folds.iter().enumerate() {
        let (held_out, rest): (Vec<_>, Vec<_>) = (0..learning.len()).partition(|at| fold.contains(at));
        let [held_out, rest] =
            [held_out, rest].map(|part| part.iter().map(|at| learning[*at]).collect::<Vec<_>>());
        let rows = table.rows(&rest);
        let mut head = Softmax::zero(table.width, table.labels);
        for (trial, l2) in STRENGTHS.iter().enumerate() {
            let done = number * STRENGTHS.len() + trial;
            head.fit(&rows, *l2, STEPS, &mut |step| match step {
                Some(step) => {
                    let loss = Some(step.loss);
                    reporter.report(Progress { phase: Phase::Choosing, done, of, loss, validation: None })
                }
                None => reporter.repeat(),
            })?;
            logits[trial].extend(table.logits(&head, &held_out));
        }
        truth.extend(table.classes(&held_out));
    }
    let mut best = (f64::INFINITY, Hyperparameters { l2: STRENGTHS[0], temperature: 1.0 });
    for (logits, l2) in logits.iter().zip(STRENGTHS) {
        reporter.repeat()?;
        let temperature = temperature(logits, &truth);
        let log_loss = log_loss(logits, &truth, temperature);
        if log_loss < best.0 {
            best = (log_loss, Hyperparameters { l2, temperature });
        }
    }
    Ok(best.1)
}

/// Trains the final head. The images set held_out only provide the validation curve; nothing is chosen by them.
fn fit(
    table: &FeatureTable,
    learning: &[usize],
    held_out: &[usize],
    l2: f32,
    reporter: &mut Reporter<'_>,
) -> Result<Softmax, Cancelled> {
    let truth = table.classes(held_out);
    let mut head = Softmax::zero(table.width, table.labels);
    head.fit(&table.rows(learning), l2, STEPS, &mut |step| {
        let Some(step) = step else { return reporter.repeat() };
        reporter.report(Progress {
            phase: Phase::Training,
            done: step.number,
            of: STEPS,
            loss: Some(step.loss),
            validation: Some(measure(&table.logits(step.head, held_out), &truth, table.labels).accuracy),
        })
    })?;
    Ok(head)
}
