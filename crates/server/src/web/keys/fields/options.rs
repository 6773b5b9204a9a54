//! The projects and models that the forms of a key list as checkboxes.

use keyrack_core::OpError;
use keyrack_core::keys::Names;
use keyrack_key::{ModelId, ProjectId, Restrictions};
use keyrack_store::{ModelStatus, Policy};
use std::collections::{BTreeSet, HashMap};

use super::restrictions_view::CheckboxRow;
use crate::app::App;
use crate::web::person::Member;

/// The largest number of entries that a restriction may have.
const MOST: u32 = 100;

/// The checkboxes for projects and models.
#[derive(Clone, Debug, Default)]
pub(in crate::web::keys) struct RestrictionOptions {
    pub(in crate::web::keys) projects: OptionList<ProjectId>,
    pub(in crate::web::keys) models: OptionList<ModelId>,
}

/// Everything about the workspace and the server that the forms of a key need.
#[derive(Clone, Debug)]
pub(in crate::web::keys) struct FormContext {
    pub(in crate::web::keys) policy: Policy,
    pub(in crate::web::keys) offered: RestrictionOptions,
    /// The largest image that the server accepts, in bytes.
    pub(in crate::web::keys) most: usize,
}

impl FormContext {
    /// Loads the context for a key with the restrictions `own`.
    pub(in crate::web::keys) async fn of(
        app: &App,
        member: &Member,
        policy: Policy,
        own: &Restrictions,
    ) -> Result<Self, OpError> {
        let offered = RestrictionOptions::to(app, member, own).await?;
        Ok(Self { policy, offered, most: app.config.max_image })
    }
}

/// The newest objects of one kind, and the names of those that the key is restricted to.
#[derive(Clone, Debug)]
pub(in crate::web::keys) struct OptionList<T> {
    all: Vec<OptionItem<T>>,
    /// Whether the workspace has older objects that are not listed.
    pub(in crate::web::keys) more: bool,
    names: Names,
}

#[derive(Clone, Debug)]
struct OptionItem<T> {
    id: T,
    name: String,
    /// A text that distinguishes objects with the same name. May be empty.
    context: String,
}

impl<T> Default for OptionList<T> {
    fn default() -> Self {
        Self { all: Vec::new(), more: false, names: Names::default() }
    }
}

impl RestrictionOptions {
    /// Loads the projects and models of the member's workspace, for a key with the restrictions `own`.
    pub(in crate::web::keys) async fn to(
        app: &App,
        member: &Member,
        own: &Restrictions,
    ) -> Result<Self, OpError> {
        let by = &member.acting;
        let names = app.keys.names(by, own).await?;
        let projects = app.projects.list(by, None, MOST).await?;
        let models = app.models.list(by, None, None, MOST).await?;
        let called: HashMap<_, _> = projects.items.iter().map(|one| (one.id, one.name.clone())).collect();
        let may_come = |status| !matches!(status, ModelStatus::Failed | ModelStatus::Cancelled);
        let of_model = |id: ProjectId| called.get(&id).map(|name| format!("of {name}")).unwrap_or_default();
        Ok(Self {
            projects: OptionList {
                all: projects
                    .items
                    .into_iter()
                    .map(|one| OptionItem { id: one.id, name: one.name, context: String::new() })
                    .collect(),
                more: projects.next.is_some(),
                names: names.clone(),
            },
            models: OptionList {
                all: models
                    .items
                    .into_iter()
                    .filter(|one| may_come(one.status))
                    .map(|one| OptionItem { id: one.id, name: one.name, context: of_model(one.project) })
                    .collect(),
                more: models.next.is_some(),
                names,
            },
        })
    }
}

impl<T: Copy + Ord + ToString> OptionList<T> {
    /// A row for each object. Checked objects that are not listed, because they are old or deleted, come first,
    /// so that saving the form keeps them.
    pub(in crate::web::keys) fn rows(&self, ticked: &BTreeSet<T>) -> Vec<CheckboxRow> {
        let unlisted = ticked.iter().filter(|id| self.all.iter().all(|one| one.id != **id));
        let unlisted = unlisted.map(|id| {
            let id = id.to_string();
            CheckboxRow { name: self.names.of(id.clone()), id, context: String::new(), ticked: true }
        });
        let all = self.all.iter().map(|one| CheckboxRow {
            id: one.id.to_string(),
            name: one.name.clone(),
            context: one.context.clone(),
            ticked: ticked.contains(&one.id),
        });
        unlisted.chain(all).collect()
    }
}
