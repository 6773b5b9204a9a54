//! Loads the images of a training run and trains the model, on the thread of the run.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use keyrack_core::disk::is_disk_full;
use keyrack_core::models::TrainSettings;
use keyrack_core::objects::{ObjectError, ObjectPath, Objects};
use keyrack_key::ProjectId;
use keyrack_store::{AnnotationRegion, LabeledImage, ProjectType, StoreError, TrainingRun};
use keyrack_vision::{
    Backbone, NotEnoughImages, TrainError, TrainingResult, TrainingSet, TrainingSettings, classify, detect,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::estimate::WorkEstimate;
use super::runner::BackboneUnusable;
use super::state::TrainingState;
use super::{Worker, card};

/// A trained model and its card.
#[derive(Debug)]
pub(super) struct TrainedModel {
    pub(super) model: Vec<u8>,
    pub(super) card: Value,
}

/// Why a training run failed. People read these messages.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrainingError {
    #[error("The training run was stopped.")]
    Stopped,
    #[error("{0}")]
    TooFewImages(NotEnoughImages),
    #[error("{absent} of {pictures} images couldn't be read from the data folder. {lacks}")]
    MissingImages { absent: usize, pictures: usize, lacks: NotEnoughImages },
    #[error("The server's disk is full.")]
    DiskFull,
    #[error("The server's backbone can't be used: {0}")]
    Backbone(#[from] BackboneUnusable),
    #[error("{}", if matches!(.0, ObjectError::DiskFull) { "The server's disk is full." } else { "The model couldn't be stored." })]
    NotStored(#[source] ObjectError),
    #[error("Training failed because of a server error. See the server log.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("Training failed because of a server error. See the server log.")]
    Panicked,
}

impl TrainingError {
    /// Logs the errors that only the operator can fix.
    pub(super) fn log(&self) {
        match self {
            Self::Internal(error) => {
                tracing::error!(%error, cause = ?error.source(), "a training run failed");
            }
            Self::NotStored(error) => tracing::error!(%error, "a model could not be stored"),
            Self::Panicked => tracing::error!("a training run panicked"),
            Self::Backbone(error) => tracing::error!(%error, "the backbone can't be used"),
            Self::Stopped | Self::TooFewImages(_) | Self::MissingImages { .. } | Self::DiskFull => {}
        }
    }
}

impl From<StoreError> for TrainingError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

/// Trains the model of `job`.
pub(super) fn learn(
    worker: &Worker,
    job: &TrainingRun,
    board: &TrainingState,
    runtime: &Handle,
) -> Result<TrainedModel, TrainingError> {
    let began = Instant::now();
    let settings: TrainSettings = serde_json::from_value(job.settings.clone()).unwrap_or_default();
    let pictures = runtime.block_on(worker.store.labeled_images(job.project))?;
    if board.must_stop() {
        return Err(TrainingError::Stopped);
    }
    let lesson = Trainer { worker, job, board, runtime, settings, began, backbone: worker.backbone()? };
    let mut learnt = match job.project_type {
        ProjectType::Classification => lesson.classes(pictures)?,
        ProjectType::ObjectDetection => lesson.objects(pictures)?,
    };
    learnt.card["seconds"] = json!(began.elapsed().as_secs_f64().round());
    Ok(learnt)
}

struct Trainer<'a> {
    worker: &'a Worker,
    job: &'a TrainingRun,
    board: &'a TrainingState,
    runtime: &'a Handle,
    settings: TrainSettings,
    began: Instant,
    backbone: Backbone,
}

impl Trainer<'_> {
    fn classes(&self, pictures: Vec<LabeledImage>) -> Result<TrainedModel, TrainingError> {
        let class = |picture: &LabeledImage| {
            let mut marks =
                picture.marks.iter().filter(|(_, mark)| matches!(mark, AnnotationRegion::Category));
            marks.find_map(|(label, _)| self.label(*label))
        };
        let (pictures, truth): (Vec<_>, Vec<_>) =
            pictures.into_iter().filter_map(|picture| class(&picture).map(|class| (picture, class))).unzip();
        self.board.plan(WorkEstimate::of_classifier(pictures.len(), self.began));
        let (source, labels) = (ImageLoader::new(self, &pictures), self.labels());
        let training = TrainingSet { labels: &labels, truth: &truth, read: &|at| source.read(at) };
        let report = &mut |progress| self.board.tell(progress);
        let trained = classify::train(&self.backbone, &training, &self.settings(), report);
        let TrainingResult { model, examples } = trained.map_err(|error| source.why(error))?;
        let examples = examples.iter().map(|example| (pictures[example.picture].record, example));
        Ok(TrainedModel { model: model.to_bytes(), card: card::of(&model.card(), examples) })
    }

    fn objects(&self, pictures: Vec<LabeledImage>) -> Result<TrainedModel, TrainingError> {
        let objects = |picture: &LabeledImage| -> Vec<detect::Object> {
            let marks = picture.marks.iter();
            marks.filter_map(|(label, mark)| object(self.label(*label)?, mark)).collect()
        };
        let (truth, pictures): (Vec<_>, Vec<_>) = pictures
            .into_iter()
            .map(|picture| (objects(&picture), picture))
            .filter(|(objects, _)| !objects.is_empty())
            .unzip();
        let defaults = detect::DetectorSettings::default();
        let settings = detect::DetectorSettings {
            base: self.settings(),
            side: self.settings.input_size.unwrap_or(defaults.side),
            steps: self.settings.steps.map_or(defaults.steps, |steps| steps as usize),
            spill: Some(self.worker.spill.clone()),
            ..defaults
        };
        self.board.plan(WorkEstimate::of_detector(pictures.len(), settings.side, settings.steps, self.began));
        let (source, labels) = (ImageLoader::new(self, &pictures), self.labels());
        let training = TrainingSet { labels: &labels, truth: &truth, read: &|at| source.read(at) };
        let report = &mut |progress| self.board.tell(progress);
        let trained = detect::train(&self.backbone, &training, &settings, report);
        let TrainingResult { model, examples } = trained.map_err(|error| source.why(error))?;
        let examples = examples.iter().map(|example| (pictures[example.picture].record, example));
        Ok(TrainedModel { model: model.to_bytes(), card: card::of(&model.card(), examples) })
    }

    fn settings(&self) -> TrainingSettings {
        TrainingSettings {
            seed: self.settings.seed.unwrap_or_default().into(),
            threads: self.worker.threads,
            limits: self.worker.limits,
            ..TrainingSettings::default()
        }
    }

    fn label(&self, id: keyrack_key::LabelId) -> Option<usize> {
        // `None` if the label was created after the worker took the run.
        self.job.labels.iter().position(|(label, _)| *label == id)
    }

    fn labels(&self) -> Vec<String> {
        self.job.labels.iter().map(|(_, name)| name.clone()).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "pixels")]
