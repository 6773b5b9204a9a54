//! Imports one archive: a thread reads the archive, and each image is added in the same way as all other images.
//!
//! After [`TURN`], a long import gives way to an import of another workspace or person that has no running import. The
//! long import returns to the queue and later continues at the entry that it has reached.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use bytes::Bytes;
use keyrack_key::{LabelId, RecordId, UploadId};
use keyrack_store::{Actor, ImportJob, ImportSkip, ImportStep, ProjectType, Role, StoreError};
use keyrack_vision::Rect;
use keyrack_vision::import::{
    Archive, ArchiveError, ArchiveLimits, ArchivePosition, ArchivedImage, SkippedFile, SkippedFiles,
};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::{Imports, end_of};
use crate::datasets::AnnotationDraft;
use crate::objects::{ObjectError, ObjectPath};
use crate::{AuthorizedCaller, ErrorCause, OpError};

/// The minimum duration of an import before it gives way. An import also runs at least as long as opening
/// its archive took.
const TURN: Duration = Duration::from_millis(250);
/// How often progress is recorded while the reader skips entries without finding an image.
const REPORT: Duration = Duration::from_millis(250);
/// Images that the reader reads ahead.
const AHEAD: usize = 2;
/// How many times an image is tried while the server is busy, with a pause of [`PAUSE`] between tries. After the last
/// try, the import returns to the queue and continues at the same image.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);

const GONE: &str = "The archive is no longer in the data folder. Send it again.";
pub(super) const NOT_ALLOWED: &str = "The person who sent the archive may no longer add images to this project. Send it again from another account.";

/// How an import attempt ended.
#[derive(Debug)]
pub(super) enum ImportOutcome {
    /// The import reached the end of the archive. The caller still has to record this step.
    Completed(ImportStep),
    /// The import failed for this reason.
    Failed(String),
    /// The server stops or stays busy: the import continues later.
    Interrupted,
    /// An import of another workspace or person runs first.
    Yielded,
}

/// A report of the reader thread.
#[derive(Debug)]
enum ReaderReport {
    Image(Box<ArchivedImage>, ReadProgress),
    /// No image for a while: the reader skipped the entries before this position.
    Skipped(ReadProgress),
    End(Result<ReadProgress, ArchiveError>),
}

/// A position in the archive, and the files skipped since the previous report.
#[derive(Debug)]
struct ReadProgress {
    position: ArchivePosition,
    skipped: SkippedFiles,
}

/// Imports an archive from the next entry of the job. An error is a fault of the server.
pub(super) async fn take(
    imports: &Imports,
    job: &ImportJob,
    archive: ObjectPath,
    stopping: &mut watch::Receiver<bool>,
) -> Result<ImportOutcome, OpError> {
    let file = match imports.objects.open_file(&archive).await {
        Ok(file) => file,
        Err(ObjectError::NotFound) => return Ok(ImportOutcome::Failed(GONE.to_owned())),
        Err(error) => return Err(error.into()),
    };
    let (reader, mut read) = mpsc::channel(AHEAD);
    let (limits, from) = (imports.limits, position_of(job));
    let mut slice = TimeSlice::begin();
    tokio::task::spawn_blocking(move || read_all(file, &limits, from, &reader));
    let mut run = ImportRun { imports, job, labels: BTreeMap::new(), started_upload: job.upload };
    loop {
        let next = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return Ok(ImportOutcome::Interrupted),
            next = read.recv() => next,
        };
        slice.start_reading();
        let step = match next {
            Some(ReaderReport::Image(item, reached)) => {
                let Some(by) = run.sender().await? else {
                    return Ok(ImportOutcome::Failed(NOT_ALLOWED.to_owned()));
                };
                let Some(step) = run.image(&by, *item, reached, stopping).await? else {
                    return Ok(ImportOutcome::Interrupted);
                };
                step
            }
            Some(ReaderReport::Skipped(reached)) => step_to(reached),
            Some(ReaderReport::End(Ok(reached))) => return Ok(ImportOutcome::Completed(step_to(reached))),
            Some(ReaderReport::End(Err(ArchiveError::Io(error)))) => return Err(OpError::internal(error)),
            Some(ReaderReport::End(Err(error))) => return Ok(ImportOutcome::Failed(error.to_string())),
            None => return Err(OpError::internal(std::io::Error::other("an archive's reader panicked"))),
        };
        imports.store.record_import_step(job.id, &step).await.map_err(|error| match error {
            StoreError::NotFound => OpError::NotFound("project"),
            other => other.into(),
        })?;
        if slice.is_over() && imports.store.should_yield(job).await? {
            return Ok(ImportOutcome::Yielded);
        }
    }
}

