//! Runs work on several threads and reports progress on the calling thread, which can cancel the work.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::progress::Reporter;
use crate::training::ImageReader;
use crate::{BackboneError, Phase, Picture, Progress, Threads, TrainError, TrainingSettings};

/// The interval between two checks for cancellation. Work stops within a second after a cancellation: this interval,
/// and the rest for the work in progress.
const PULSE: Duration = Duration::from_millis(200);

/// A flag that makes the threads stop.
#[derive(Default)]
pub(crate) struct StopFlag(AtomicBool);

impl StopFlag {
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `work` for each index of `0..count` on `threads` threads, each with its own state from `start`.
///
/// Calls `receive_result` on the calling thread with each index and result, in any order, and with `None` at least every
/// [`PULSE`] while no result arrives. Stops all threads and returns the error if `receive_result` returns one.
pub(crate) fn run_parallel<T: Send, S>(
    threads: NonZeroUsize,
    count: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&S, usize, &StopFlag) -> T + Sync,
    mut receive_result: impl FnMut(Option<(usize, T)>) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let (next, stop) = (AtomicUsize::new(0), StopFlag::default());
    let (send, receive) = mpsc::sync_channel(threads.get() * 2);
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(count) {
            let (send, next, stop, start, work) = (send.clone(), &next, &stop, &start, &work);
            scope.spawn(move || {
                let own = start();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || stop.is_raised() || send.send((at, work(&own, at, stop))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let outcome = loop {
            let outcome = match receive.recv_timeout(PULSE) {
                Ok(answer) => receive_result(Some(answer)),
                Err(RecvTimeoutError::Timeout) => receive_result(None),
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            };
            if outcome.is_err() {
                break outcome;
            }
        };
        stop.0.store(true, Ordering::Relaxed);
        // A thread that is about to send a result must not wait forever.
        drop(receive);
        outcome
    })
}

/// The images of a training that were left out.
pub(crate) struct LeftOutImages {
    /// The number of images that couldn't be read or decoded.
    pub(crate) unreadable: usize,
    /// The indices of images whose bytes equal those of an earlier image. An image that is both trained on and
    /// measured on would make every metric look better than it is.
    pub(crate) repeated: Vec<usize>,
}

/// Reads and decodes `count` images, calls `extract` with each image, and calls `keep` with each result.
///
/// Calls `keep` for repeated images too: which copy comes first is known only at the end.
pub(crate) fn process_images<T: Send>(
    settings: &TrainingSettings,
    count: usize,
    read: &ImageReader<'_>,
    reporter: &mut Reporter<'_>,
    extract: impl Fn(&Picture, &Threads, &StopFlag) -> Result<T, BackboneError> + Sync,
    mut keep: impl FnMut(usize, T) -> Result<(), TrainError>,
) -> Result<LeftOutImages, TrainError> {
    let (mut done, mut unreadable, mut digests) = (0, 0, vec![None; count]);
    let progress = |done| Progress { phase: Phase::Features, done, of: count, loss: None, validation: None };
    reporter.report(progress(0))?;
    let process = |threads: &Threads, at: usize, stop: &StopFlag| {
        let bytes = read(at).ok()?;
        let picture = Picture::decode(&bytes, &settings.limits).ok()?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        (!stop.is_raised()).then(|| (digest, extract(&picture, threads, stop)))
    };
    run_parallel(settings.threads, count, Threads::single, process, |received| {
        let Some((at, result)) = received else { return Ok(reporter.repeat()?) };
        match result {
            Some((digest, features)) => {
                digests[at] = Some(digest);
                keep(at, features?)?;
            }
            None => unreadable += 1,
        }
        done += 1;
        Ok(reporter.report(progress(done))?)
    })?;
    let mut known = HashSet::new();
    let is_known = |at: &usize| digests[*at].is_some_and(|digest| !known.insert(digest));
    Ok(LeftOutImages { unreadable, repeated: (0..count).filter(is_known).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn every_result_is_received_once() {
        let mut received = vec![0; 50];
        run_parallel(
            TWO,
            50,
            || 7,
            |own, at, _| own * at,
            |answer| {
                if let Some((at, product)) = answer {
                    assert_eq!(product, 7 * at);
                    received[at] += 1;
                }
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(received, [1; 50]);
    }

    #[test]
    fn slow_work_is_cancelled_before_its_first_result() {
        let patient = |(): &(), _, stop: &StopFlag| {
            while !stop.is_raised() {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let outcome = run_parallel(
            TWO,
            50,
            || (),
            patient,
            |received| {
                assert_eq!(received, None);
                Err(TrainError::Cancelled)
            },
        );
        assert!(matches!(outcome, Err(TrainError::Cancelled)));
    }
}
