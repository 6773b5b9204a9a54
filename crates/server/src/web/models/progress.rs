//! The progress of a training run, in words.

use keyrack_store::{Model, ModelStatus};
use serde::Deserialize;

use super::show::TrainingProgress;

/// The latest report of the worker. Missing values are not shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ProgressReport {
    phase: String,
    done: u64,
    total: u64,
    percent: Option<f64>,
    images_per_second: Option<f64>,
    seconds_left: Option<f64>,
    loss: Option<f64>,
    validation: Option<f64>,
}

fn report(model: &Model) -> ProgressReport {
    let report = model.progress.clone().and_then(|progress| serde_json::from_value(progress).ok());
    report.unwrap_or_default()
}

/// The progress of the whole training run, in percent. `None` if the worker has not reported it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
pub(super) fn percent(model: &Model) -> Option<u64> {
    report(model).percent.map(|percent| percent.clamp(0.0, 100.0) as u64)
}

/// The progress to show. `None` if the training run has ended.
pub(super) fn progress(model: &Model) -> Option<TrainingProgress> {
    let waits = |phase: &str| TrainingProgress {
        phase: phase.to_owned(),
        done: 0,
        of: 0,
        unit: String::new(),
        facts: Vec::new(),
    };
    match model.status {
        ModelStatus::Queued => Some(waits("Queued")),
        ModelStatus::Running if model.cancelling => Some(waits("Stopping")),
        ModelStatus::Running if model.progress.is_none() => Some(waits("Starting")),
        ModelStatus::Running => Some(running(&report(model))),
        _ => None,
    }
}

fn running(report: &ProgressReport) -> TrainingProgress {
    let (phase, unit) = match report.phase.as_str() {
        "features" => ("Reading the images", "images"),
        "choosing" => ("Choosing the regularization", "trials"),
        "training" => ("Learning", "steps"),
        _ => ("Working", "steps"),
    };
    let facts = [
        ("Time left", report.seconds_left.map(span)),
        ("Speed", report.images_per_second.map(|speed| format!("{speed:.1} images a second"))),
        ("Loss", report.loss.map(|loss| format!("{loss:.3}"))),
        ("Validation", report.validation.map(|share| format!("{share:.2}"))),
    ];
    TrainingProgress {
        phase: phase.to_owned(),
        done: report.done,
        of: report.total,
        unit: unit.to_owned(),
        facts: facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
    }
}

/// A rough duration such as "about 2 min" or "a few seconds".
fn span(seconds: f64) -> String {
    match seconds {
        under if under < 10.0 => "a few seconds".to_owned(),
        under if under < 55.0 => format!("about {:.0} s", (under / 10.0).ceil() * 10.0),
        longer => format!("about {:.0} min", (longer / 60.0).ceil()),
    }
}
