//! Operations on the images of a project and their annotations.

mod annotations;
mod batches;
mod locks;
mod records;
mod sweep;
mod uploads;

use keyrack_key::{Id, Kind, ProjectId};
use keyrack_rack::Clock;
use keyrack_store::{Project, ProjectCounts, Store};

use super::pictures::Pictures;
use super::quotas::Quotas;
use super::removals::Removals;
use super::who::Covered;
use super::{AuthorizedCaller, OpError, Random};
use crate::objects::{ObjectError, Objects};
use crate::predict::MemoryBudget;
use locks::{ActiveUploads, UploadLocks};

pub use annotations::{AnnotatedImage, AnnotationDraft, AnnotationOutcome, DroppedBox, InvalidAnnotation};
pub use locks::ActiveUpload;
pub use records::{ImageSize, RecordDraft};
pub use uploads::{UPLOAD_LIFE, UploadError, UploadReservation, upload_uri};

/// The datasets of all workspaces.
#[derive(Clone, Debug)]
pub struct Datasets {
    store: Store,
    objects: Objects,
    pictures: Pictures,
    removals: Removals,
    locks: UploadLocks,
    active_uploads: ActiveUploads,
    quotas: Quotas,
    clock: Clock,
    random: Random,
}

impl Datasets {
    /// Datasets of `store`. Their images are in `objects` and are checked by `pictures`.
    pub fn new(
        store: Store,
        objects: Objects,
        pictures: Pictures,
        removals: Removals,
        quotas: Quotas,
        clock: Clock,
        random: Random,
    ) -> Self {
        let (locks, active_uploads) = (UploadLocks::default(), ActiveUploads::default());
        Self { store, objects, pictures, removals, locks, active_uploads, quotas, clock, random }
    }

    /// The memory budget for incoming images. Callers gather an image in this budget, and hold its permit until the
    /// image is stored.
    pub const fn memory(&self) -> &MemoryBudget {
        self.pictures.memory()
    }

    /// The numbers of images, annotated images, labels and models of a project.
    pub async fn counts(&self, by: &AuthorizedCaller, project: ProjectId) -> Result<ProjectCounts, OpError> {
        let project = self.project(by, project).await?;
        Ok(self.store.project_counts(project.id).await?)
    }

    /// Returns the project, if the caller may open it.
    async fn project(&self, by: &AuthorizedCaller, id: ProjectId) -> Result<Covered<Project>, OpError> {
        let project = self.store.project(by.workspace, id).await?.ok_or(OpError::NotFound("project"))?;
        by.cover(project)
    }

    /// Checks that the project exists and that the caller may open it.
    pub async fn check_access(&self, by: &AuthorizedCaller, id: ProjectId) -> Result<(), OpError> {
        self.project(by, id).await.map(drop)
    }

    /// A new id of the current time.
    pub(super) fn id<K: Kind>(&self) -> Id<K> {
        self.random.id((self.clock)())
    }
}

impl From<ObjectError> for OpError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::DiskFull => Self::DiskFull,
            other => Self::internal(other),
        }
    }
}
