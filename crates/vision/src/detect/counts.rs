//! Checks whether a detector can be trained.

use super::Object;
use crate::split::check_images_per_label;
use crate::{ANNOTATED_IMAGES_MIN, NotEnoughImages};

/// The number of annotated images, as a database counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnotationCounts {
    /// The number of images with at least one box.
    pub marked: usize,
    /// The number of images with at least one box of each label.
    pub labels: Vec<(String, usize)>,
}

/// Checks whether a training can start. A label with too few images is an error, as for a classifier: without it, its
/// objects would silently be trained as background. Labels without images don't count.
pub fn check_counts(counts: &AnnotationCounts) -> Result<(), NotEnoughImages> {
    if counts.marked < ANNOTATED_IMAGES_MIN {
        return Err(NotEnoughImages::Marked { has: counts.marked, needs: ANNOTATED_IMAGES_MIN });
    }
    check_images_per_label(&counts.labels)
}

/// Counts the images with boxes.
pub(super) fn count<'a>(labels: &[String], pictures: impl Iterator<Item = &'a [Object]>) -> AnnotationCounts {
    let mut counts =
        AnnotationCounts { marked: 0, labels: labels.iter().map(|label| (label.clone(), 0)).collect() };
    for objects in pictures {
        counts.marked += usize::from(!objects.is_empty());
        for (class, (_, has)) in counts.labels.iter_mut().enumerate() {
            *has += usize::from(objects.iter().any(|object| object.class == class));
        }
    }
    counts
}
