//! Taking one archive in: a thread reads it, and each of its pictures goes the way that all pictures go.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keyrack_key::{LabelId, RecordId};
use keyrack_store::ProjectType;
use keyrack_vision::Rect;
use keyrack_vision::import::{Archive, ArchiveError, ArchiveLimits, Item, Skip, Skipped};
use tokio::sync::mpsc;

use super::{Import, Parcel};
use crate::ops::datasets::{Datasets, MarkDraft};
use crate::ops::{Acting, OpError};

/// Pictures that were read ahead.
const AHEAD: usize = 2;
/// What finds the server busy is tried so often, with as long in between as other clients are told to wait.
const TRIES: usize = 60;
const PAUSE: Duration = Duration::from_secs(1);
/// The longest name of a picture.
const LONGEST: usize = 255;

pub(super) struct Taking {
    pub(super) datasets: Datasets,
    pub(super) by: Acting,
    pub(super) project_type: ProjectType,
    pub(super) batch: String,
    pub(super) limits: ArchiveLimits,
    pub(super) import: Arc<Import>,
}

enum Read {
    Picture(Box<Item>),
    End(Result<Skipped, ArchiveError>),
}

impl Taking {
    /// Takes all of it in. Whatever ends it is written down where it is asked about.
    pub(super) async fn take(self, mut parcel: Parcel) {
        let failed = match parcel.open().await {
            Ok(file) => self.take_all(file).await,
            Err(error) => Err(OpError::internal(error)),
        };
        let mut standing = self.import.standing.lock();
        standing.has_ended = true;
        if let Err(error) = failed {
            // The problem logs what nobody outside can do anything about.
            standing.failed = Some(error.problem().message().to_owned());
        }
    }

    async fn take_all(&self, file: File) -> Result<(), OpError> {
        let (read, mut pictures) = mpsc::channel(AHEAD);
        let limits = self.limits;
        tokio::task::spawn_blocking(move || read_all(file, &limits, &read));
        let mut labels = BTreeMap::new();
        while let Some(next) = pictures.recv().await {
            match next {
                Read::Picture(item) => self.take_one(*item, &mut labels).await?,
                Read::End(Ok(skipped)) => {
                    let mut standing = self.import.standing.lock();
                    let unlisted = skipped.count() - skipped.list().len();
                    skipped.list().iter().cloned().for_each(|skip| standing.skip(skip));
                    standing.skipped_count += unlisted as u64;
                }
                Read::End(Err(error @ ArchiveError::Io(_))) => return Err(OpError::internal(error)),
                Read::End(Err(error)) => {
                    self.import.standing.lock().failed = Some(error.to_string());
                }
            }
        }
        Ok(())
    }

    async fn take_one(&self, item: Item, labels: &mut BTreeMap<String, LabelId>) -> Result<(), OpError> {
        let name = item.name.clone();
        let taken = self.keep(item, labels).await;
        let mut standing = self.import.standing.lock();
        standing.done += 1;
        match taken {
            Ok(()) => standing.added += 1,
            // The project was deleted, the member lost the role, or the server is in trouble: the next picture would
            // fare no better.
            Err(error @ (OpError::Internal(_) | OpError::NotFound(_) | OpError::RoleLost | OpError::DiskFull)) => {
                return Err(error);
            }
            Err(error) => standing.skip(Skip { name, reason: why(&error) }),
        }
        Ok(())
    }

    async fn keep(&self, item: Item, labels: &mut BTreeMap<String, LabelId>) -> Result<(), OpError> {
        let project = self.import.project;
        let Item { name, bytes, label, rects } = item;
        let name = short(&name);
        let bytes = Bytes::from(bytes);
        let add = || self.datasets.add_picture(&self.by, project, name, Some(&self.batch), bytes.clone());
        let record = patiently(PAUSE, add).await?;
        let marked = self.mark(record.id, label, rects, labels).await;
        if marked.is_err() {
            // What is said to be left out is.
            self.datasets.delete_record(&self.by, project, record.id).await?;
        }
        marked
    }

    async fn mark(
        &self,
        record: RecordId,
        label: Option<String>,
        rects: Vec<(String, Rect)>,
        labels: &mut BTreeMap<String, LabelId>,
    ) -> Result<(), OpError> {
        let mut drafts = Vec::new();
        match self.project_type {
            ProjectType::Classification => {
                if let Some(label) = label {
                    drafts.push(MarkDraft {
                        label: self.label(label, labels).await?,
                        rect: None,
                        metadata: None,
                    });
                }
            }
            ProjectType::ObjectDetection => {
                for (label, rect) in rects {
                    let label = self.label(label, labels).await?;
                    drafts.push(MarkDraft { label, rect: Some(rect), metadata: None });
                }
            }
        }
        if !drafts.is_empty() {
            self.datasets.annotate(&self.by, self.import.project, record, &drafts).await?;
        }
        Ok(())
    }

    async fn label(&self, name: String, known: &mut BTreeMap<String, LabelId>) -> Result<LabelId, OpError> {
        if let Some(id) = known.get(&name) {
            return Ok(*id);
        }
        let made =
            self.datasets.make_labels(&self.by, self.import.project, std::slice::from_ref(&name)).await?;
        let label = made.first().ok_or(OpError::NotFound("label"))?.id;
        known.insert(name, label);
        Ok(label)
    }
}

/// Asks again while the server is busy, for a while: nobody waits for an answer who could ask again.
async fn patiently<T, F: Future<Output = Result<T, OpError>>>(
    pause: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T, OpError> {
    for _ in 1..TRIES {
        match ask().await {
            Err(OpError::Busy) => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    ask().await
}

fn read_all(file: File, limits: &ArchiveLimits, read: &mpsc::Sender<Read>) {
    let end = match Archive::open(BufReader::new(file), limits) {
        Err(error) => Err(error),
        Ok(mut archive) => loop {
            match archive.next() {
                None => break Ok(archive.skipped().clone()),
                Some(Err(error)) => break Err(error),
                // Nobody listens when the import has ended already.
                Some(Ok(item)) => {
                    if read.blocking_send(Read::Picture(Box::new(item))).is_err() {
                        return;
                    }
                }
            }
        },
    };
    let _ = read.blocking_send(Read::End(end));
}

/// The end of a path that is too long for a name: it is what tells pictures apart.
fn short(name: &str) -> &str {
    let from = name.len().saturating_sub(LONGEST);
    (from..name.len()).find(|at| name.is_char_boundary(*at)).map_or(name, |at| &name[at..])
}

fn why(error: &OpError) -> String {
    match error {
        OpError::Invalid(invalid) => invalid.fields().map(|(_, says)| says).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn who_finds_the_server_busy_asks_again_and_not_for_ever() {
        let tried = async |busy: usize| {
            let asked = Cell::new(0);
            let ask = async || {
                asked.set(asked.get() + 1);
                if asked.get() <= busy { Err(OpError::Busy) } else { Err(OpError::Gone) }
            };
            let outcome: Result<(), _> = patiently(Duration::ZERO, ask).await;
            (matches!(outcome, Err(OpError::Gone)), asked.get())
        };
        assert_eq!(tried(0).await, (true, 1));
        assert_eq!(tried(TRIES - 1).await, (true, TRIES));
        assert_eq!(tried(TRIES).await, (false, TRIES));
    }
}
