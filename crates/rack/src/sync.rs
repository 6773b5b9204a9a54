//! The locks and atomics of this crate: the usual ones, or those of Shuttle, with which a test runs its
//! threads in thousands of orders (`cargo test -p keyrack-rack --features shuttle --test shuttle`).

#[cfg(not(feature = "shuttle"))]
use std::cell::Cell;
#[cfg(not(feature = "shuttle"))]
use std::sync::PoisonError;

#[cfg(not(feature = "shuttle"))]
use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
#[cfg(not(feature = "shuttle"))]
pub(crate) use parking_lot::Mutex;
#[cfg(feature = "shuttle")]
pub(crate) use shuttle_parking_lot::{Mutex, RwLock as SharedLock};

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::atomic;
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::atomic;

/// The number of groups of threads that count and read without writing to the same memory.
pub(crate) const STRIPES: usize = if cfg!(feature = "shuttle") { 2 } else { 8 };

/// Returns the stripe of this thread. Threads get the [`STRIPES`] in rotation.
#[cfg(not(feature = "shuttle"))]
pub(crate) fn stripe() -> usize {
    static NEXT: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.get().unwrap_or_else(|| {
        let own = NEXT.fetch_add(1, atomic::Ordering::Relaxed) % STRIPES;
        OWN.set(Some(own));
        own
    })
}

#[cfg(feature = "shuttle")]
pub(crate) fn stripe() -> usize {
    usize::from(shuttle::current::me()) % STRIPES
}

/// A lock that threads can read without writing to the same memory. A writer must take all its parts. On two
/// cores, reading a single shared lock would double the cost of a check.
#[cfg(not(feature = "shuttle"))]
#[derive(Debug, Default)]
pub(crate) struct SharedLock<T>(ShardedLock<T>);

// A panic while writing leaves consistent data: no statement between two writes of this crate can panic.
#[cfg(not(feature = "shuttle"))]
impl<T> SharedLock<T> {
    pub(crate) fn read(&self) -> ShardedLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> ShardedLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clock for leases, which a test sets.
#[cfg(feature = "shuttle")]
#[doc(hidden)]
pub mod clock {
    use std::cell::Cell;

    use super::atomic::{AtomicU64, Ordering};
    use crate::Moment;

    shuttle::lazy_static! {
        static ref TIME: AtomicU64 = AtomicU64::new(1_000_000_000);
    }
    shuttle::thread_local! {
        static READ: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) fn read() -> u64 {
        let time = TIME.load(Ordering::SeqCst);
        READ.with(|read| read.set(time));
        time
    }

    /// Returns the time that this thread read last.
    pub fn read_last() -> Moment {
        Moment::of(READ.with(Cell::get))
    }

    /// Sets the clock.
    pub fn set(moment: Moment) {
        TIME.store(moment.nanoseconds(), Ordering::SeqCst);
    }
}
