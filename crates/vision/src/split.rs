//! Splits images into parts for training and for measuring, and checks that there are enough of them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The fewest images of a label: four to train on and one to measure on.
pub const IMAGES_PER_LABEL_MIN: usize = 5;

/// The fewest images with boxes for a detector: two to choose on, two to measure on, and the rest to train on.
pub const ANNOTATED_IMAGES_MIN: usize = 20;

/// Why a training can't start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnoughImages {
    /// Fewer than two labels have images. Labels without images don't count.
    #[error("{has} labels have images. Label images with at least 2 labels.")]
    Labels {
        /// The number of labels with images.
        has: usize,
    },
    /// A detector has too few images with at least one box.
    #[error("{has} different images have boxes. Draw boxes on at least {needs}.")]
    Marked {
        /// The number of images with a box.
        has: usize,
        /// The number of images that are needed.
        needs: usize,
    },
    /// A label has some images, but too few.
    #[error("The label {label:?} has {has} different images. Each label needs at least {needs}.")]
    Pictures {
        /// The label's name.
        label: String,
        /// The number of images with this label.
        has: usize,
        /// The number of images that are needed.
        needs: usize,
    },
}

/// Splits `0..labels.len()` into `parts` parts of nearly equal size and with nearly the same mix of labels. The same
/// seed gives the same parts.
pub(crate) fn stratified(labels: &[usize], parts: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let mut split = vec![Vec::new(); parts];
    let mut next_part = 0;
    for class in 0..classes {
        let mut members: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] == class).collect();
        shuffle(&mut members, &mut rng);
        // Each class starts with the part after the last one used, so that the remainders spread over all parts.
        for member in members {
            split[next_part % parts].push(member);
            next_part += 1;
        }
    }
    split
}

/// Shuffles in place (Fisher–Yates). The modulo bias is below one in a billion for the sizes used here.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, usize::try_from(rng.next_u64() % (last as u64 + 1)).unwrap_or(0));
    }
}

/// Returns an error if a label has some images, but too few. Labels without images are fine: clients create labels
/// before they know whether they need them.
pub(crate) fn check_images_per_label(counts: &[(String, usize)]) -> Result<(), NotEnoughImages> {
    match counts.iter().find(|(_, has)| (1..IMAGES_PER_LABEL_MIN).contains(has)) {
        Some((label, has)) => {
            Err(NotEnoughImages::Pictures { label: label.clone(), has: *has, needs: IMAGES_PER_LABEL_MIN })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_image_is_in_one_part_and_labels_are_balanced(
            labels in proptest::collection::vec(0usize..6, 0..200), parts in 1usize..7, seed: u64,
        ) {
            let split = stratified(&labels, parts, seed);
            let mut all: Vec<usize> = split.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            for class in 0..6 {
                let counts: Vec<usize> =
                    split.iter().map(|part| part.iter().filter(|at| labels[**at] == class).count()).collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            }
            prop_assert_eq!(split, stratified(&labels, parts, seed));
        }
    }
}
