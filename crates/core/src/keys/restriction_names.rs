//! Validation of the projects, models, and image sizes in the restrictions of a key, and the names to display for them.

use std::collections::HashMap;
use std::fmt::Display;

use keyrack_key::{Allowlist, Restrictions};

use super::Keys;
use crate::{AuthorizedCaller, Invalid, OpError};

/// The display names of projects and models by id. Deleted projects and models are marked as deleted.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// Returns the name for an id, or the id if its name was not loaded.
    pub fn of(&self, id: String) -> String {
        self.0.get(&id).cloned().unwrap_or(id)
    }
}

impl Keys {
    /// Rejects restrictions that add unknown projects or models: a mistyped id would silently open nothing. Ids in
    /// `before` are not checked, because their projects and models may have been deleted since.
    pub(super) async fn check_restrictions(
        &self,
        by: &AuthorizedCaller,
        before: &Restrictions,
        after: &Restrictions,
    ) -> Result<(), OpError> {
        let mut invalid = Invalid::default();
        for project in added(&before.projects, &after.projects) {
            if self.store.project(by.workspace, *project).await?.is_none() {
                let message = format!("Project {project} isn't in this workspace.");
                invalid.take::<()>("restrictions.projects", Err(message));
                break;
            }
        }
        for model in added(&before.models, &after.models) {
            if self.store.model(by.workspace, *model).await?.is_none() {
                let message = format!("Model {model} isn't in this workspace.");
                invalid.take::<()>("restrictions.models", Err(message));
                break;
            }
        }
        if before.max_image_bytes != after.max_image_bytes {
            invalid.take("restrictions.maxImageBytes", self.check_image_limit(after));
        }
        if invalid.fields().next().is_none() { Ok(()) } else { Err(invalid.into()) }
    }

    /// Rejects an image limit above the server's own limit, because it would limit nothing.
    fn check_image_limit(&self, own: &Restrictions) -> Result<(), String> {
        let most = self.max_image as u64;
        match own.max_image_bytes {
            Some(bytes) if u64::from(bytes.get()) > most => {
                Err(format!("Use {most} bytes or fewer. The server limit is {} MB.", most / 1_000_000))
            }
            _ => Ok(()),
        }
    }

    /// Returns the restrictions without deleted projects and models, and without an image limit above the server's. A
    /// list that becomes empty stays a restriction and opens nothing.
    pub async fn without_deleted(
        &self,
        by: &AuthorizedCaller,
        mut own: Restrictions,
    ) -> Result<Restrictions, OpError> {
        if let Allowlist::Only(projects) = &mut own.projects {
            for project in projects.clone() {
                if self.store.project(by.workspace, project).await?.is_none() {
                    projects.remove(&project);
                }
            }
        }
        if let Allowlist::Only(models) = &mut own.models {
            for model in models.clone() {
                if self.store.model(by.workspace, model).await?.is_none() {
                    models.remove(&model);
                }
            }
        }
        own.max_image_bytes = own.max_image_bytes.filter(|_| self.check_image_limit(&own).is_ok());
        Ok(own)
    }

    /// Loads the names of the projects and models in these restrictions, one query for each.
    pub async fn names(&self, by: &AuthorizedCaller, own: &Restrictions) -> Result<Names, OpError> {
        let mut names = HashMap::new();
        let gone = |id: &dyn Display| format!("{id} (deleted)");
        for project in items(&own.projects) {
            let found = self.store.project(by.workspace, *project).await?;
            names.insert(project.to_string(), found.map_or_else(|| gone(project), |found| found.name));
        }
        for model in items(&own.models) {
            let found = self.store.model(by.workspace, *model).await?;
            names.insert(model.to_string(), found.map_or_else(|| gone(model), |found| found.name));
        }
        Ok(Names(names))
    }
}

fn items<T: Ord>(only: &Allowlist<T>) -> impl Iterator<Item = &T> {
    let these = match only {
        Allowlist::Any => None,
        Allowlist::Only(these) => Some(these),
    };
    these.into_iter().flatten()
}

/// The items of `after` that are not in `before`.
fn added<'a, T: Ord>(before: &'a Allowlist<T>, after: &'a Allowlist<T>) -> impl Iterator<Item = &'a T> {
    let had = |one: &T| matches!(before, Allowlist::Only(these) if these.contains(one));
    items(after).filter(move |one| !had(one))
}
