//! Limits the bytes of images in memory. Bytes count when they arrive, not when they are announced: a slow client uses
//! only the memory for the bytes that it has sent. Each key and workspace has a share of the memory.

use bytes::{Bytes, BytesMut};

use crate::shares::{Budget, Claimant, Exhausted, Share};

/// This many images of the largest size fit: six of one key, nine of one workspace.
const PICTURES: usize = 12;
/// The minimum budget for responses, in bytes: a small file with many pixels becomes a large one when boxes
/// are drawn on it.
const ANSWERS: usize = 192 * 1024 * 1024;

/// This many request bodies with lists fit, each as long as its route allows.
const LISTS: usize = 12;
/// The budget for all other responses, in bytes.
const RESPONSES: usize = 128 * 1024 * 1024;

/// The memory budget for request bodies or for images in responses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    capacity: usize,
    budget: Budget,
}

/// Why bytes were not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryDenial {
    /// The body is larger than the limit for one body.
    TooLarge,
    /// The share is used up. The request fails instead of waiting: requests that each hold a part would
    /// wait for each other.
    Exhausted(Exhausted),
}

/// The permit to hold bytes in memory. Dropping the permit frees the bytes.
#[derive(Debug, Default)]
pub struct MemoryPermit(Option<Share>);

/// A body that is arriving.
#[derive(Debug)]
pub struct BodyBuffer {
    budget: MemoryBudget,
    claimant: Claimant,
    bytes_max: usize,
    uncounted: usize,
    bytes: BytesMut,
    permit: MemoryPermit,
}

impl MemoryBudget {
    /// A budget for `PICTURES` images of `bytes_max` bytes each.
    pub fn for_pictures_of(bytes_max: usize) -> Self {
        let capacity = PICTURES.saturating_mul(bytes_max);
        Self { capacity, budget: Budget::new("memory for images", capacity) }
    }

    /// A budget for responses with images whose originals have at most `bytes_max` bytes each.
    pub fn for_answers_of(bytes_max: usize) -> Self {
        let capacity = PICTURES.saturating_mul(bytes_max).max(ANSWERS);
        Self { capacity, budget: Budget::new("memory for images in responses", capacity) }
    }

    /// A budget for request bodies of at most `bytes_max` bytes each that are not images.
    pub fn for_lists_of(bytes_max: usize) -> Self {
        let capacity = LISTS.saturating_mul(bytes_max);
        Self { capacity, budget: Budget::new("memory for request bodies", capacity) }
    }

    /// A budget for responses other than predictions.
    pub fn for_responses() -> Self {
        Self { capacity: RESPONSES, budget: Budget::new("memory for responses", RESPONSES) }
    }

    /// A permit for bytes of a claimant that are already in memory. More bytes than the share of a key use all of that
    /// share; 0 bytes use no share.
    pub fn take(&self, claimant: Claimant, bytes: usize) -> Result<MemoryPermit, Exhausted> {
        if bytes == 0 {
            return Ok(MemoryPermit::default());
        }
        let share = self.budget.take(claimant, bytes.min(self.capacity / 2))?;
        Ok(MemoryPermit(Some(share)))
    }

    /// A permit for bytes that are in memory whatever the limits are.
    pub fn record(&self, claimant: Claimant, bytes: usize) -> MemoryPermit {
        MemoryPermit(Some(self.budget.record(claimant, bytes)))
    }

    /// Returns the bytes in use.
    pub fn in_use(&self) -> usize {
        self.budget.in_use()
    }

    /// Starts to receive a body of at most `bytes_max` bytes. `announced` only sizes the first allocation.
    pub fn collect(&self, claimant: Claimant, bytes_max: usize, announced: Option<u64>) -> BodyBuffer {
        self.collect_beyond(0, claimant, bytes_max, announced)
    }

    /// Like [`collect`](Self::collect), but a body of at most `uncounted` bytes uses no share: connections are limited
    /// anyway, and each connection may hold that much.
    pub fn collect_beyond(
        &self,
        uncounted: usize,
        claimant: Claimant,
        bytes_max: usize,
        announced: Option<u64>,
    ) -> BodyBuffer {
        let announced = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let bytes = BytesMut::with_capacity(announced.min(bytes_max));
        BodyBuffer {
            budget: self.clone(),
            claimant,
            bytes_max,
            uncounted,
            bytes,
            permit: MemoryPermit::default(),
        }
    }
}

