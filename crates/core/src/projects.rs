//! Operations on projects.

use std::collections::BTreeSet;

use keyrack_key::{Allowlist, ProjectId};
use keyrack_rack::Clock;
use keyrack_store::{EditProject, NewProject, Page, Project, ProjectType, Store, StoreError};

use super::removals::Removals;
use super::who::Covered;
use super::{AuthorizedCaller, Invalid, OpError, Random, invalid};
use crate::objects::project_prefix;

/// The requested state of a project.
#[derive(Clone, Debug)]
pub struct ProjectDraft {
    pub name: String,
    pub project_type: ProjectType,
    pub description: String,
}

/// Changes to a project. Fields that are `None` stay as they are.
#[derive(Clone, Debug, Default)]
pub struct ProjectPatch {
    pub name: Option<String>,
    pub description: Option<String>,
}

/// The projects of all workspaces.
#[derive(Clone, Debug)]
pub struct Projects {
    store: Store,
    removals: Removals,
    clock: Clock,
    random: Random,
}

impl Projects {
    /// Manages the projects in `store`.
    pub const fn new(store: Store, removals: Removals, clock: Clock, random: Random) -> Self {
        Self { store, removals, clock, random }
    }

    /// Creates a project. Denied for keys that are restricted to named projects, because they could not open the new project.
    pub async fn create(&self, by: &AuthorizedCaller, draft: ProjectDraft) -> Result<Project, OpError> {
        if !by.covered_projects().is_any() {
            return Err(by.outside_error());
        }
        let (name, description) = check(&draft.name, &draft.description)?;
        let now = (self.clock)();
        let id = self.random.id(now);
        let new = NewProject {
            id,
            workspace: by.workspace,
            name: &name,
            project_type: draft.project_type,
            description: description.as_deref(),
            actor: by.actor(),
            now,
        };
        by.writes(&self.store, now).create_project(&new).await.map_err(named)
    }

    /// Returns a page of the projects that the caller may open, newest first.
    pub async fn list(
        &self,
        by: &AuthorizedCaller,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Page<Project, ProjectId>, OpError> {
        match by.covered_projects() {
            Allowlist::Any => Ok(self.store.projects(by.workspace, after, limit).await?),
            Allowlist::Only(covered) => self.list_these(by, &covered, after, limit).await,
        }
    }

    /// Reads the projects one by one: a key names at most 100 projects, and a page of all projects might contain no
    /// project that the key covers.
    async fn list_these(
        &self,
        by: &AuthorizedCaller,
        covered: &BTreeSet<ProjectId>,
        after: Option<ProjectId>,
        limit: u32,
    ) -> Result<Page<Project, ProjectId>, OpError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut items, mut next) = (Vec::<Project>::new(), None);
        for id in covered.iter().rev().filter(|id| after.is_none_or(|after| **id < after)) {
            let Some(project) = self.store.project(by.workspace, *id).await? else { continue };
            if items.len() == limit {
                next = items.last().map(|last| last.id);
                break;
            }
            items.push(project);
        }
        Ok(Page { items, next })
    }

    /// Returns a project of the workspace that the caller may open.
    pub async fn read(&self, by: &AuthorizedCaller, id: ProjectId) -> Result<Covered<Project>, OpError> {
        let project = self.store.project(by.workspace, id).await?.ok_or(OpError::NotFound("project"))?;
        by.cover(project)
    }

    /// Changes the name or the description of a project.
    pub async fn edit(
        &self,
        by: &AuthorizedCaller,
        id: ProjectId,
        patch: ProjectPatch,
    ) -> Result<Project, OpError> {
        let before = self.read(by, id).await?.into_inner();
        let name = patch.name.unwrap_or(before.name);
        let description = patch.description.or(before.description).unwrap_or_default();
        let (name, description) = check(&name, &description)?;
        let now = (self.clock)();
        let edit = EditProject {
            workspace: by.workspace,
            id,
            name: &name,
            description: description.as_deref(),
            actor: by.actor(),
            now,
        };
        by.writes(&self.store, now).edit_project(&edit).await.map_err(named)
    }

    /// Deletes a project and everything in the project, models included.
    pub async fn delete(&self, by: &AuthorizedCaller, id: ProjectId) -> Result<(), OpError> {
        let project = self.read(by, id).await?;
        by.check_all_models()?;
        let objects = [project_prefix(project.id)];
        let now = (self.clock)();
        let store = by.writes(&self.store, now);
        let deleted = store.delete_project(by.workspace, project.id, &objects, by.actor(), now);
        deleted.await.map_err(named)?;
        self.removals.wake();
        Ok(())
    }
}

fn check(name: &str, description: &str) -> Result<(String, Option<String>), Invalid> {
    let mut invalid = Invalid::default();
    let name = invalid.take("name", invalid::name(name));
    let description = invalid.take("description", invalid::note(description, 500));
    match (name, description) {
        (Some(name), Some(description)) => Ok((name, description)),
        _ => Err(invalid),
    }
}

fn named(error: StoreError) -> OpError {
    match error {
        StoreError::NotFound => OpError::NotFound("project"),
        other => other.into(),
    }
}