/// How long an import occupies the worker.
struct TimeSlice {
    started: Instant,
    /// `None` until the archive is open.
    ends: Option<Instant>,
}

impl TimeSlice {
    fn begin() -> Self {
        Self { started: Instant::now(), ends: None }
    }

    /// Sets the end of the turn when the archive is open. An archive with large COCO files takes seconds to open;
    /// reading then gets at least as long.
    fn start_reading(&mut self) {
        let (now, started) = (Instant::now(), self.started);
        self.ends.get_or_insert_with(|| now + TURN.max(now - started));
    }

    fn is_over(&self) -> bool {
        self.ends.is_some_and(|end| end <= Instant::now())
    }
}

struct ImportRun<'a> {
    imports: &'a Imports,
    job: &'a ImportJob,
    labels: BTreeMap<String, LabelId>,
    /// The upload that an earlier process started for the next entry.
    started_upload: Option<UploadId>,
}

impl ImportRun<'_> {
    /// The person who sent the archive, or `None` if this person may no longer add images. An import continues after
    /// its sender signs out, but not after the sender leaves the workspace or gets a read-only role.
    async fn sender(&self) -> Result<Option<AuthorizedCaller>, OpError> {
        match self.job.actor {
            Actor::User(user) => {
                let memberships = self.imports.store.memberships(user).await?;
                let here = memberships.iter().find(|one| one.workspace.id == self.job.workspace);
                let here = here.filter(|one| one.role >= Role::Member);
                Ok(here.map(|one| {
                    AuthorizedCaller::member_without_session(one.workspace.id, user, one.role, Role::Member)
                }))
            }
            Actor::Key(_) | Actor::Operator => Ok(None),
        }
    }

    /// Adds or skips one image. Returns `None` if the server stops or stays busy: the image is imported later.
    async fn image(
        &mut self,
        by: &AuthorizedCaller,
        item: ArchivedImage,
        reached: ReadProgress,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<Option<ImportStep>, OpError> {
        let name = end_of(&item.name).to_owned();
        let mut step = step_to(reached);
        step.done = 1;
        match self.store_image(by, item, stopping).await {
            Ok(()) => step.added = 1,
            Err(error) if error.cause() == ErrorCause::Load => return Ok(None),
            // The next image would fail with the same error.
            Err(
                error @ (OpError::Internal(_) | OpError::NotFound(_) | OpError::RoleLost | OpError::DiskFull),
            ) => {
                return Err(error);
            }
            Err(error) => {
                step.skipped += 1;
                step.skips.push(ImportSkip { name, reason: skip_reason(&error) });
            }
        }
        Ok(Some(step))
    }

    async fn store_image(
        &mut self,
        by: &AuthorizedCaller,
        item: ArchivedImage,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<(), OpError> {
        let (datasets, project) = (&self.imports.datasets, self.job.project);
        let ArchivedImage { name, bytes, label, rects } = item;
        let known = match self.started_upload.take() {
            Some(upload) => datasets.record_or_clear(project, upload).await?,
            None => None,
        };
        let record = match known {
            Some(record) => record,
            None => {
                let bytes = Bytes::from(bytes);
                let (batch, import) = (Some(self.job.batch.as_str()), Some(self.job.id));
                let add = || datasets.add_image(by, project, end_of(&name), batch, bytes.clone(), import);
                retry_while_busy(PAUSE, stopping, add).await?
            }
        };
        let annotated = self.annotate(by, record.id, label, rects).await;
        if annotated.is_err() {
            // The report counts this image as skipped, so remove its record.
            datasets.delete_record(by, project, record.id).await?;
        }
        annotated
    }

    async fn annotate(
        &mut self,
        by: &AuthorizedCaller,
        record: RecordId,
        label: Option<String>,
        rects: Vec<(String, Rect)>,
    ) -> Result<(), OpError> {
        let mut drafts = Vec::new();
        match self.job.project_type {
            ProjectType::Classification => {
                if let Some(label) = label {
                    drafts.push(AnnotationDraft {
                        label: self.label(by, label).await?,
                        rect: None,
                        metadata: None,
                    });
                }
            }
            ProjectType::ObjectDetection => {
                for (label, rect) in rects {
                    let label = self.label(by, label).await?;
                    drafts.push(AnnotationDraft { label, rect: Some(rect), metadata: None });
                }
            }
        }
        if !drafts.is_empty() {
            self.imports.datasets.annotate(by, self.job.project, record, &drafts).await?;
        }
        Ok(())
    }

    async fn label(&mut self, by: &AuthorizedCaller, name: String) -> Result<LabelId, OpError> {
        if let Some(id) = self.labels.get(&name) {
            return Ok(*id);
        }
        let datasets = &self.imports.datasets;
        let made = datasets.find_or_create_labels(by, self.job.project, std::slice::from_ref(&name)).await?;
        let label = made.first().ok_or(OpError::NotFound("label"))?.id;
        self.labels.insert(name, label);
        Ok(label)
    }
}

/// Retries while the server is busy, at most [`TRIES`] times, and stops once the server stops.
async fn retry_while_busy<T, F: Future<Output = Result<T, OpError>>>(
    pause: Duration,
    stopping: &mut watch::Receiver<bool>,
    mut ask: impl FnMut() -> F,
) -> Result<T, OpError> {
    for _ in 1..TRIES {
        match ask().await {
            Err(error) if error.is_busy() => {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stopping.wait_for(|stop| *stop) => return Err(OpError::Busy),
                }
            }
            done => return done,
        }
    }
    ask().await
}

