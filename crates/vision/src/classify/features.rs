//! Computes the embeddings of a training's images on several threads.

use super::ClassifierTrainingSet;
use crate::parallel::{LeftOutImages, process_images};
use crate::progress::Reporter;
use crate::split::check_images_per_label;
use crate::{
    Backbone, BackboneDigest, Flow, NotEnoughImages, Progress, ResizeMode, TrainError, TrainingSettings,
};

/// The backbone's embeddings of a training's images. Computing them is most of the work, and they
/// don't depend on the seed.
#[derive(Clone)]
pub struct Features {
    pub(super) views: Vec<[Vec<f32>; 2]>,
    pub(super) classes: Vec<usize>,
    /// The index of each image in the training.
    pub(super) pictures: Vec<usize>,
    pub(super) labels: Vec<String>,
    pub(super) unreadable: usize,
    pub(super) repeated: usize,
    pub(super) backbone: BackboneDigest,
    pub(super) width: usize,
    pub(super) frame: ResizeMode,
}

impl Features {
    /// Computes the embeddings of all images. Leaves out labels that no image has.
    pub fn extract(
        backbone: &Backbone,
        training: &ClassifierTrainingSet<'_>,
        settings: &TrainingSettings,
        report: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Self, TrainError> {
        let labels = training.labels.len();
        let mut truth = training.truth.iter().copied().enumerate();
        if let Some((picture, class)) = truth.find(|(_, class)| *class >= labels) {
            return Err(TrainError::UnknownLabel { picture, class, labels });
        }
        check(training.labels, training.truth)?;
        let (views, LeftOutImages { unreadable, repeated }) =
            extract(backbone, training, settings, &mut Reporter::new(report))?;
        let pictures: Vec<usize> = (0..views.len()).filter(|at| views[*at].is_some()).collect();
        let classes: Vec<usize> = pictures.iter().map(|at| training.truth[*at]).collect();
        check(training.labels, &classes)?;

        let used: Vec<usize> = (0..labels).filter(|label| classes.contains(label)).collect();
        let classes = classes.iter().filter_map(|class| used.binary_search(class).ok()).collect();
        let labels = used.iter().map(|label| training.labels[*label].clone()).collect();
        let views = views.into_iter().flatten().collect();
        let repeated = repeated.len();
        let (backbone, width, frame) = (backbone.digest(), backbone.width(), settings.frame);
        Ok(Self { views, classes, pictures, labels, unreadable, repeated, backbone, width, frame })
    }
}

/// Checks whether a training can start. `counts` has the number of images of each label.
pub fn check_counts(counts: &[(String, usize)]) -> Result<(), NotEnoughImages> {
    check_images_per_label(counts)?;
    let has = counts.iter().filter(|(_, has)| *has > 0).count();
    if has < 2 { Err(NotEnoughImages::Labels { has }) } else { Ok(()) }
}

fn check(labels: &[String], classes: &[usize]) -> Result<(), NotEnoughImages> {
    let mut counts: Vec<(String, usize)> = labels.iter().map(|label| (label.clone(), 0)).collect();
    classes.iter().for_each(|class| counts[*class].1 += 1);
    check_counts(&counts)
}

/// The embeddings of an image and of its mirror image, or `None` if the image is left out.
type Views = Option<[Vec<f32>; 2]>;

/// Computes both views of each image, and returns which images were left out.
fn extract(
    backbone: &Backbone,
    training: &ClassifierTrainingSet<'_>,
    settings: &TrainingSettings,
    reporter: &mut Reporter<'_>,
) -> Result<(Vec<Views>, LeftOutImages), TrainError> {
    let count = training.truth.len();
    let mut views = vec![None; count];
    let left_out = process_images(
        settings,
        count,
        training.read,
        reporter,
        |picture, threads, _| backbone.embeddings(picture, settings.frame, threads),
        |at, both| {
            views[at] = Some(both);
            Ok(())
        },
    )?;
    left_out.repeated.iter().for_each(|at| views[*at] = None);
    Ok((views, left_out))
}
