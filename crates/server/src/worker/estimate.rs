//! Estimates the progress and the remaining time of a training run.

use std::time::{Duration, Instant};

use keyrack_vision::{Phase, Progress};
use serde_json::{Value, json};

/// Images per step of a detector.
const BATCH: f64 = 8.0;

/// The expected work of a training run, in seconds of one core of a typical machine. The actual speed is measured as
/// the run progresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkEstimate {
    features: f64,
    choosing: f64,
    training: f64,
    is_detector: bool,
    began: Instant,
    /// The current phase and its start.
    phase: Option<(Phase, Instant)>,
}

impl WorkEstimate {
    /// A placeholder until the amount of work is known.
    pub(super) const fn unknown(began: Instant) -> Self {
        Self { features: 1.0, choosing: 0.0, training: 0.0, is_detector: false, began, phase: None }
    }

    /// The backbone processes both views of an image; the rest is quick.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn of_classifier(pictures: usize, began: Instant) -> Self {
        let pictures = pictures as f64;
        let (features, choosing, training) = (0.1 * pictures, 0.008 * pictures, 0.002 * pictures);
        Self { features, choosing, training, ..Self::unknown(began) }
    }

    /// The work per image grows with its area.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn of_detector(pictures: usize, side: u32, steps: usize, began: Instant) -> Self {
        let area = (f64::from(side) / 320.0).powi(2);
        let (features, training) = (0.18 * area * pictures as f64, 0.25 * area * steps as f64);
        Self { features, choosing: 0.0, training, is_detector: true, ..Self::unknown(began) }
    }

    /// Converts a progress report to the JSON that pages and clients read.
    #[expect(clippy::cast_precision_loss, reason = "counts of images and steps")]
    pub(super) fn progress(&mut self, report: &Progress, now: Instant) -> Value {
        if self.phase.is_none_or(|(phase, _)| phase != report.phase) {
            self.phase = Some((report.phase, now));
        }
        let within = self.phase.map_or(Duration::ZERO, |(_, since)| now - since).as_secs_f64();
        let (before, this, after) = match report.phase {
            Phase::Features => (0.0, self.features, self.choosing + self.training),
            Phase::Choosing => (self.features, self.choosing, self.training),
            Phase::Training => (self.features + self.choosing, self.training, 0.0),
        };
        let part = report.done as f64 / report.of.max(1) as f64;
        let done = before + part * this;
        let whole = before + this + after;
        // Measured seconds per estimated second: in this phase, and since the start.
        let here = (part > 0.0 && within > 0.0).then(|| within / (part * this).max(1e-9));
        let so_far = (now - self.began).as_secs_f64() / done.max(1e-9);
        let left = here.map(|here| (1.0 - part) * this * here + after * so_far);
        let pictures = match report.phase {
            Phase::Features => Some(report.done as f64),
            Phase::Training if self.is_detector => Some(report.done as f64 * BATCH),
            _ => None,
        };
        let speed = pictures.filter(|_| within > 0.2).map(|pictures| pictures / within);
        json!({
            "phase": report.phase,
            "done": report.done,
            "total": report.of,
            "percent": rounded(100.0 * done / whole.max(1e-9), 10.0),
            "imagesPerSecond": speed.map(|speed| rounded(speed, 10.0)),
            "secondsLeft": left.filter(|_| within > 0.2).map(|left| left.ceil().max(0.0)),
            "loss": report.loss,
            "validation": report.validation,
        })
    }
}

fn rounded(number: f64, to: f64) -> f64 {
    (number * to).round() / to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(phase: Phase, done: u32, of: usize) -> Progress {
        Progress { phase, done: done as usize, of, loss: None, validation: None }
    }

    #[test]
    fn estimate_adapts_to_speed_and_percent_only_grows() {
        let start = Instant::now();
        let mut estimate = WorkEstimate::of_detector(100, 320, 200, start);
        let second = |second: f64| start + Duration::from_secs_f64(second);
        let mut last = 0.0;
        // 18 s of features and 50 s of training, on a machine that takes twice as long.
        for image in 1..=100 {
            let now = second(0.36 * f64::from(image));
            let report = estimate.progress(&at(Phase::Features, image, 100), now);
            let percent = report["percent"].as_f64().unwrap();
            assert!(percent >= last);
            last = percent;
            if image == 50 {
                let left = report["secondsLeft"].as_f64().unwrap();
                assert!((left - 118.0).abs() < 4.0, "{left}");
            }
        }
        for step in 1..=200 {
            let now = second(36.0 + 0.5 * f64::from(step));
            let report = estimate.progress(&at(Phase::Training, step, 200), now);
            let percent = report["percent"].as_f64().unwrap();
            assert!(percent >= last);
            last = percent;
            if step == 100 {
                let left = report["secondsLeft"].as_f64().unwrap();
                assert!((left - 50.0).abs() < 2.0, "{left}");
                let speed = report["imagesPerSecond"].as_f64().unwrap();
                assert!((speed - 16.0).abs() < 0.5, "{speed}");
            }
        }
        assert!((last - 100.0).abs() < 1e-9);
    }
}
