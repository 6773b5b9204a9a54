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
    whole: usize,
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
    room: MemoryBudget,
    claimant: Claimant,
    most: usize,
    uncounted: usize,
    bytes: BytesMut,
    held: MemoryPermit,
}

impl MemoryBudget {
    /// A budget for `PICTURES` images of `most` bytes each.
    pub fn for_pictures_of(most: usize) -> Self {
        let whole = PICTURES.saturating_mul(most);
        Self { whole, budget: Budget::new("memory for images", whole) }
    }

    /// A budget for responses with images whose originals have at most `most` bytes each.
    pub fn for_answers_of(most: usize) -> Self {
        let whole = PICTURES.saturating_mul(most).max(ANSWERS);
        Self { whole, budget: Budget::new("memory for images in responses", whole) }
    }

    /// A budget for request bodies of at most `most` bytes each that are not images.
    pub fn for_lists_of(most: usize) -> Self {
        let whole = LISTS.saturating_mul(most);
        Self { whole, budget: Budget::new("memory for request bodies", whole) }
    }

    /// A budget for responses other than predictions.
    pub fn for_responses() -> Self {
        Self { whole: RESPONSES, budget: Budget::new("memory for responses", RESPONSES) }
    }

    /// A permit for bytes of a claimant that are already in memory. More bytes than the share of a key use all of that
    /// share; 0 bytes use no share.
    pub fn hold(&self, claimant: Claimant, bytes: usize) -> Result<MemoryPermit, Exhausted> {
        if bytes == 0 {
            return Ok(MemoryPermit::default());
        }
        let share = self.budget.take(claimant, bytes.min(self.whole / 2))?;
        Ok(MemoryPermit(Some(share)))
    }

    /// A permit for bytes that are in memory whatever the limits are.
    pub fn record(&self, claimant: Claimant, bytes: usize) -> MemoryPermit {
        MemoryPermit(Some(self.budget.keep(claimant, bytes)))
    }

    /// Returns the bytes in use.
    pub fn held(&self) -> usize {
        self.budget.taken()
    }

    /// Starts to receive a body of at most `most` bytes. `announced` only sizes the first allocation.
    pub fn gather(&self, claimant: Claimant, most: usize, announced: Option<u64>) -> BodyBuffer {
        self.gather_beyond(0, claimant, most, announced)
    }

    /// Like [`gather`](Self::gather), but a body of at most `uncounted` bytes uses no share: connections are limited
    /// anyway, and each connection may hold that much.
    pub fn gather_beyond(
        &self,
        uncounted: usize,
        claimant: Claimant,
        most: usize,
        announced: Option<u64>,
    ) -> BodyBuffer {
        let announced = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let bytes = BytesMut::with_capacity(announced.min(most));
        BodyBuffer { room: self.clone(), claimant, most, uncounted, bytes, held: MemoryPermit::default() }
    }
}

impl BodyBuffer {
    /// Adds the next bytes.
    pub fn push(&mut self, next: &[u8]) -> Result<(), MemoryDenial> {
        let all = self.bytes.len() + next.len();
        if all > self.most {
            return Err(MemoryDenial::TooLarge);
        }
        match &mut self.held.0 {
            Some(share) => share.grow(next.len()),
            None if all <= self.uncounted => Ok(()),
            none => self.room.budget.take(self.claimant, all).map(|share| *none = Some(share)),
        }
        .map_err(MemoryDenial::Exhausted)?;
        self.bytes.extend_from_slice(next);
        Ok(())
    }

