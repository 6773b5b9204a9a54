//! From labelled pictures to a classifier, with numbers that can be believed.

use super::calibrate::{surprise, temperature};
use super::features::Features;
use super::metrics::{Metrics, examples, measure};
use super::model::Classifier;
use super::softmax::{Rows, Softmax, softmax};
use super::{Trained, Training};
use crate::progress::{Cancelled, Listener};
use crate::split::stratified;
use crate::{Backbone, Flow, Phase, Progress, Settings, TrainError};

/// Regularisations that are tried, strong ones first: each fit starts from the one before.
const STRENGTHS: [f32; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003];
const STEPS: usize = 100;
/// A fifth is measured with.
const PARTS: usize = 5;
/// Above that many pictures one fold says enough.
const MANY: usize = 1000;

/// Trains a classifier. `report` hears of every picture and step, on the calling thread, and can stop it all
/// within a second.
pub fn train(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Trained, TrainError> {
    let features = Features::extract(backbone, training, settings, report)?;
    learn(features, settings.seed, report)
}

/// The second half of [`train`]: a split, a head, its metrics.
pub fn learn(
    features: Features,
    seed: u64,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Trained, TrainError> {
    let Features { views, classes, pictures, labels, unreadable, repeated, backbone, width, frame } =
        features;
    let mut table = Table { views, classes, labels: labels.len(), width };
    let mut parts = stratified(&table.classes, PARTS, seed);
    let aside = parts.pop().unwrap_or_default();
    let learning = parts.concat();
    let (mean, deviation) = table.standardise(&learning);
    let mut listener = Listener::new(report);
    let choice = choose(&table, &learning, seed, &mut listener)?;
    let head = fit(&table, &learning, &aside, choice.l2, &mut listener)?;
    let chances = table.chances(&head, &aside, choice.temperature);
    let truth = table.classes(&aside);
    let metrics = Metrics {
        trained_on: learning.len(),
        unreadable,
        repeated,
        ..measure(&chances, &truth, table.labels)
    };
    let pictures: Vec<usize> = aside.iter().map(|at| pictures[*at]).collect();
    let examples = examples(&chances, &truth, &pictures);
    let model =
        Classifier::new(backbone, frame, labels, &head, (&mean, &deviation), choice.temperature, metrics);
    Ok(Trained { model, examples })
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

    fn chances(&self, head: &Softmax, pictures: &[usize], temperature: f32) -> Vec<Vec<f32>> {
        let mut chances = self.logits(head, pictures);
        chances.iter_mut().for_each(|logits| softmax(logits, temperature));
        chances
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
    listener: &mut Listener<'_>,
) -> Result<Choice, Cancelled> {
    let classes = table.classes(learning);
    let folds = stratified(&classes, PARTS - 1, seed.wrapping_add(1));
    let folds = if learning.len() > MANY { &folds[..1] } else { &folds[..] };
    let mut logits = vec![Vec::new(); STRENGTHS.len()];
    let mut truth = Vec::new();
    let of = folds.len() * STRENGTHS.len();
    listener.tell(Progress { phase: Phase::Choosing, done: 0, of, loss: None, validation: None })?;
    for (number, fold) in folds.iter().enumerate() {
        let (asked, rest): (Vec<_>, Vec<_>) = (0..learning.len()).partition(|at| fold.contains(at));
        let [asked, rest] = [asked, rest].map(|part| part.iter().map(|at| learning[*at]).collect::<Vec<_>>());
        let rows = table.rows(&rest);
        let mut head = Softmax::zero(table.width, table.labels);
        for (trial, l2) in STRENGTHS.iter().enumerate() {
            let done = number * STRENGTHS.len() + trial;
            head.fit(&rows, *l2, STEPS, &mut |step| match step {
                Some(step) => {
                    let loss = Some(step.loss);
                    listener.tell(Progress { phase: Phase::Choosing, done, of, loss, validation: None })
                }
                None => listener.again(),
            })?;
            logits[trial].extend(table.logits(&head, &asked));
        }
        truth.extend(table.classes(&asked));
    }
    let mut best = (f64::INFINITY, Choice { l2: STRENGTHS[0], temperature: 1.0 });
    for (logits, l2) in logits.iter().zip(STRENGTHS) {
        listener.again()?;
        let temperature = temperature(logits, &truth);
        let surprise = surprise(logits, &truth, temperature);
        if surprise < best.0 {
            best = (surprise, Choice { l2, temperature });
        }
    }
    Ok(best.1)
}

/// The head that is kept. The pictures set aside are looked at for the curve alone: nothing is chosen by it.
fn fit(
    table: &Table,
    learning: &[usize],
    aside: &[usize],
    l2: f32,
    listener: &mut Listener<'_>,
) -> Result<Softmax, Cancelled> {
    let truth = table.classes(aside);
    let mut head = Softmax::zero(table.width, table.labels);
    head.fit(&table.rows(learning), l2, STEPS, &mut |step| {
        let Some(step) = step else { return listener.again() };
        listener.tell(Progress {
            phase: Phase::Training,
            done: step.number,
            of: STEPS,
            loss: Some(step.loss),
            validation: Some(measure(&table.logits(step.head, aside), &truth, table.labels).accuracy),
        })
    })?;
    Ok(head)
}
