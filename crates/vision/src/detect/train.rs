//! From marked pictures to a detector.

use std::num::NonZeroUsize;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use super::Object;
use super::features::{self, Seen};
use super::model::Detector;
use super::net::{BOX, Net};
use super::peaks::{Found, peaks};
use super::precision::{Precision, precision};
use super::target::Goal;
use crate::split::shuffle;
use crate::{Backbone, BackboneError, Flow, Frame, Limits, Phase, Progress, TooFew};

const BATCH: usize = 8;
/// At its height; it rises over the first steps and falls to nothing at the end.
const RATE: f32 = 2e-3;
/// How often the pictures that choose are asked, over a whole training.
const CHECKS: usize = 20;
/// Fewer marked pictures teach nothing.
const FEWEST: usize = 20;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Decides split, order and first weights.
    pub seed: u64,
    /// Pictures that are looked at side by side.
    pub threads: NonZeroUsize,
    /// How pictures become squares.
    pub frame: Frame,
    /// Of the square, in pixels; a multiple of 32.
    pub side: u32,
    /// Steps of eight pictures each: what a training costs, whatever the number of pictures.
    pub steps: usize,
    /// The most that a decoder is fed.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: NonZeroUsize::MIN,
            frame: Frame::default(),
            side: 320,
            steps: 1500,
            limits: Limits::default(),
        }
    }
}

/// What there is to learn from.
pub struct Training<'a> {
    /// Names of the classes.
    pub labels: &'a [String],
    /// For each picture, what is in it.
    pub objects: &'a [Vec<Object>],
    /// Reads the bytes of the picture with that number. One that cannot be read is left out.
    pub read: &'a (dyn Fn(usize) -> std::io::Result<Vec<u8>> + Sync + 'a),
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
    /// A side that is no multiple of 32 between 64 and 1024, no steps, or an object of a label that is not there.
    #[error("{0}")]
    Settings(&'static str),
    /// The backbone did not run.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
}

/// Trains a detector. `report` hears of every picture and step, on the calling thread, and can stop it all.
pub fn train(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Detector, TrainError> {
    check(training, settings)?;
    let mut seen: Vec<Seen> =
        features::extract(backbone, training, settings, report)?.into_iter().flatten().collect();
    enough(seen.len())?;
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    shuffle(&mut seen, &mut rng);
    let tenth = (seen.len() / 10).max(2);
    let measuring = seen.split_off(seen.len() - tenth);
    let choosing = seen.split_off(seen.len() - tenth);
    let mut net = Net::random(backbone.channels(), training.labels.len(), &mut rng);
    let course = Course { learning: &seen, choosing: &choosing, labels: training.labels.len(), settings };
    course.run(&mut net, &mut rng, report)?;
    let metrics = course.precision(&net, &measuring);
    Ok(Detector::new(backbone.digest(), training.labels.to_vec(), settings, seen.len(), metrics, net))
}

fn check(training: &Training<'_>, settings: &Settings) -> Result<(), TrainError> {
    if !settings.side.is_multiple_of(32) || !(64..=1024).contains(&settings.side) {
        return Err(TrainError::Settings("the side is a multiple of 32 from 64 to 1024"));
    }
    if settings.steps == 0 {
        return Err(TrainError::Settings("at least one step is needed"));
    }
    let sane = |object: &Object| {
        let numbers = [object.left, object.top, object.width, object.height];
        object.class < training.labels.len()
            && numbers.iter().all(|n| n.is_finite())
            && object.width >= 0.0
            && object.height >= 0.0
    };
    if !training.objects.iter().flatten().all(sane) {
        return Err(TrainError::Settings("an object's label is not known, or its box is no box"));
    }
    enough(training.objects.iter().filter(|objects| !objects.is_empty()).count())
}

fn enough(has: usize) -> Result<(), TrainError> {
    if has < FEWEST { Err(TooFew::Marked { has, needs: FEWEST }.into()) } else { Ok(()) }
}

struct Course<'a> {
    learning: &'a [Seen],
    choosing: &'a [Seen],
    labels: usize,
    settings: &'a Settings,
}

