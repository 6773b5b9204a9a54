//! The maps of all pictures, plain and mirrored, with their objects in the square's pixels.

use ndarray::Array2;

use super::cache::{Cache, narrowed};
use super::net::Levels;
use super::place::Place;
use super::target::Target;
use super::train::Settings;
use super::{Object, Training};
use crate::crew::{LeftOut, look};
use crate::progress::Listener;
use crate::{Backbone, BackboneError, Maps, TrainError};

/// One picture as the network sees it.
pub(super) struct Seen {
    /// Its number in the training.
    pub picture: usize,
    /// Its number in the cache.
    pub kept: usize,
    pub place: Place,
    /// Clipped to the picture; none of them is without area.
    pub objects: Vec<Object>,
}

impl Seen {
    /// What is there in one of the views of a square, the mirrored one or the plain.
    pub(super) fn targets(&self, mirrored: bool, side: f32) -> Vec<Target> {
        let targets = self.objects.iter().filter_map(|object| self.place.target(object));
        targets
            .map(|target| {
                let left = if mirrored { side - target.left - target.width } else { target.left };
                Target { left, ..target }
            })
            .collect()
    }
}

/// Looks at all pictures, and says which take no part.
pub(super) fn extract(
    backbone: &Backbone,
    training: &Training<'_>,
    settings: &Settings,
    cache: &mut Cache,
    listener: &mut Listener<'_>,
) -> Result<(Vec<Seen>, LeftOut), TrainError> {
    let count = training.truth.len();
    let mut all: Vec<Option<Seen>> = (0..count).map(|_| None).collect();
    let left_out = look(
        &settings.base,
        count,
        training.read,
        listener,
        |picture, threads, stop| {
            let (square, placed) = picture.square(settings.side, settings.base.frame, backbone.fill());
            let maps = |mirror| backbone.maps(&square, mirror, threads).and_then(levels);
            let plain = maps(false)?;
            // A large square takes its time, and nobody waits for the second view any more.
            let mirrored = if stop.is_raised() { plain.clone() } else { maps(true)? };
            Ok((narrowed(&[plain, mirrored]), Place::of(picture, placed)))
        },
        |picture, (views, place)| {
            let kept = cache.keep(views).map_err(TrainError::Spill)?;
            let objects =
                training.truth[picture].iter().filter_map(|object| place.clipped(*object)).collect();
            all[picture] = Some(Seen { picture, kept, place, objects });
            Ok(())
        },
    )?;
    left_out.repeated.iter().for_each(|at| all[*at] = None);
    Ok((all.into_iter().flatten().collect(), left_out))
}

/// Maps as matrices of channels × cells.
pub(super) fn levels(maps: Maps) -> Result<Levels, BackboneError> {
    let matrices = maps.levels.map(|level| {
        let [channels, rows, columns] = rten_tensor::Layout::shape(&level);
        Array2::from_shape_vec((channels, rows * columns), level.into_data())
    });
    let [Ok(c3), Ok(c4), Ok(c5)] = matrices else { return Err(BackboneError::Lacks("maps in one piece")) };
    Ok([c3, c4, c5])
}
