//! The locks and atomics of this crate: the usual ones, or those of Shuttle, under which a test runs its threads in
//! thousands of orders (`cargo test -p keyrack-rack --features shuttle --test shuttle`).

#[cfg(not(feature = "shuttle"))]
pub(crate) use parking_lot::{Mutex, RwLock};
#[cfg(feature = "shuttle")]
pub(crate) use shuttle_parking_lot::{Mutex, RwLock};

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::atomic;
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::atomic;

/// The clock that leases are held against, set by a test.
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

    /// What this thread was told when it last looked.
    pub fn read_last() -> Moment {
        Moment::of(READ.with(Cell::get))
    }

    /// Moves the clock.
    pub fn set(moment: Moment) {
        TIME.store(moment.nanoseconds(), Ordering::SeqCst);
    }
}
