//! From labelled pictures to a classifier, with numbers that can be believed.

use std::num::NonZeroUsize;

use super::calibrate::{surprise, temperature};
use super::features::{Features, Read};
use super::metrics::{Metrics, measure};
use super::model::Classifier;
use super::softmax::{Rows, Softmax, softmax};
use crate::split::stratified;
use crate::{Backbone, BackboneError, Flow, Frame, Limits, Phase, Progress, TooFew};

/// Regularisations that are tried, strong ones first: each fit starts from the one before.
const STRENGTHS: [f32; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003];
const STEPS: usize = 100;
/// A fifth is measured with.
const PARTS: usize = 5;
/// Above that many pictures one fold says enough.
const MANY: usize = 1000;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Decides the split. The same pictures and seed give the same model.
    pub seed: u64,
    /// Pictures that are looked at side by side.
    pub threads: NonZeroUsize,
    /// How pictures become squares.
    pub frame: Frame,
    /// The most that a decoder is fed.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0, threads: NonZeroUsize::MIN, frame: Frame::default(), limits: Limits::default() }
    }
}

/// What there is to learn from.
pub struct Training<'a> {
    /// Names of the classes. Those that no picture carries are left out of the model.
    pub labels: &'a [String],
    /// For each picture, the index of its label.
    pub classes: &'a [usize],
    /// Reads the bytes of the picture with that number. One that cannot be read is left out and counted.
    pub read: &'a Read<'a>,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There is too little to learn from.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// A report was answered with [`Flow::Cancel`].
    #[error("the training was cancelled")]
    Cancelled,
    /// A picture is said to have a label that is none of those given.
    #[error("picture {picture} has the label number {class}, and there are {labels} labels")]
    UnknownLabel {
        /// The picture's number.
        picture: usize,
        /// The label's.
        class: usize,
        /// How many there are.
        labels: usize,
    },
    /// The backbone did not run.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
}

/// Trains a classifier. `report` hears of every picture and step, on the calling thread, and can stop it all.
pub fn train(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Classifier, TrainError> {
    let features = Features::extract(backbone, training, settings, report)?;
    learn(features, settings.seed, report)
}

/// The second half of [`train`]: a split, a head, its metrics.
pub fn learn(
    features: Features,
    seed: u64,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Classifier, TrainError> {
    let Features { views, classes, labels, unreadable, backbone, width, frame } = features;
    let mut table = Table { views, classes, labels: labels.len(), width };
    let mut parts = stratified(&table.classes, PARTS, seed);
    let aside = parts.pop().unwrap_or_default();
    let learning = parts.concat();
    let (mean, deviation) = table.standardise(&learning);
    let choice = choose(&table, &learning, seed, report)?;
    let head = fit(&table, &learning, &aside, choice.l2, report)?;
    let metrics = table.metrics(&head, &aside, choice.temperature, learning.len(), unreadable);
    Ok(Classifier::new(backbone, frame, labels, &head, (&mean, &deviation), choice.temperature, metrics))
}

/// The features of all pictures, and what they are.
struct Table {
    views: Vec<[Vec<f32>; 2]>,
    classes: Vec<usize>,
    labels: usize,
    width: usize,
}

impl Table {
    /// Gives each feature the mean 0 and the deviation 1 over the pictures that are learnt from.
    fn standardise(&mut self, learning: &[usize]) -> (Vec<f32>, Vec<f32>) {
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
        // A feature that hardly moves must not be blown up to look important.
        for d in &mut deviation {
            *d = d.sqrt() + 1e-3;
        }
        for row in self.views.iter_mut().flatten() {
            row.iter_mut().zip(&mean).zip(&deviation).for_each(|((x, mean), d)| *x = (*x - mean) / d);
        }
        (mean, deviation)
    }

    /// Both views of some pictures, each with the picture's class.
    fn rows(&self, pictures: &[usize]) -> Rows<'_> {
        Rows {
            features: pictures.iter().flat_map(|at| &self.views[*at]).map(Vec::as_slice).collect(),
            classes: pictures.iter().flat_map(|at| [self.classes[*at]; 2]).collect(),
        }
    }

    fn classes(&self, pictures: &[usize]) -> Vec<usize> {
        pictures.iter().map(|at| self.classes[*at]).collect()
    }

    /// What a head says of some pictures as they are, which is how predictions look at them.
    fn logits(&self, head: &Softmax, pictures: &[usize]) -> Vec<Vec<f32>> {
        pictures.iter().map(|at| head.logits(&self.views[*at][0])).collect()
    }

    fn metrics(
        &self,
        head: &Softmax,
        aside: &[usize],
        temperature: f32,
        trained_on: usize,
        unreadable: usize,
    ) -> Metrics {
        let mut chances = self.logits(head, aside);
        for logits in &mut chances {
            softmax(logits, temperature);
        }
        measure(&chances, &self.classes(aside), self.labels, trained_on, unreadable)
    }
}

struct Choice {
    l2: f32,
    temperature: f32,
}

/// Each strength is tried on every fold; the one whose calibrated answers surprised least is taken.
fn choose(
    table: &Table,
    learning: &[usize],
    seed: u64,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Choice, TrainError> {
    let classes = table.classes(learning);
    let folds = stratified(&classes, PARTS - 1, seed.wrapping_add(1));
    let folds = if learning.len() > MANY { &folds[..1] } else { &folds[..] };
    let mut logits = vec![Vec::new(); STRENGTHS.len()];
    let mut truth = Vec::new();
    for (number, fold) in folds.iter().enumerate() {
        let (asked, rest): (Vec<_>, Vec<_>) = (0..learning.len()).partition(|at| fold.contains(at));
        let [asked, rest] = [asked, rest].map(|part| part.iter().map(|at| learning[*at]).collect::<Vec<_>>());
        let rows = table.rows(&rest);
        let mut head = Softmax::zero(table.width, table.labels);
        for (trial, l2) in STRENGTHS.iter().enumerate() {
            let done = number * STRENGTHS.len() + trial;
            let of = folds.len() * STRENGTHS.len();
            let flow = head.fit(&rows, *l2, STEPS, |_, loss, _| {
                report(Progress { phase: Phase::Choosing, done, of, loss: Some(loss), validation: None })
            });
            if flow == Flow::Cancel {
                return Err(TrainError::Cancelled);
            }
            logits[trial].extend(table.logits(&head, &asked));
        }
        truth.extend(table.classes(&asked));
    }
    let scored = logits.iter().zip(STRENGTHS).map(|(logits, l2)| {
        let temperature = temperature(logits, &truth);
        (surprise(logits, &truth, temperature), Choice { l2, temperature })
    });
    let best = scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, choice)| choice);
    Ok(best.unwrap_or(Choice { l2: STRENGTHS[0], temperature: 1.0 }))
}

/// The head that is kept. The pictures set aside are looked at for the curve alone: nothing is chosen by it.
fn fit(
    table: &Table,
    learning: &[usize],
    aside: &[usize],
    l2: f32,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Softmax, TrainError> {
    let truth = table.classes(aside);
    let mut head = Softmax::zero(table.width, table.labels);
    let flow = head.fit(&table.rows(learning), l2, STEPS, |done, loss, head| {
        let accuracy = measure(&table.logits(head, aside), &truth, table.labels, 0, 0).accuracy;
        report(Progress {
            phase: Phase::Training,
            done,
            of: STEPS,
            loss: Some(loss),
            validation: Some(accuracy),
        })
    });
    if flow == Flow::Cancel { Err(TrainError::Cancelled) } else { Ok(head) }
}
