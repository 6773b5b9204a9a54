//! Keyrack's database: workspaces, people, sessions, keys and their usage, the audit log, projects with their images
//! and labels, and models with their training runs.
//!
//! A [`Store`] is an SQLite file. Every change of a key takes the next revision and writes an audit entry in the same
//! transaction. The store is the [`Feed`](keyrack_rack::Feed) that fills racks. It stores the digests of secrets,
//! never the secrets. Callers pass in the time and new IDs.
//!
//! Writes that wait at the same time share a commit. Dropping the future of a write undoes that write only, unless
//! its commit has started.

#![forbid(unsafe_code)]

mod activity;
mod actor;
mod audit;
mod callers;
mod chain;
mod database;
mod datasets;
mod denials;
mod error;
mod exposures;
mod feed;
mod imports;
mod keys;
mod models;
mod names;
mod nodes;
mod people;
mod policy;
mod principal;
mod project_type;
mod projects;
mod queue_turns;
mod quotas;
mod record;
mod removals;
mod reserve;
mod retention;
mod role;
mod sessions;
mod snapshot;
mod tenant;
mod text_enum;
mod turns;
mod usage;
mod workspaces;

pub use activity::{ActivityEntry, ActivityFilter};
pub use actor::{Actor, NamedActor, UnknownActor};
pub use audit::{AuditAction, AuditEntry};
pub use callers::{ActiveCaller, CallerCursor, CallerRow, CallerSource, CallerUsage, SecretUsage};
pub use chain::{ChainStatus, ChainedEntry};
pub use database::Store;
pub use datasets::{
    Annotation, AnnotationRegion, Batch, ImageGroup, Label, LabeledImage, NewAnnotation, NewLabel, NewRecord,
    NewUpload, ProjectCounts, Record, RecordFilter, Upload,
};
pub use denials::{DENIALS_PER_HOUR_MAX, DeniedRequest};
pub use error::{MigrationError, StoreError};
pub use exposures::ExposureRecord;
pub use feed::WorkspaceFeed;
pub use imports::{Import, ImportHolder, ImportJob, ImportSkip, ImportStatus, ImportStep, NewImport};
pub use keys::{
    ChangeKey, DeleteKey, EditKey, KeyCounts, KeyDeletion, KeyFilter, KeyOrder, KeyPause, KeyRow, KeySlice,
    KeyStatus, NewKey, NewSecret, RotateKey, SecretRow,
};
pub use models::{
    AnnotationTotals, CurvePoint, Model, ModelStatus, NewModel, RunOutcome, RunSignal, TrainingRun,
    UnknownModelStatus,
};
pub use nodes::Node;
pub use people::{NewUser, User};
pub use policy::{EditWorkspace, Policy};
pub use principal::{AuthorizedStore, Principal};
pub use project_type::{ProjectType, UnknownProjectType};
pub use projects::{EditProject, NewProject, Project};
pub use quotas::{QuotaBlock, QuotaUsage, UnspentBlock};
pub use reserve::Reserve;
pub use role::{Role, UnknownRole};
pub use sessions::{NewSession, Session};
pub use tenant::{set_tenant, tenant, tenant_and_actor, with_tenant};
pub use usage::{DailyUsage, Usage};
pub use workspaces::{Membership, NewWorkspace, Workspace};

/// A page of a long list.
#[derive(Clone, Debug)]
pub struct Page<T, Cursor> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The cursor of the next page, or `None` on the last page.
    pub next: Option<Cursor>,
}

impl<T, Cursor> Page<T, Cursor> {
    /// Builds a page from up to `limit + 1` items. The extra item shows that there is a next page.
    fn of(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}
