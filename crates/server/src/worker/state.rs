//! The state that a training thread shares with its task: the progress, and whether to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use keyrack_store::CurvePoint;
use keyrack_vision::{Flow, Phase, Progress};
use parking_lot::Mutex;
use serde_json::Value;

use super::estimate::WorkEstimate;

/// The maximum number of points in a loss curve for any number of steps: a page draws the curve, and each
/// point is a row.
const POINTS: usize = 500;

/// Shared between the thread that trains and the task that watches the thread.
#[derive(Debug)]
pub(super) struct TrainingState {
    stop: AtomicBool,
    written: Mutex<ProgressState>,
}

/// Progress that is not reported yet.
#[derive(Debug, Default)]
pub(super) struct UnreportedProgress {
    pub(super) progress: Option<Value>,
    pub(super) points: Vec<CurvePoint>,
}

#[derive(Debug)]
struct ProgressState {
    course: WorkEstimate,
    news: UnreportedProgress,
    points: usize,
    last: Option<Progress>,
}

impl TrainingState {
    pub(super) fn new() -> Self {
        let written = ProgressState {
            course: WorkEstimate::unknown(Instant::now()),
            news: UnreportedProgress::default(),
            points: 0,
            last: None,
        };
        Self { stop: AtomicBool::new(false), written: Mutex::new(written) }
    }

    /// Sets the expected amount of work, once known.
    pub(super) fn plan(&self, course: WorkEstimate) {
        self.written.lock().course = course;
    }

    /// Makes [`tell`](Self::tell) return [`Flow::Cancel`] from now on.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Records a progress report of the training. Returns whether to continue.
    pub(super) fn tell(&self, progress: Progress) -> Flow {
        let mut written = self.written.lock();
        // The training repeats its last report while the next step takes long.
        if written.last.replace(progress) != Some(progress) {
            written.news.progress = Some(written.course.progress(&progress, Instant::now()));
            written.draw(&progress);
        }
        if self.must_stop() { Flow::Cancel } else { Flow::Continue }
    }

    pub(super) fn has_news(&self) -> bool {
        self.written.lock().news.progress.is_some()
    }

    pub(super) fn take(&self) -> UnreportedProgress {
        std::mem::take(&mut self.written.lock().news)
    }

    /// Restores news that could not be reported. Newer progress takes precedence.
    pub(super) fn give_back(&self, mut old: UnreportedProgress) {
        let mut written = self.written.lock();
        old.points.append(&mut written.news.points);
        written.news.points = old.points;
        written.news.progress = written.news.progress.take().or(old.progress);
    }
}

impl ProgressState {
    fn draw(&mut self, progress: &Progress) {
        let every = progress.of.div_ceil(POINTS - 100).max(1);
        let is_drawn = progress.done.is_multiple_of(every)
            || progress.done == progress.of
            || (progress.validation.is_some()
                && every > 1
                && progress.done.is_multiple_of(every.div_ceil(4)));
        if progress.phase == Phase::Training && is_drawn && self.points < POINTS {
            self.points += 1;
            self.news.points.push(CurvePoint {
                step: progress.done as u64,
                loss: progress.loss.map(f64::from),
                validation: progress.validation.map(f64::from),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(done: usize, of: usize) -> Progress {
        let validation = done.is_multiple_of((of / 20).max(1)).then_some(0.5);
        Progress { phase: Phase::Training, done, of, loss: Some(1.0), validation }
    }

    #[test]
    fn curve_has_at_most_500_points_and_the_last() {
        for of in [1, 10, 499, 500, 501, 1500, 20_000] {
            let state = TrainingState::new();
            let mut points = Vec::new();
            for done in 1..=of {
                assert_eq!(state.tell(step(done, of)), Flow::Continue);
                points.extend(state.take().points);
            }
            assert!(points.len() <= POINTS, "{of}: {}", points.len());
            assert!(points.len() >= of.min(200), "{of}: {}", points.len());
            assert_eq!(points.last().map(|point| point.step), Some(of as u64));
            assert!(points.iter().filter(|point| point.validation.is_some()).count() >= 20.min(of));
        }
    }

    #[test]
    fn returned_report_comes_before_newer_points() {
        let state = TrainingState::new();
        state.tell(step(1, 10));
        let old = state.take();
        state.tell(step(2, 10));
        state.give_back(old);
        let report = state.take();
        assert_eq!(report.points.iter().map(|point| point.step).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(report.progress.unwrap()["done"], 2);
    }

    #[test]
    fn repeated_report_is_not_new_but_returns_cancellation() {
        let state = TrainingState::new();
        state.tell(step(1, 10));
        state.take();
        state.stop();
        assert_eq!(state.tell(step(1, 10)), Flow::Cancel);
        assert!(!state.has_news());
    }
}