impl Course<'_> {
    /// Cells along a side of the finest map.
    fn cells(&self) -> usize {
        self.settings.side as usize / 8
    }

    /// Learns for all steps, and leaves the network that was best on the pictures that choose.
    fn run(
        &self,
        net: &mut Net,
        rng: &mut ChaCha8Rng,
        report: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<(), TrainError> {
        let mut adam = Adam::new(net);
        let mut order: Vec<(usize, usize)> = Vec::new();
        let mut best = (f32::NEG_INFINITY, net.clone());
        let steps = self.settings.steps;
        let every = (steps / CHECKS).max(1);
        for step in 1..=steps {
            while order.len() < BATCH {
                let mut again: Vec<_> = (0..self.learning.len()).flat_map(|at| [(at, 0), (at, 1)]).collect();
                shuffle(&mut again, rng);
                order.extend(again);
            }
            let batch = order.split_off(order.len() - BATCH);
            let (loss, gradient) = self.gradient(net, &batch);
            adam.step(net, &gradient, rate(step, steps));
            let validation =
                (step % every == 0 || step == steps).then(|| self.precision(net, self.choosing).mean);
            if let Some(mean) = validation.filter(|mean| *mean > best.0) {
                best = (mean, net.clone());
            }
            if report(Progress {
                phase: Phase::Training,
                done: step,
                of: steps,
                loss: Some(loss),
                validation,
            }) == Flow::Cancel
            {
                return Err(TrainError::Cancelled);
            }
        }
        *net = best.1;
        Ok(())
    }

    /// The mean loss and gradient of a batch, each thread with its share of the pictures.
    fn gradient(&self, net: &Net, batch: &[(usize, usize)]) -> (f32, Net) {
        let each = batch.len().div_ceil(self.settings.threads.get());
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> =
                batch.chunks(each).map(|part| scope.spawn(|| self.part(net, part))).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).collect::<Vec<_>>()
        });
        let mut parts = parts.into_iter();
        let (mut loss, mut sum) = parts.next().unwrap_or_else(|| (0.0, net.zeros_like()));
        for (other, gradient) in parts {
            loss += other;
            for (sum, part) in sum.parts_mut().into_iter().zip(gradient.parts()) {
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        let share = 1.0 / batch.len() as f32;
        sum.parts_mut().into_iter().flatten().for_each(|slope| *slope *= share);
        (loss * share, sum)
    }

    fn part(&self, net: &Net, part: &[(usize, usize)]) -> (f32, Net) {
        let (mut total, mut gradient) = (0.0, net.zeros_like());
        #[expect(clippy::cast_precision_loss, reason = "a side is small")]
        let side = self.settings.side as f32;
        for (at, view) in part {
            let seen = &self.learning[*at];
            let targets = if *view == 0 { seen.targets.clone() } else { seen.mirrored(side) };
            let trace = net.forward(&seen.views[*view], self.cells());
            let (loss, slope) = Goal::new(&targets, self.labels, self.cells()).loss(&trace.answer);
            net.backward(&seen.views[*view], self.cells(), &trace, &slope, &mut gradient);
            total += loss;
        }
        (total, gradient)
    }

    fn precision(&self, net: &Net, pictures: &[Seen]) -> Precision {
        let found: Vec<Vec<Found>> = pictures
            .iter()
            .map(|seen| peaks(&net.forward(&seen.views[0], self.cells()).answer, self.cells()))
            .collect();
        let objects: Vec<Vec<Object>> = pictures
            .iter()
            .map(|seen| seen.targets.iter().map(|target| (*target).into()).collect())
            .collect();
        debug_assert_eq!(net.answer.bias.len(), self.labels + BOX);
        precision(&found, &objects, self.labels)
    }
}

#[expect(clippy::cast_precision_loss, reason = "steps are few")]
fn rate(step: usize, steps: usize) -> f32 {
    let part = step as f32 / steps as f32;
    RATE * (part * 20.0).min(1.0) * 0.5 * (1.0 + (std::f32::consts::PI * part).cos())
}

/// Kingma and Ba, 2015, with the weights' decay apart (Loshchilov and Hutter, 2019).
struct Adam {
    mean: Net,
    square: Net,
    steps: i32,
}

impl Adam {
    fn new(net: &Net) -> Self {
        Self { mean: net.zeros_like(), square: net.zeros_like(), steps: 0 }
    }

    fn step(&mut self, net: &mut Net, gradient: &Net, rate: f32) {
        const DECAY: f32 = 1e-4;
        self.steps += 1;
        let (first, second) = (1.0 - 0.9f32.powi(self.steps), 1.0 - 0.999f32.powi(self.steps));
        let moments = self.mean.parts_mut().into_iter().zip(self.square.parts_mut());
        for ((weights, slopes), (mean, square)) in
            net.parts_mut().into_iter().zip(gradient.parts()).zip(moments)
        {
            for (((weight, slope), mean), square) in weights.iter_mut().zip(slopes).zip(mean).zip(square) {
                *mean = 0.9 * *mean + 0.1 * slope;
                *square = 0.999 * *square + 0.001 * slope * slope;
                *weight -= rate * ((*mean / first) / ((*square / second).sqrt() + 1e-8) + DECAY * *weight);
            }
        }
    }
}
