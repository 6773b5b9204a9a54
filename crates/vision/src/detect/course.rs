//! The way from random weights to a network: steps, checks on the pictures that choose, and what it finds.

use std::num::NonZeroUsize;

use rand_chacha::ChaCha8Rng;

use super::adam::Adam;
use super::cache::Cache;
use super::calibrate::Calibration;
use super::features::Seen;
use super::net::Net;
use super::peaks::{Found, Peak, calibrated, peaks};
use super::precision::precision;
use super::target::Goal;
use super::views::agreed;
use crate::crew::side_by_side;
use crate::progress::Listener;
use crate::split::shuffle;
use crate::{Phase, Progress, TrainError};

const BATCH: usize = 8;
/// At its height; it rises over the first steps and falls to nothing at the end.
const RATE: f32 = 2e-3;
/// How often the pictures that choose are asked, over a whole training.
const CHECKS: usize = 20;

/// What all steps of a training share.
pub(super) struct Course<'a> {
    pub cache: &'a Cache,
    pub labels: usize,
    /// Of the square, in pixels.
    pub side: u32,
    pub steps: usize,
    pub threads: NonZeroUsize,
}

/// A picture and whether it is mirrored.
type View<'a> = (&'a Seen, bool);

impl Course<'_> {
    /// Cells along a side of the finest map.
    fn cells(&self) -> usize {
        self.side as usize / 8
    }

    /// Learns for all steps, and leaves the network that was best on the pictures that choose. What is asked and left is
    /// the average of the last hundred steps or so (Polyak and Juditsky, 1992): single steps wander.
    pub(super) fn run(
        &self,
        net: &mut Net,
        (learning, choosing): (&[Seen], &[Seen]),
        rng: &mut ChaCha8Rng,
        listener: &mut Listener<'_>,
    ) -> Result<(), TrainError> {
        let mut adam = Adam::new(net);
        let mut order: Vec<View<'_>> = Vec::new();
        let mut average = net.clone();
        let mut best = (f32::NEG_INFINITY, net.clone());
        let every = (self.steps / CHECKS).max(1);
        for done in 1..=self.steps {
            while order.len() < BATCH {
                let mut again: Vec<_> =
                    learning.iter().flat_map(|seen| [(seen, false), (seen, true)]).collect();
                shuffle(&mut again, rng);
                order.extend(again);
            }
            let batch = order.split_off(order.len() - BATCH);
            let (loss, gradient) = self.gradient(net, &batch, listener)?;
            adam.step(net, &gradient, rate(done, self.steps));
            approach(&mut average, net, done);
            let check = done.is_multiple_of(every) || done == self.steps;
            let validation = if check { Some(self.mean(&average, choosing, listener)?) } else { None };
            if let Some(mean) = validation.filter(|mean| *mean > best.0) {
                best = (mean, average.clone());
            }
            let (phase, of) = (Phase::Training, self.steps);
            listener.tell(Progress { phase, done, of, loss: Some(loss), validation })?;
        }
        *net = best.1;
        Ok(())
    }

    /// The mean loss and gradient of a batch. They are summed in the batch's order, so that the number of threads
    /// changes no bit of the model.
    fn gradient(
        &self,
        net: &Net,
        batch: &[View<'_>],
        listener: &mut Listener<'_>,
    ) -> Result<(f32, Net), TrainError> {
        let mut parts: Vec<Option<(f32, Net)>> = batch.iter().map(|_| None).collect();
        let one = |(): &(), at: usize, _: &_| self.part(net, batch[at]);
        side_by_side(
            self.threads,
            batch.len(),
            || (),
            one,
            |heard| {
                match heard {
                    Some((at, part)) => parts[at] = Some(part?),
                    None => listener.again()?,
                }
                Ok(())
            },
        )?;
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        let share = 1.0 / batch.len() as f32;
        let (mut loss, mut sum) = (0.0, net.zeros_like());
        for (part, gradient) in parts.into_iter().flatten() {
            loss += share * part;
            for (sum, part) in sum.parts_mut().into_iter().zip(gradient.parts()) {
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += share * part);
            }
        }
        Ok((loss, sum))
    }

    fn part(&self, net: &Net, (seen, mirrored): View<'_>) -> Result<(f32, Net), TrainError> {
        let levels = self.cache.levels(seen.kept, usize::from(mirrored)).map_err(TrainError::Spill)?;
        #[expect(clippy::cast_precision_loss, reason = "a side is small")]
        let targets = seen.targets(mirrored, self.side as f32);
        let trace = net.forward(&levels, self.cells());
        let (loss, slope) = Goal::new(&targets, self.labels, self.cells()).loss(&trace.answer);
        let mut gradient = net.zeros_like();
        net.backward(&levels, self.cells(), &trace, &slope, &mut gradient);
        Ok((loss, gradient))
    }

    /// The mean average precision on some pictures, for which the order of boxes is enough.
    fn mean(&self, net: &Net, pictures: &[Seen], listener: &mut Listener<'_>) -> Result<f32, TrainError> {
        let plain = vec![Calibration::NONE; self.labels];
        let peaks = self.peaks(net, pictures, listener)?;
        let found: Vec<Vec<Found>> = peaks.into_iter().map(|peaks| calibrated(peaks, &plain)).collect();
        let there: Vec<_> = pictures.iter().map(|seen| seen.objects.clone()).collect();
        Ok(precision(&found, &there, self.labels).mean)
    }

    /// What is found in each picture, in the picture's pixels.
    pub(super) fn peaks(
        &self,
        net: &Net,
        pictures: &[Seen],
        listener: &mut Listener<'_>,
    ) -> Result<Vec<Vec<Peak>>, TrainError> {
        let mut all = vec![Vec::new(); pictures.len()];
        let one = |(): &(), at: usize, _: &_| {
            let seen = &pictures[at];
            let answer = |view| {
                let levels = self.cache.levels(seen.kept, view).map_err(TrainError::Spill)?;
                Ok::<_, TrainError>(net.forward(&levels, self.cells()).answer)
            };
            let found = peaks(&agreed(answer(0)?, &answer(1)?, self.cells()), self.cells());
            Ok::<_, TrainError>(found.into_iter().filter_map(|peak| peak.placed(&seen.place)).collect())
        };
        side_by_side(
            self.threads,
            pictures.len(),
            || (),
            one,
            |heard| {
                match heard {
                    Some((at, found)) => all[at] = found?,
                    None => listener.again()?,
                }
                Ok(())
            },
        )?;
        Ok(all)
    }
}

/// Moves the average towards the network of this step: by a hundredth, and by more at the beginning.
#[expect(clippy::cast_precision_loss, reason = "steps are few")]
fn approach(average: &mut Net, net: &Net, done: usize) {
    let share = (10.0 / (done as f32 + 10.0)).max(0.01);
    for (average, now) in average.parts_mut().into_iter().zip(net.parts()) {
        average.iter_mut().zip(now).for_each(|(average, now)| *average += share * (now - *average));
    }
}

#[expect(clippy::cast_precision_loss, reason = "steps are few")]
fn rate(step: usize, steps: usize) -> f32 {
    let part = step as f32 / steps as f32;
    RATE * (part * 20.0).min(1.0) * 0.5 * (1.0 + (std::f32::consts::PI * part).cos())
}
