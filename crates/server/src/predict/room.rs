//! How many bytes of pictures are held in memory at once. They are counted as they arrive, whatever was announced:
//! a client that sends slowly takes no more room than what it has sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many pictures of the largest size fit.
const PICTURES: usize = 8;
/// Bytes of answers that fit in any case: a small picture of many pixels becomes a large one when boxes are drawn on it.
const ANSWERS: usize = 128 * 1024 * 1024;

/// The room for pictures that were sent or fetched and not yet looked at.
#[derive(Clone, Debug)]
pub struct Room {
    whole: usize,
    free: Arc<Semaphore>,
}

/// Why some bytes were not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// There are more than one picture may have.
    TooMany,
    /// Others hold what there is. Nobody waits for it: all who hold a part would wait for each other.
    Full,
}

/// The right to hold some bytes; dropped, others may.
#[derive(Debug, Default)]
pub struct Held(Option<OwnedSemaphorePermit>);

/// Bytes that are arriving.
#[derive(Debug)]
pub struct Gathering {
    room: Room,
    most: usize,
    bytes: BytesMut,
    held: Held,
}

impl Room {
    /// Room for a few pictures that take `most` bytes each.
    pub fn for_pictures_of(most: usize) -> Self {
        let whole = PICTURES.saturating_mul(most).min(Semaphore::MAX_PERMITS);
        Self { whole, free: Arc::new(Semaphore::new(whole)) }
    }

    /// Room for answers that hold pictures which may have been as large as `most` bytes each.
    pub fn for_answers_of(most: usize) -> Self {
        let whole = PICTURES.saturating_mul(most).clamp(ANSWERS, Semaphore::MAX_PERMITS);
        Self { whole, free: Arc::new(Semaphore::new(whole)) }
    }

    /// The right to hold so many bytes that are in memory already. What is larger than the whole room takes all of it.
    pub fn hold(&self, bytes: usize) -> Result<Held, NoRoom> {
        self.take(bytes.min(self.whole)).map(|held| Held(Some(held)))
    }

    /// How many bytes are held now.
    pub fn held(&self) -> usize {
        self.whole - self.free.available_permits()
    }

    /// Begins to take in at most `most` bytes. `announced` is believed for nothing but the allocation.
    pub fn gather(&self, most: usize, announced: Option<u64>) -> Gathering {
        let announced = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let bytes = BytesMut::with_capacity(announced.min(most));
        Gathering { room: self.clone(), most, bytes, held: Held::default() }
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, NoRoom> {
        let bytes = u32::try_from(bytes).map_err(|_| NoRoom::TooMany)?;
        Arc::clone(&self.free).try_acquire_many_owned(bytes).map_err(|_| NoRoom::Full)
    }
}

impl Gathering {
    /// Takes in the next bytes.
    pub fn push(&mut self, next: &[u8]) -> Result<(), NoRoom> {
        if self.bytes.len() + next.len() > self.most {
            return Err(NoRoom::TooMany);
        }
        let more = self.room.take(next.len())?;
        match &mut self.held.0 {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        self.bytes.extend_from_slice(next);
        Ok(())
    }

    /// All of them, and the right to hold them.
    pub fn end(self) -> (Bytes, Held) {
        (self.bytes.freeze(), self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_larger_than_the_room_takes_all_of_it() {
        let room = Room::for_answers_of(1);
        let held = room.hold(usize::MAX).unwrap();
        assert_eq!((room.held(), room.hold(1).unwrap_err()), (ANSWERS, NoRoom::Full));
        drop(held);
        assert_eq!(room.held(), 0);
    }

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let room = Room::for_pictures_of(10);
        let mut first = room.gather(60, Some(u64::MAX));
        first.push(&[0; 50]).unwrap();
        assert_eq!(first.push(&[0; 11]), Err(NoRoom::TooMany));
        let mut second = room.gather(60, None);
        second.push(&[0; 30]).unwrap();
        assert_eq!(second.push(&[0; 1]), Err(NoRoom::Full));
        assert_eq!(room.held(), 80);
        let (bytes, held) = first.end();
        assert_eq!((bytes.len(), second.push(&[0; 1])), (50, Err(NoRoom::Full)));
        drop(held);
        assert_eq!(room.held(), 30);
        assert_eq!(second.push(&[0; 30]), Ok(()));
    }
}
