//! What Keyrack remembers: workspaces, people, sessions, keys, what keys were used for, audit, projects with their
//! pictures and labels, models and their trainings.
//!
//! A [`Store`] is one SQLite file. Every change of a key takes the next revision and writes its audit entry in the
//! same transaction; the store is the [`Feed`](keyrack_rack::Feed) that racks are filled from. It never learns a
//! secret, only its digest. Time and ids come in as arguments.
//!
//! Writes that wait for each other share a commit. A future that is dropped half-way undoes its own write, unless the
//! commit was already on its way, and nobody else's.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod activity;
mod actor;
mod audit;
mod callers;
mod chain;
mod database;
mod datasets;
mod error;
mod feed;
mod group;
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
mod quotas;
mod record;
mod refusals;
mod removals;
mod reserve;
mod retention;
mod role;
mod sessions;
mod sightings;
mod snapshot;
mod tenant;
mod turns;
mod uses;
mod workspaces;

pub use activity::{ActivityEntry, ActivityFilter};
pub use actor::{Actor, By, UnknownActor};
pub use audit::{AuditAction, AuditEntry};
pub use callers::{CallerCursor, CallerRow, CallerUse, SecretUse, Whence};
pub use chain::{Chain, Link};
pub use database::{MigrationError, Store};
pub use datasets::{
    Annotation, Batch, Label, Labelled, Mark, NewAnnotation, NewLabel, NewRecord, NewUpload, ProjectCounts,
    Record, RecordFilter, Upload,
};
pub use error::StoreError;
pub use feed::WorkspaceFeed;
pub use imports::{Import, ImportHolder, ImportJob, ImportSkip, ImportStatus, ImportStep, NewImport};
pub use keys::{
    ChangeKey, DeleteKey, Deletion, EditKey, Expiring, KeyFilter, KeyRow, KeyStatus, NewKey, Paused,
    RotateKey, SecretRow,
};
pub use models::{Job, Material, Model, ModelStatus, NewModel, Outcome, Point, Stand, UnknownModelStatus};
pub use nodes::Node;
pub use people::{NewUser, User};
pub use policy::{EditWorkspace, Policy};
pub use principal::{AuthorizedStore, Principal};
pub use project_type::{ProjectType, UnknownProjectType};
pub use projects::{EditProject, NewProject, Project};
pub use quotas::{Block, Rest, Taken};
pub use refusals::{REFUSALS_AN_HOUR, RefusedRequest};
pub use reserve::Reserve;
pub use role::{Role, UnknownRole};
pub use sessions::{NewSession, Session};
pub use sightings::Sighting;
pub use tenant::{set_tenant, with_tenant};
pub use uses::{DayOfUse, Usage};
pub use workspaces::{Membership, NewWorkspace, Workspace};

/// A piece of a long list.
#[derive(Clone, Debug)]
pub struct Page<T, Cursor> {
    /// What was found, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl<T, Cursor> Page<T, Cursor> {
    /// From one item more than was asked for, if there were that many.
    fn of(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}
