//! Which pictures a head learns from, and which only measure it.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A label needs that many pictures: four to learn from, one to measure with.
pub const FEWEST_EACH: usize = 5;

/// A detector needs that many pictures with boxes: two that choose, two that measure, the rest to learn from.
pub const FEWEST_MARKED: usize = 20;

/// Why a training cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooFew {
    /// Labels that no picture carries are left out and do not count.
    #[error("{has} labels have pictures; at least 2 are needed")]
    Labels {
        /// How many have any.
        has: usize,
    },
    /// For a detector, pictures count that have at least one box.
    #[error("{has} pictures have boxes; at least {needs} are needed, no two the same")]
    Marked {
        /// How many have.
        has: usize,
        /// How many it takes.
        needs: usize,
    },
    /// A label is used, and too rarely.
    #[error(
        "the label {label:?} has {has} labelled pictures; each label in use needs at least {needs}, no two the same"
    )]
    Pictures {
        /// The label.
        label: String,
        /// What it has.
        has: usize,
        /// What it needs.
        needs: usize,
    },
}

/// Splits `0..labels.len()` into `parts` of nearly the same size with the same mix of labels. The same seed
/// gives the same parts.
pub(crate) fn stratified(labels: &[usize], parts: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let mut split = vec![Vec::new(); parts];
    let mut turn = 0;
    for class in 0..classes {
        let mut members: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] == class).collect();
        shuffle(&mut members, &mut rng);
        // Each class begins where the last one stopped, so that no part gets all the odd ones.
        for member in members {
            split[turn % parts].push(member);
            turn += 1;
        }
    }
    split
}

/// Fisher and Yates. The bias of the remainder is below one in a billion here.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, usize::try_from(rng.next_u64() % (last as u64 + 1)).unwrap_or(0));
    }
}

/// Whether each label in use has enough pictures. Labels that no picture carries are no obstacle: clients make
/// labels before they know whether they need them.
pub(crate) fn enough_each(counts: &[(String, usize)]) -> Result<(), TooFew> {
    match counts.iter().find(|(_, has)| (1..FEWEST_EACH).contains(has)) {
        Some((label, has)) => Err(TooFew::Pictures { label: label.clone(), has: *has, needs: FEWEST_EACH }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_picture_is_in_one_part_and_parts_have_the_same_mix(
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
