//! Many pictures on several threads, with somebody who hears of each and can send everybody home.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::progress::Listener;
use crate::training::Read;
use crate::{BackboneError, Phase, Picture, Progress, Settings, Threads, TrainError};

/// A word to stop is honoured within a second, and work that is under way needs the rest of it.
const PULSE: Duration = Duration::from_millis(200);

/// Raised when nobody waits for answers any more.
#[derive(Default)]
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does `work` for each of `0..count` with what its thread was given at the `start`. `hear` gets each answer, in
/// any order, on the calling thread, and nothing now and then; its error ends it all.
pub(crate) fn side_by_side<T: Send, S>(
    threads: NonZeroUsize,
    count: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&S, usize, &Stop) -> T + Sync,
    mut hear: impl FnMut(Option<(usize, T)>) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let (next, stop) = (AtomicUsize::new(0), Stop::default());
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
            let heard = match receive.recv_timeout(PULSE) {
                Ok(answer) => hear(Some(answer)),
                Err(RecvTimeoutError::Timeout) => hear(None),
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            };
            if heard.is_err() {
                break heard;
            }
        };
        stop.0.store(true, Ordering::Relaxed);
        // Whoever waits to hand in an answer must not wait for ever.
        drop(receive);
        outcome
    })
}

/// Pictures that take no part.
pub(crate) struct LeftOut {
    /// How many could not be read or decoded.
    pub(crate) unreadable: usize,
    /// Those that are the same as one before them, byte for byte. One that is learnt from and measured with besides
    /// would make every metric better than it is.
    pub(crate) repeated: Vec<usize>,
}

/// Shows `count` pictures to `see` and what it saw to `keep`, repeated ones too: which is the first is known at the end.
pub(crate) fn look<T: Send>(
    settings: &Settings,
    count: usize,
    read: &Read<'_>,
    listener: &mut Listener<'_>,
    see: impl Fn(&Picture, &Threads, &Stop) -> Result<T, BackboneError> + Sync,
    mut keep: impl FnMut(usize, T) -> Result<(), TrainError>,
) -> Result<LeftOut, TrainError> {
    let (mut done, mut unreadable, mut digests) = (0, 0, vec![None; count]);
    let progress = |done| Progress { phase: Phase::Features, done, of: count, loss: None, validation: None };
    listener.tell(progress(0))?;
    let one = |threads: &Threads, at: usize, stop: &Stop| {
        let bytes = read(at).ok()?;
        let picture = Picture::decode(&bytes, &settings.limits).ok()?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        (!stop.is_raised()).then(|| (digest, see(&picture, threads, stop)))
    };
    side_by_side(settings.threads, count, Threads::one, one, |heard| {
        let Some((at, seen)) = heard else { return Ok(listener.again()?) };
        match seen {
            Some((digest, seen)) => {
                digests[at] = Some(digest);
                keep(at, seen?)?;
            }
            None => unreadable += 1,
        }
        done += 1;
        Ok(listener.tell(progress(done))?)
    })?;
    let mut known = HashSet::new();
    let is_known = |at: &usize| digests[*at].is_some_and(|digest| !known.insert(digest));
    Ok(LeftOut { unreadable, repeated: (0..count).filter(is_known).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn every_answer_is_heard_once() {
        let mut heard = vec![0; 50];
        side_by_side(
            TWO,
            50,
            || 7,
            |own, at, _| own * at,
            |answer| {
                if let Some((at, product)) = answer {
                    assert_eq!(product, 7 * at);
                    heard[at] += 1;
                }
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(heard, [1; 50]);
    }

    #[test]
    fn slow_work_is_stopped_before_its_first_answer() {
        let patient = |(): &(), _, stop: &Stop| {
            while !stop.is_raised() {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let outcome = side_by_side(
            TWO,
            50,
            || (),
            patient,
            |heard| {
                assert_eq!(heard, None);
                Err(TrainError::Cancelled)
            },
        );
        assert!(matches!(outcome, Err(TrainError::Cancelled)));
    }
}
