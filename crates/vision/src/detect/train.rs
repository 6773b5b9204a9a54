//! From marked pictures to a detector.

use std::path::PathBuf;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use super::cache::Cache;
use super::calibrate::Calibration;
use super::course::Course;
use super::features::{Seen, extract};
use super::model::Detector;
use super::net::Net;
use super::peaks::{Found, calibrated};
use super::precision::{Metrics, answers, precision};
use super::ready::{count, ready};
use super::{Example, Object, Trained, Training};
use crate::progress::Listener;
use crate::split::stratified;
use crate::{Backbone, EXAMPLES, Flow, Progress, TrainError};

/// A tenth chooses, a tenth measures.
const PARTS: usize = 10;
/// Boxes that are less sure do not help anyone who looks at an example.
const SHOWN: f32 = 0.3;

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What all trainings have.
    pub base: crate::Settings,
    /// Of the square, in pixels; a multiple of 32 from 64 to 1024.
    pub side: u32,
    /// Steps of eight pictures each: what a training costs, whatever the number of pictures.
    pub steps: usize,
    /// Bytes of memory for features. A picture takes about 560 kB at a side of 320.
    pub memory: usize,
    /// A folder for what is beyond that, in a file that is gone at the end. Without one, all stays in memory.
    pub spill: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base: crate::Settings::default(), side: 320, steps: 700, memory: 512 << 20, spill: None }
    }
}

/// Trains a detector. `report` hears of every picture and step, on the calling thread, and can stop it all within
/// a second.
pub fn train(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    report: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Trained, TrainError> {
    check(training, settings)?;
    let mut listener = Listener::new(report);
    let cells = settings.side as usize / 8;
    let mut cache = Cache::new(backbone.channels(), cells, settings.memory, settings.spill.as_deref());
    let (mut seen, left_out) = extract(backbone, training, settings, &mut cache, &mut listener)?;
    ready(&count(training.labels, seen.iter().map(|seen| &seen.objects[..])))?;
    let labels = without_unused(training.labels, &mut seen);
    let [learning, choosing, measuring] = split(seen, labels.len(), settings.base.seed);

    let mut rng = ChaCha8Rng::seed_from_u64(settings.base.seed);
    let mut net = Net::random(backbone.channels(), labels.len(), &mut rng);
    let (steps, threads) = (settings.steps, settings.base.threads);
    let course = Course { cache: &cache, labels: labels.len(), side: settings.side, steps, threads };
    course.run(&mut net, (&learning, &choosing), &mut rng, &mut listener)?;

    let chosen = course.peaks(&net, &choosing, &mut listener)?;
    let calibrations = Calibration::of_labels(&answers(&chosen, &objects(&choosing), labels.len()));
    let measured = course.peaks(&net, &measuring, &mut listener)?;
    let found: Vec<Vec<Found>> = measured.into_iter().map(|peaks| calibrated(peaks, &calibrations)).collect();
    let metrics = Metrics {
        trained_on: learning.len(),
        chosen_on: choosing.len(),
        measured_on: measuring.len(),
        unreadable: left_out.unreadable,
        repeated: left_out.repeated.len(),
        precision: precision(&found, &objects(&measuring), labels.len()),
    };
    let examples = examples(found, &measuring);
    let model = Detector::new(backbone.digest(), labels, settings, calibrations, metrics, net);
    Ok(Trained { model, examples })
}

fn check(training: &Training<'_>, settings: &Settings) -> Result<(), TrainError> {
    if !settings.side.is_multiple_of(32) || !(64..=1024).contains(&settings.side) {
        return Err(TrainError::Settings("the side is a multiple of 32 from 64 to 1024"));
    }
    if settings.steps == 0 {
        return Err(TrainError::Settings("at least one step is needed"));
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
    Ok(ready(&count(training.labels, training.truth.iter().map(Vec::as_slice)))?)
}

/// The labels that some picture carries; classes become indices among them.
fn without_unused(labels: &[String], seen: &mut [Seen]) -> Vec<String> {
    let mut used: Vec<usize> =
        seen.iter().flat_map(|seen| &seen.objects).map(|object| object.class).collect();
    used.sort_unstable();
    used.dedup();
    for object in seen.iter_mut().flat_map(|seen| &mut seen.objects) {
        object.class = used.binary_search(&object.class).unwrap_or(0);
    }
    used.into_iter().map(|class| labels[class].clone()).collect()
}

/// Pictures to learn from, to choose with and to measure with. A picture counts for the rarest of its labels, so
/// that rare ones come to be in all three.
fn split(seen: Vec<Seen>, labels: usize, chance: u64) -> [Vec<Seen>; 3] {
    let mut pictures = vec![0; labels];
    for seen in &seen {
        (0..labels).filter(|class| carries(seen, *class)).for_each(|class| pictures[class] += 1);
    }
    let rarest = |seen: &Seen| {
        (0..labels)
            .filter(|class| carries(seen, *class))
            .min_by_key(|class| pictures[*class])
            .unwrap_or(labels)
    };
    let parts = stratified(&seen.iter().map(rarest).collect::<Vec<_>>(), PARTS, chance);
    let mut seen: Vec<Option<Seen>> = seen.into_iter().map(Some).collect();
    let mut take = |part: &[usize]| part.iter().filter_map(|at| seen[*at].take()).collect();
    let (choosing, measuring) = (take(&parts[0]), take(&parts[1]));
    [take(&parts[2..].concat()), choosing, measuring]
}

fn carries(seen: &Seen, class: usize) -> bool {
    seen.objects.iter().any(|object| object.class == class)
}

fn objects(pictures: &[Seen]) -> Vec<Vec<Object>> {
    pictures.iter().map(|seen| seen.objects.clone()).collect()
}

fn examples(found: Vec<Vec<Found>>, measuring: &[Seen]) -> Vec<Example> {
    let pictures = found.into_iter().zip(measuring).take(EXAMPLES);
    pictures
        .map(|(mut found, seen)| {
            found.retain(|found| found.confidence >= SHOWN);
            Example { picture: seen.picture, found, there: seen.objects.clone() }
        })
        .collect()
}