    /// Returns all bytes and the permit to hold them.
    pub fn end(self) -> (Bytes, MemoryPermit) {
        (self.bytes.freeze(), self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shares::{Holder, tests::claimants};

    #[test]
    fn an_answer_larger_than_the_share_of_a_key_takes_all_of_the_share() {
        let (room, of) = (MemoryBudget::for_answers_of(1), claimants(2, 1));
        let held = room.hold(of[0][0], usize::MAX).unwrap();
        assert_eq!(room.held(), ANSWERS / 2);
        assert_eq!(room.hold(of[0][0], 1).unwrap_err().holder, Holder::Key);
        assert!(room.hold(of[1][0], ANSWERS / 8).is_ok());
        drop(held);
        assert_eq!(room.held(), 0);
    }

    #[test]
    fn a_large_answer_of_somebody_who_holds_nothing_finds_its_place_beside_another() {
        let (room, of) = (MemoryBudget::for_answers_of(1), claimants(2, 1));
        let _other = room.hold(of[0][0], ANSWERS / 2 - 8).unwrap();
        let held = room.hold(of[1][0], ANSWERS / 2).unwrap();
        assert_eq!(room.hold(of[1][0], 1).unwrap_err().holder, Holder::Key);
        drop(held);
        assert!(room.hold(of[1][0], ANSWERS / 2).is_ok());
    }

    #[test]
    fn small_bodies_take_no_share_and_of_large_ones_every_byte_counts() {
        let (room, of) = (MemoryBudget::for_lists_of(100), claimants(1, 1));
        let mut body = room.gather_beyond(10, of[0][0], 100, None);
        body.push(&[0; 4]).unwrap();
        body.push(&[0; 6]).unwrap();
        assert_eq!(room.held(), 0);
        body.push(&[0; 1]).unwrap();
        assert_eq!(room.held(), 11);
        body.push(&[0; 9]).unwrap();
        assert_eq!((room.held(), body.push(&[0; 81])), (20, Err(MemoryDenial::TooLarge)));
        let mut rest: Vec<_> = (0..6).map(|_| room.gather_beyond(10, of[0][0], 100, None)).collect();
        assert!(rest[..5].iter_mut().all(|one| one.push(&[0; 100]).is_ok()));
        assert!(matches!(rest[5].push(&[0; 100]), Err(MemoryDenial::Exhausted(_))));
        assert_eq!(rest[5].push(&[0; 10]), Ok(()), "others come in");
        drop((body.end(), rest));
        assert_eq!(room.held(), 0);
    }

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let (room, of) = (MemoryBudget::for_pictures_of(10), claimants(1, 1));
        let mut first = room.gather(of[0][0], 60, Some(u64::MAX));
        first.push(&[0; 50]).unwrap();
        assert_eq!(first.push(&[0; 11]), Err(MemoryDenial::TooLarge));
        let mut second = room.gather(of[0][0], 60, None);
        second.push(&[0; 10]).unwrap();
        assert!(matches!(second.push(&[0; 1]), Err(MemoryDenial::Exhausted(_))));
        assert_eq!(room.held(), 60);
        let (bytes, held) = first.end();
        assert!(bytes.len() == 50 && second.push(&[0; 1]).is_err());
        drop(held);
        assert_eq!(room.held(), 10);
        assert_eq!(second.push(&[0; 50]), Ok(()));
    }

    #[test]
    fn whatever_one_workspace_sends_another_has_room_for_its_largest_picture() {
        let (room, of) = (MemoryBudget::for_pictures_of(1_000), claimants(2, 9));
        let flood = || {
            of[0].iter().flat_map(|key| {
                std::iter::repeat_with(|| room.gather(*key, 1_000, None))
                    .map_while(|mut one| (0..10).all(|_| one.push(&[0; 100]).is_ok()).then_some(one))
            })
        };
        let flood: Vec<_> = flood().collect();
        assert!(flood.len() > 6, "{}", flood.len());
        let mut other = room.gather(of[1][0], 1_000, None);
        assert!((0..10).all(|_| other.push(&[0; 100]).is_ok()));
        let Err(MemoryDenial::Exhausted(full)) = room.gather(of[0][8], 1_000, None).push(&[0; 1_000]) else {
            panic!("the workspace has more than its share")
        };
        assert_eq!(full.holder, Holder::Workspace);
    }
}
