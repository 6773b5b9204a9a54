//! Whether a training could begin.

use super::Object;
use crate::split::enough_each;
use crate::{FEWEST_MARKED, TooFew};

/// What there is to learn from, as a database counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pictures with at least one box.
    pub marked: usize,
    /// For each label, the pictures with at least one box of it.
    pub labels: Vec<(String, usize)>,
}

/// Whether a training could begin. A label that is used in too few pictures is an error, as it is for a classifier:
/// left out, its objects would be learnt as background without a word. Labels that no picture uses do not count.
pub fn ready(counts: &Counts) -> Result<(), TooFew> {
    if counts.marked < FEWEST_MARKED {
        return Err(TooFew::Marked { has: counts.marked, needs: FEWEST_MARKED });
    }
    enough_each(&counts.labels)
}

/// What `ready` asks for, from the objects of pictures.
pub(super) fn count<'a>(labels: &[String], pictures: impl Iterator<Item = &'a [Object]>) -> Counts {
    let mut counts = Counts { marked: 0, labels: labels.iter().map(|label| (label.clone(), 0)).collect() };
    for objects in pictures {
        counts.marked += usize::from(!objects.is_empty());
        for (class, (_, has)) in counts.labels.iter_mut().enumerate() {
            *has += usize::from(objects.iter().any(|object| object.class == class));
        }
    }
    counts
}
