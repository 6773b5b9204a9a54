//! Whose turn it is: one picture a core, and the largest pictures two at a time however many cores there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// More than these need not wait: they would not be served in time.
const WAITING_PER_CORE: usize = 32;
/// So many pictures of the largest size are decoded at once.
const LARGEST: u64 = 2;
/// Pixels are counted by so many.
const UNIT: u64 = 1024;

/// The queue.
#[derive(Debug)]
pub struct Queue {
    seats: Arc<Semaphore>,
    pixels: Arc<Semaphore>,
    most_pixels: u32,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// A core, for a picture of which nobody knows yet how large it is.
#[derive(Debug)]
pub struct Seat {
    _core: OwnedSemaphorePermit,
}

/// The right to use a core. Held by the work itself, so that it counts until it ends even where nobody waits for it.
#[derive(Debug)]
pub struct Turn {
    _seat: Seat,
    _pixels: OwnedSemaphorePermit,
}

/// Too many wait already, or it took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Queue {
    /// A queue for this machine and pictures of at most so many pixels.
    pub fn new(largest: u64) -> Self {
        Self::of(available_parallelism().map_or(1, usize::from), largest)
    }

    fn of(cores: usize, largest: u64) -> Self {
        let most_pixels = units(largest.saturating_mul(LARGEST));
        Self {
            seats: Arc::new(Semaphore::new(cores)),
            pixels: Arc::new(Semaphore::new(most_pixels as usize)),
            most_pixels,
            waiting: AtomicUsize::new(0),
            most_waiting: cores * WAITING_PER_CORE,
        }
    }

    /// Waits for a turn with a picture of so many pixels, until then and no longer.
    pub async fn turn(&self, pixels: u64, until: Instant) -> Result<Turn, Full> {
        let seat = self.seat(until).await?;
        self.begin(seat, pixels, until).await
    }

    /// Waits for a core, until then and no longer.
    pub async fn seat(&self, until: Instant) -> Result<Seat, Full> {
        let core = self.wait(Arc::clone(&self.seats).acquire_owned(), until).await?;
        Ok(Seat { _core: core })
    }

    /// Waits, in its seat, until a picture of so many pixels may be decoded. Whoever has pixels has a seat: nobody
    /// waits for somebody who waits.
    pub async fn begin(&self, seat: Seat, pixels: u64, until: Instant) -> Result<Turn, Full> {
        let pixels = units(pixels).min(self.most_pixels);
        let pixels = self.wait(Arc::clone(&self.pixels).acquire_many_owned(pixels), until).await?;
        Ok(Turn { _seat: seat, _pixels: pixels })
    }

    async fn wait(
        &self,
        permit: impl Future<Output = Permit>,
        until: Instant,
    ) -> Result<OwnedSemaphorePermit, Full> {
        let _place = Place::take(self)?;
        timeout_at(until, permit).await.map_err(|_| Full)?.map_err(|_| Full)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

type Permit = Result<OwnedSemaphorePermit, AcquireError>;

fn units(pixels: u64) -> u32 {
    u32::try_from(pixels.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1)
}

/// A place in the queue, left when the turn has come or the client has gone.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(queue: &'a Queue) -> Result<Self, Full> {
        let place = Self(&queue.waiting);
        // Counted first: of many who come at once, none is overlooked.
        if place.0.fetch_add(1, Ordering::Relaxed) < queue.most_waiting { Ok(place) } else { Err(Full) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn in_millis(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn who_waits_too_long_is_sent_away_and_takes_nothing_along() {
        let queue = Queue::of(1, 1_000_000);
        let turn = queue.turn(1, in_millis(1000)).await.unwrap();
        assert!(queue.turn(1, in_millis(10)).await.is_err());
        assert_eq!(queue.waiting(), 0);
        drop(turn);
        queue.turn(1, in_millis(1000)).await.unwrap();
    }

    #[tokio::test]
    async fn two_of_the_largest_pictures_are_enough_for_any_number_of_cores() {
        let queue = Queue::of(64, 1_000_000);
        let first = queue.turn(1_000_000, in_millis(1000)).await.unwrap();
        let _second = queue.turn(900_000, in_millis(1000)).await.unwrap();
        assert!(queue.turn(1_000_000, in_millis(10)).await.is_err());
        drop(first);
        queue.turn(1_000_000, in_millis(1000)).await.unwrap();
    }

    #[tokio::test]
    async fn a_picture_may_be_read_in_its_seat_and_waits_there_until_it_may_be_decoded() {
        let queue = Queue::of(3, 1_000_000);
        let _large = queue.turn(2_000_000, in_millis(1000)).await.unwrap();
        let seat = queue.seat(in_millis(1000)).await.unwrap();
        assert!(queue.begin(seat, 1, in_millis(10)).await.is_err());
        // Its seat is free again.
        let (_second, _third) =
            (queue.seat(in_millis(10)).await.unwrap(), queue.seat(in_millis(10)).await.unwrap());
        assert!(queue.seat(in_millis(10)).await.is_err());
    }

    #[tokio::test]
    async fn no_more_wait_than_can_be_served() {
        let queue = Queue::of(1, 1_000_000);
        let _turn = queue.turn(1, in_millis(1000)).await.unwrap();
        let asks = (0..=WAITING_PER_CORE).map(|_| queue.turn(1, in_millis(300)));
        let started = Instant::now();
        let asks = futures_util::future::join_all(asks);
        assert!(asks.await.iter().all(Result::is_err));
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!(queue.waiting(), 0);
    }
}