impl BodyBuffer {
    /// Adds the next bytes.
    pub fn push(&mut self, next: &[u8]) -> Result<(), MemoryDenial> {
        let all = self.bytes.len() + next.len();
        if all > self.bytes_max {
            return Err(MemoryDenial::TooLarge);
        }
        match &mut self.permit.0 {
            Some(share) => share.grow(next.len()),
            None if all <= self.uncounted => Ok(()),
            none => self.budget.budget.take(self.claimant, all).map(|share| *none = Some(share)),
        }
        .map_err(MemoryDenial::Exhausted)?;
        self.bytes.extend_from_slice(next);
        Ok(())
    }

    /// Returns all bytes and the permit to hold them.
    pub fn finish(self) -> (Bytes, MemoryPermit) {
        (self.bytes.freeze(), self.permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shares::{Holder, tests::claimants};

    #[test]
    fn oversized_response_takes_the_whole_key_share() {
        let (budget, claimants) = (MemoryBudget::for_answers_of(1), claimants(2, 1));
        let held = budget.take(claimants[0][0], usize::MAX).unwrap();
        assert_eq!(budget.in_use(), ANSWERS / 2);
        assert_eq!(budget.take(claimants[0][0], 1).unwrap_err().holder, Holder::Key);
        assert!(budget.take(claimants[1][0], ANSWERS / 8).is_ok());
        drop(held);
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn large_response_fits_beside_another_workspace() {
        let (budget, claimants) = (MemoryBudget::for_answers_of(1), claimants(2, 1));
        let _other = budget.take(claimants[0][0], ANSWERS / 2 - 8).unwrap();
        let held = budget.take(claimants[1][0], ANSWERS / 2).unwrap();
        assert_eq!(budget.take(claimants[1][0], 1).unwrap_err().holder, Holder::Key);
        drop(held);
        assert!(budget.take(claimants[1][0], ANSWERS / 2).is_ok());
    }

    #[test]
    fn small_bodies_are_free_and_large_ones_counted() {
        let (budget, claimants) = (MemoryBudget::for_lists_of(100), claimants(1, 1));
        let mut body = budget.collect_beyond(10, claimants[0][0], 100, None);
        body.push(&[0; 4]).unwrap();
        body.push(&[0; 6]).unwrap();
        assert_eq!(budget.in_use(), 0);
        body.push(&[0; 1]).unwrap();
        assert_eq!(budget.in_use(), 11);
        body.push(&[0; 9]).unwrap();
        assert_eq!((budget.in_use(), body.push(&[0; 81])), (20, Err(MemoryDenial::TooLarge)));
        let mut rest: Vec<_> =
            (0..6).map(|_| budget.collect_beyond(10, claimants[0][0], 100, None)).collect();
        assert!(rest[..5].iter_mut().all(|one| one.push(&[0; 100]).is_ok()));
        assert!(matches!(rest[5].push(&[0; 100]), Err(MemoryDenial::Exhausted(_))));
        assert_eq!(rest[5].push(&[0; 10]), Ok(()), "a small body still fits");
        drop((body.finish(), rest));
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn held_memory_is_counted_and_released() {
        let (budget, claimants) = (MemoryBudget::for_pictures_of(10), claimants(1, 1));
        let mut first = budget.collect(claimants[0][0], 60, Some(u64::MAX));
        first.push(&[0; 50]).unwrap();
        assert_eq!(first.push(&[0; 11]), Err(MemoryDenial::TooLarge));
        let mut second = budget.collect(claimants[0][0], 60, None);
        second.push(&[0; 10]).unwrap();
        assert!(matches!(second.push(&[0; 1]), Err(MemoryDenial::Exhausted(_))));
        assert_eq!(budget.in_use(), 60);
        let (bytes, held) = first.finish();
        assert!(bytes.len() == 50 && second.push(&[0; 1]).is_err());
        drop(held);
        assert_eq!(budget.in_use(), 10);
        assert_eq!(second.push(&[0; 50]), Ok(()));
    }

    #[test]
    fn flooding_workspace_leaves_memory_for_the_largest_image() {
        let (budget, claimants) = (MemoryBudget::for_pictures_of(1_000), claimants(2, 9));
        let flood = || {
            claimants[0].iter().flat_map(|key| {
                std::iter::repeat_with(|| budget.collect(*key, 1_000, None))
                    .map_while(|mut one| (0..10).all(|_| one.push(&[0; 100]).is_ok()).then_some(one))
            })
        };
        let flood: Vec<_> = flood().collect();
        assert!(flood.len() > 6, "{}", flood.len());
        let mut other = budget.collect(claimants[1][0], 1_000, None);
        assert!((0..10).all(|_| other.push(&[0; 100]).is_ok()));
        let Err(MemoryDenial::Exhausted(exhausted)) =
            budget.collect(claimants[0][8], 1_000, None).push(&[0; 1_000])
        else {
            panic!("the workspace exceeded its share")
        };
        assert_eq!(exhausted.holder, Holder::Workspace);
    }
}
