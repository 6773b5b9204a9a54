//! The training loop of the detector, and the detection on a training's images.

use std::num::NonZeroUsize;

use rand_chacha::ChaCha8Rng;

use super::adam::Adam;
use super::cache::FeatureCache;
use super::calibrate::Calibration;
use super::features::PreparedImage;
use super::net::Network;
use super::peaks::{Detection, Peak, find_peaks, to_detections};
use super::precision::measure_precision;
use super::target_map::TargetMap;
use super::views::average_views;
use crate::parallel::run_parallel;
use crate::progress::Reporter;
use crate::split::shuffle;
use crate::{Phase, Progress, TrainError};

const BATCH: usize = 8;
/// The highest learning rate. The rate rises to it over the first steps and falls to 0 at the end.
const RATE: f32 = 2e-3;
/// The number of validations in a training.
const CHECKS: usize = 20;

/// What all steps of a training share.
pub(super) struct TrainingLoop<'a> {
    pub cache: &'a FeatureCache,
    pub labels: usize,
    /// The side of the square in pixels.
    pub side: u32,
    pub steps: usize,
    pub threads: NonZeroUsize,
}

/// An image, and whether it is mirrored.
type View<'a> = (&'a PreparedImage, bool);

impl TrainingLoop<'_> {
    /// The number of cells along a side of the finest map.
    fn cells(&self) -> usize {
        self.side as usize / 8
    }

    /// Runs all steps, and sets `net` to the network with the best validation. Validation uses the average of about
    /// the last hundred steps (Polyak and Juditsky, 1992), because single steps fluctuate.
    pub(super) fn run(
        &self,
        net: &mut Network,
        (learning, choosing): (&[PreparedImage], &[PreparedImage]),
        rng: &mut ChaCha8Rng,
        reporter: &mut Reporter<'_>,
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
            let (loss, gradient) = self.gradient(net, &batch, reporter)?;
            adam.step(net, &gradient, rate(done, self.steps));
            approach(&mut average, net, done);
            let check = done.is_multiple_of(every) || done == self.steps;
            let validation = if check { Some(self.mean(&average, choosing, reporter)?) } else { None };
            if let Some(mean) = validation.filter(|mean| *mean > best.0) {
                best = (mean, average.clone());
            }
            let (phase, of) = (Phase::Training, self.steps);
            reporter.report(Progress { phase, done, of, loss: Some(loss), validation })?;
        }
        *net = best.1;
        Ok(())
    }

    /// Returns the mean loss and gradient of a batch. Sums in the order of the batch, so that the number of threads
    /// doesn't change the model.
    fn gradient(
        &self,
        net: &Network,
        batch: &[View<'_>],
        reporter: &mut Reporter<'_>,
    ) -> Result<(f32, Network), TrainError> {
        let mut parts: Vec<Option<(f32, Network)>> = batch.iter().map(|_| None).collect();
        let one = |(): &(), at: usize, _: &_| self.part(net, batch[at]);
        run_parallel(
            self.threads,
            batch.len(),
            || (),
            one,
            |received| {
                match received {
                    Some((at, part)) => parts[at] = Some(part?),
                    None => reporter.repeat()?,
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

    fn part(&self, net: &Network, (seen, mirrored): View<'_>) -> Result<(f32, Network), TrainError> {
        let levels =
            self.cache.read_levels(seen.cache_index, usize::from(mirrored)).map_err(TrainError::Spill)?;
        #[expect(clippy::cast_precision_loss, reason = "a side is small")]
        let targets = seen.targets(mirrored, self.side as f32);
        let trace = net.forward(&levels, self.cells());
        let (loss, slope) = TargetMap::new(&targets, self.labels, self.cells()).loss(&trace.answer);
        let mut gradient = net.zeros_like();
        net.backward(&levels, self.cells(), &trace, &slope, &mut gradient);
        Ok((loss, gradient))
    }

    /// Returns the mean average precision on some images. It depends on the order of the boxes only, so no
    /// calibration is needed.
    fn mean(
        &self,
        net: &Network,
        pictures: &[PreparedImage],
        reporter: &mut Reporter<'_>,
    ) -> Result<f32, TrainError> {
        let plain = vec![Calibration::IDENTITY; self.labels];
        let peaks = self.peaks(net, pictures, reporter)?;
        let found: Vec<Vec<Detection>> =
            peaks.into_iter().map(|peaks| to_detections(peaks, &plain)).collect();
        let there: Vec<_> = pictures.iter().map(|seen| seen.objects.clone()).collect();
        Ok(measure_precision(&found, &there, self.labels).mean)
    }

    /// Detects the objects of each image, in the image's pixels.
    pub(super) fn peaks(
        &self,
        net: &Network,
        pictures: &[PreparedImage],
        reporter: &mut Reporter<'_>,
    ) -> Result<Vec<Vec<Peak>>, TrainError> {
        let mut all = vec![Vec::new(); pictures.len()];
        let one = |(): &(), at: usize, _: &_| {
            let seen = &pictures[at];
            let answer = |view| {
                let levels = self.cache.read_levels(seen.cache_index, view).map_err(TrainError::Spill)?;
                Ok::<_, TrainError>(net.forward(&levels, self.cells()).answer)
            };
            let found = find_peaks(&average_views(answer(0)?, &answer(1)?, self.cells()), self.cells());
            Ok::<_, TrainError>(
                found.into_iter().filter_map(|peak| peak.projected(&seen.projection)).collect(),
            )
        };
        run_parallel(
            self.threads,
            pictures.len(),
            || (),
            one,
            |received| {
                match received {
                    Some((at, found)) => all[at] = found?,
                    None => reporter.repeat()?,
                }
                Ok(())
            },
        )?;
        Ok(all)
    }
}

/// Moves the average toward the current network by a hundredth, or by more in the first steps.
#[expect(clippy::cast_precision_loss, reason = "steps are few")]
fn approach(average: &mut Network, net: &Network, done: usize) {
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