fn object(class: usize, mark: &AnnotationRegion) -> Option<detect::Object> {
    let AnnotationRegion::Box { left, top, width, height } = *mark else { return None };
    let [left, top, width, height] = [left, top, width, height].map(|pixels| pixels as f32);
    Some(detect::Object { class, left, top, width, height })
}

/// Reads the images and counts those that are missing.
struct ImageLoader<'a> {
    objects: &'a Objects,
    runtime: &'a Handle,
    project: ProjectId,
    pictures: &'a [LabeledImage],
    absent: AtomicUsize,
}

impl<'a> ImageLoader<'a> {
    fn new(lesson: &Trainer<'a>, pictures: &'a [LabeledImage]) -> Self {
        let (objects, runtime) = (&lesson.worker.objects, lesson.runtime);
        Self { objects, runtime, project: lesson.job.project, pictures, absent: AtomicUsize::new(0) }
    }

    fn read(&self, at: usize) -> io::Result<Vec<u8>> {
        let place = ObjectPath::image(self.project, self.pictures[at].upload);
        let read = self.runtime.block_on(self.objects.read(&place));
        read.map(Vec::from).map_err(|error| {
            self.absent.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, record = %self.pictures[at].record, "an image can't be read");
            io::Error::other(error)
        })
    }

    fn why(&self, error: TrainError) -> TrainingError {
        let (absent, pictures) = (self.absent.load(Ordering::Relaxed), self.pictures.len());
        match error {
            TrainError::Cancelled => TrainingError::Stopped,
            TrainError::TooFew(lacks) if absent > 0 => {
                TrainingError::MissingImages { absent, pictures, lacks }
            }
            TrainError::TooFew(lacks) => TrainingError::TooFewImages(lacks),
            TrainError::Spill(error) if is_disk_full(&error) => TrainingError::DiskFull,
            other => TrainingError::Internal(other.into()),
        }
    }
}