fn read_all(file: File, limits: &ArchiveLimits, from: ArchivePosition, read: &mpsc::Sender<ReaderReport>) {
    let end = match Archive::open(BufReader::new(file), limits) {
        Err(error) => Err(error),
        Ok(mut archive) => {
            // Files that the directory skips are reported at the end, so that a restart does not report them twice.
            let of_directory = archive.skipped().clone();
            archive.resume_at(from);
            let (mut before, mut reported) = (of_directory.clone(), Instant::now());
            loop {
                let next = archive.next_entry();
                let reached = ReadProgress {
                    position: archive.read_position(),
                    skipped: archive.skipped().added_since(&before),
                };
                let report = match next {
                    None => {
                        break Ok(ReadProgress {
                            skipped: reached.skipped.merged_with(&of_directory),
                            ..reached
                        });
                    }
                    Some(Err(error)) => break Err(error),
                    Some(Ok(Some(item))) => ReaderReport::Image(Box::new(item), reached),
                    Some(Ok(None)) if reported.elapsed() >= REPORT => ReaderReport::Skipped(reached),
                    Some(Ok(None)) => continue,
                };
                (before, reported) = (archive.skipped().clone(), Instant::now());
                // The import has already ended or given way.
                if read.blocking_send(report).is_err() {
                    return;
                }
            }
        }
    };
    let _ = read.blocking_send(ReaderReport::End(end));
}

fn position_of(job: &ImportJob) -> ArchivePosition {
    let entries = usize::try_from(job.next_entry).unwrap_or(usize::MAX);
    ArchivePosition { entries, unpacked: job.unpacked }
}

fn step_to(ReadProgress { position, skipped }: ReadProgress) -> ImportStep {
    let named = |skip: &SkippedFile| ImportSkip { name: skip.name.clone(), reason: skip.reason.clone() };
    ImportStep {
        next_entry: position.entries as u64,
        unpacked: position.unpacked,
        skipped: skipped.count() as u64,
        skips: skipped.list().iter().map(named).collect(),
        ..ImportStep::default()
    }
}

fn skip_reason(error: &OpError) -> String {
    match error {
        OpError::Invalid(invalid) => invalid.fields().map(|(_, says)| says).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
