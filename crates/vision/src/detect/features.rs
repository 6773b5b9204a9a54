//! Computes the backbone's feature maps of a training's images, plain and mirrored.

use ndarray::Array2;

use super::cache::{FeatureCache, to_halves};
use super::net::Levels;
use super::projection::Projection;
use super::settings::DetectorSettings;
use super::target_map::TargetBox;
use super::{DetectorTrainingSet, Object};
use crate::parallel::{LeftOutImages, process_images};
use crate::progress::Reporter;
use crate::{Backbone, BackboneError, FeatureMaps, TrainError};

/// An image of the training, after the backbone has processed it.
pub(super) struct PreparedImage {
    /// The image's index in the training.
    pub picture: usize,
    /// The image's index in the cache.
    pub cache_index: usize,
    pub projection: Projection,
    /// The objects, clipped to the image. Each has an area.
    pub objects: Vec<Object>,
}

impl PreparedImage {
    /// Returns the objects in the square's pixels, for the plain or the mirrored view of the square.
    pub(super) fn targets(&self, mirrored: bool, side: f32) -> Vec<TargetBox> {
        let targets = self.objects.iter().filter_map(|object| self.projection.target(object));
        targets
            .map(|target| {
                let left = if mirrored { side - target.left - target.width } else { target.left };
                TargetBox { left, ..target }
            })
            .collect()
    }
}

/// Computes the feature maps of all images, and returns which images were left out.
pub(super) fn extract(
    backbone: &Backbone,
    training: &DetectorTrainingSet<'_>,
    settings: &DetectorSettings,
    cache: &mut FeatureCache,
    reporter: &mut Reporter<'_>,
) -> Result<(Vec<PreparedImage>, LeftOutImages), TrainError> {
    let count = training.truth.len();
    let mut all: Vec<Option<PreparedImage>> = (0..count).map(|_| None).collect();
    let left_out = process_images(
        &settings.base,
        count,
        training.read,
        reporter,
        |picture, threads, stop| {
            let (square, placed) = picture.square(settings.side, settings.base.frame, backbone.fill());
            let maps = |mirror| backbone.maps(&square, mirror, threads).and_then(to_levels);
            let plain = maps(false)?;
            // A large square takes long, and after a cancellation the second view isn't needed.
            let mirrored = if stop.is_raised() { plain.clone() } else { maps(true)? };
            Ok((to_halves(&[plain, mirrored]), Projection::of(picture, placed)))
        },
        |picture, (views, projection)| {
            let cache_index = cache.push(views).map_err(TrainError::Spill)?;
            let objects =
                training.truth[picture].iter().filter_map(|object| projection.clipped(*object)).collect();
            all[picture] = Some(PreparedImage { picture, cache_index, projection, objects });
            Ok(())
        },
    )?;
    left_out.repeated.iter().for_each(|at| all[*at] = None);
    Ok((all.into_iter().flatten().collect(), left_out))
}

/// Reshapes the maps into matrices of channels × cells.
pub(super) fn to_levels(maps: FeatureMaps) -> Result<Levels, BackboneError> {
    let matrices = maps.levels.map(|level| {
        let [channels, rows, columns] = rten_tensor::Layout::shape(&level);
        Array2::from_shape_vec((channels, rows * columns), level.into_data())
    });
    let [Ok(c3), Ok(c4), Ok(c5)] = matrices else { return Err(BackboneError::Lacks("maps in one piece")) };
    Ok([c3, c4, c5])
}
