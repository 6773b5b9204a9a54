//! Embeddings of many pictures, on as many threads as are given.

use super::Training;
use crate::crew::{LeftOut, look};
use crate::progress::Listener;
use crate::split::enough_each;
use crate::{Backbone, BackboneDigest, Flow, Frame, Progress, Settings, TooFew, TrainError};

/// What the backbone saw in the pictures of a training: most of the work, and the same for every seed.
#[derive(Clone)]
pub struct Features {
    pub(super) views: Vec<[Vec<f32>; 2]>,
    pub(super) classes: Vec<usize>,
    /// Their numbers in the training.
    pub(super) pictures: Vec<usize>,
    pub(super) labels: Vec<String>,
    pub(super) unreadable: usize,
    pub(super) repeated: usize,
    pub(super) backbone: BackboneDigest,
    pub(super) width: usize,
    pub(super) frame: Frame,
}

impl Features {
    /// Looks at all pictures. Labels that none carries are left out.
    pub fn extract(
        backbone: &Backbone,
        training: &Training<'_>,
        settings: &Settings,
        report: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Self, TrainError> {
        let labels = training.labels.len();
        let mut truth = training.truth.iter().copied().enumerate();
        if let Some((picture, class)) = truth.find(|(_, class)| *class >= labels) {
            return Err(TrainError::UnknownLabel { picture, class, labels });
        }
        check(training.labels, training.truth)?;
        let (views, LeftOut { unreadable, repeated }) =
            extract(backbone, training, settings, &mut Listener::new(report))?;
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

/// Whether a training could begin, from how many pictures each label has.
pub fn ready(counts: &[(String, usize)]) -> Result<(), TooFew> {
    enough_each(counts)?;
    let has = counts.iter().filter(|(_, has)| *has > 0).count();
    if has < 2 { Err(TooFew::Labels { has }) } else { Ok(()) }
}

fn check(labels: &[String], classes: &[usize]) -> Result<(), TooFew> {
    let mut counts: Vec<(String, usize)> = labels.iter().map(|label| (label.clone(), 0)).collect();
    classes.iter().for_each(|class| counts[*class].1 += 1);
    ready(&counts)
}

/// The plain and the mirrored view of a picture, if it takes part.
type Views = Option<[Vec<f32>; 2]>;

/// Both views of each picture that takes part, and which do not.
fn extract(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    listener: &mut Listener<'_>,
) -> Result<(Vec<Views>, LeftOut), TrainError> {
    let count = training.truth.len();
    let mut views = vec![None; count];
    let left_out = look(
        settings,
        count,
        training.read,
        listener,
        |picture, threads, _| backbone.embeddings(picture, settings.frame, threads),
        |at, both| {
            views[at] = Some(both);
            Ok(())
        },
    )?;
    left_out.repeated.iter().for_each(|at| views[*at] = None);
    Ok((views, left_out))
}
