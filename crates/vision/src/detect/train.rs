//! Trains a detector and measures it.

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use super::cache::FeatureCache;
use super::calibrate::Calibration;
use super::counts::{check_counts, count};
use super::features::{PreparedImage, extract};
use super::model::Detector;
use super::net::Network;
use super::peaks::{Detection, to_detections};
use super::precision::{DetectorMetrics, answers, measure_precision};
use super::settings::DetectorSettings;
use super::training_loop::TrainingLoop;
use super::{DetectorExample, DetectorTrainingSet, Object, TrainedDetector};
use crate::progress::Reporter;
use crate::split::stratified;
use crate::{Backbone, EXAMPLES_MAX, Flow, Progress, TrainError};

/// One of so many parts chooses the network, and another one measures it.
const PARTS: usize = 10;
/// The lowest confidence of a box that an example shows.
const SHOWN: f32 = 0.3;

/// Trains a detector. Calls `report` with each progress report on the calling thread. `report` can cancel the
/// training within a second.
pub fn train(
    backbone: &Backbone,
    training: &DetectorTrainingSet<'_>,
    settings: &DetectorSettings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<TrainedDetector, TrainError> {
    check(training, settings)?;
    let mut reporter = Reporter::new(report);
    let cells = settings.side as usize / 8;
    let mut cache = FeatureCache::new(backbone.channels(), cells, settings.memory, settings.spill.as_deref());
    let (mut seen, left_out) = extract(backbone, training, settings, &mut cache, &mut reporter)?;
    check_counts(&count(training.labels, seen.iter().map(|seen| &seen.objects[..])))?;
    let labels = without_unused(training.labels, &mut seen);
    let [learning, choosing, measuring] = split(seen, labels.len(), settings.base.seed);

    let mut rng = ChaCha8Rng::seed_from_u64(settings.base.seed);
    let mut net = Network::random(backbone.channels(), labels.len(), &mut rng);
    let (steps, threads) = (settings.steps, settings.base.threads);
    let training_loop =
        TrainingLoop { cache: &cache, labels: labels.len(), side: settings.side, steps, threads };
    training_loop.run(&mut net, (&learning, &choosing), &mut rng, &mut reporter)?;

    let chosen = training_loop.peaks(&net, &choosing, &mut reporter)?;
    let calibrations = Calibration::of_labels(&answers(&chosen, &objects(&choosing), labels.len()));
    let measured = training_loop.peaks(&net, &measuring, &mut reporter)?;
    let found: Vec<Vec<Detection>> =
        measured.into_iter().map(|peaks| to_detections(peaks, &calibrations)).collect();
    let metrics = DetectorMetrics {
        trained_on: learning.len(),
        chosen_on: choosing.len(),
        measured_on: measuring.len(),
        unreadable: left_out.unreadable,
        repeated: left_out.repeated.len(),
        precision: measure_precision(&found, &objects(&measuring), labels.len()),
    };
    let examples = examples(found, &measuring);
    let model = Detector::new(backbone.digest(), labels, settings, calibrations, metrics, net);
    Ok(TrainedDetector { model, examples })
}

fn check(training: &DetectorTrainingSet<'_>, settings: &DetectorSettings) -> Result<(), TrainError> {
    if !settings.side.is_multiple_of(32) || !(64..=1024).contains(&settings.side) {
        return Err(TrainError::Settings("the side is a multiple of 32 from 64 to 1024"));
    }
    if settings.steps == 0 {
        return Err(TrainError::Settings("use at least one step"));
    }
    let labels = training.labels.len();
    for (picture, objects) in training.truth.iter().enumerate() {
        for object in objects {
            if object.class >= labels {
                return Err(TrainError::UnknownLabel { picture, class: object.class, labels });
            }
            let finite = [object.left, object.top, object.width, object.height].iter().all(|n| n.is_finite());
            if !finite || object.width < 0.0 || object.height < 0.0 {
                return Err(TrainError::Box { picture });
            }
        }
    }
    Ok(check_counts(&count(training.labels, training.truth.iter().map(Vec::as_slice)))?)
}

/// Returns the labels that occur, and changes each class to an index of these.
fn without_unused(labels: &[String], seen: &mut [PreparedImage]) -> Vec<String> {
    let mut used: Vec<usize> =
        seen.iter().flat_map(|seen| &seen.objects).map(|object| object.class).collect();
    used.sort_unstable();
    used.dedup();
    for object in seen.iter_mut().flat_map(|seen| &mut seen.objects) {
        object.class = used.binary_search(&object.class).unwrap_or(0);
    }
    used.into_iter().map(|class| labels[class].clone()).collect()
}

/// Splits the images into those to train on, to choose on, and to measure on. Stratifies by the rarest label of each
/// image, so that rare labels occur in all three.
fn split(seen: Vec<PreparedImage>, labels: usize, chance: u64) -> [Vec<PreparedImage>; 3] {
    let mut pictures = vec![0; labels];
    for seen in &seen {
        (0..labels).filter(|class| has_class(seen, *class)).for_each(|class| pictures[class] += 1);
    }
    let rarest = |seen: &PreparedImage| {
        (0..labels)
            .filter(|class| has_class(seen, *class))
            .min_by_key(|class| pictures[*class])
            .unwrap_or(labels)
    };
    let parts = stratified(&seen.iter().map(rarest).collect::<Vec<_>>(), PARTS, chance);
    let mut seen: Vec<Option<PreparedImage>> = seen.into_iter().map(Some).collect();
    let mut take = |part: &[usize]| part.iter().filter_map(|at| seen[*at].take()).collect();
    let (choosing, measuring) = (take(&parts[0]), take(&parts[1]));
    [take(&parts[2..].concat()), choosing, measuring]
}

fn has_class(seen: &PreparedImage, class: usize) -> bool {
    seen.objects.iter().any(|object| object.class == class)
}

fn objects(pictures: &[PreparedImage]) -> Vec<Vec<Object>> {
    pictures.iter().map(|seen| seen.objects.clone()).collect()
}

fn examples(found: Vec<Vec<Detection>>, measuring: &[PreparedImage]) -> Vec<DetectorExample> {
    let pictures = found.into_iter().zip(measuring).take(EXAMPLES_MAX);
    pictures
        .map(|(mut found, seen)| {
            found.retain(|found| found.confidence >= SHOWN);
            DetectorExample { picture: seen.picture, found, there: seen.objects.clone() }
        })
        .collect()
}
