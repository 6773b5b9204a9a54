//! The projects and models of a workspace, as the forms of a key offer them.

use std::collections::{BTreeSet, HashMap};

use keyrack_key::{ModelId, ProjectId, Restrictions};
use keyrack_store::{ModelStatus, Policy};

use crate::app::App;
use crate::ops::OpError;
use crate::ops::keys::Names;
use crate::web::person::Member;
use crate::web::view::TickRow;

/// As many as a key may name.
const MOST: u32 = 100;

/// What can be ticked.
#[derive(Clone, Debug, Default)]
pub(super) struct Offered {
    pub(super) projects: Offer<ProjectId>,
    pub(super) models: Offer<ModelId>,
}

/// What a form of a key has to know of the workspace and the server.
#[derive(Clone, Debug)]
pub(super) struct House {
    pub(super) policy: Policy,
    pub(super) offered: Offered,
    /// The largest image that the server takes, in bytes.
    pub(super) most: usize,
}

impl House {
    /// What there is for a key with these restrictions.
    pub(super) async fn of(
        app: &App,
        member: &Member,
        policy: Policy,
        own: &Restrictions,
    ) -> Result<Self, OpError> {
        let offered = Offered::to(app, member, own).await?;
        Ok(Self { policy, offered, most: app.config.max_image })
    }
}

/// The newest of one kind, and what the key names beside them.
#[derive(Clone, Debug)]
pub(super) struct Offer<T> {
    all: Vec<One<T>>,
    /// Whether there are more than these.
    pub(super) more: bool,
    names: Names,
}

#[derive(Clone, Debug)]
struct One<T> {
    id: T,
    name: String,
    /// What tells it from others of its name.
    beside: String,
}

impl<T> Default for Offer<T> {
    fn default() -> Self {
        Self { all: Vec::new(), more: false, names: Names::default() }
    }
}

impl Offered {
    /// What the member's workspace has, for a key with these restrictions.
    pub(super) async fn to(app: &App, member: &Member, own: &Restrictions) -> Result<Self, OpError> {
        let by = &member.acting;
        let names = app.keys.names(by, own).await?;
        let projects = app.projects.list(by, None, MOST).await?;
        let models = app.models.list(by, None, None, MOST).await?;
        let called: HashMap<_, _> = projects.items.iter().map(|one| (one.id, one.name.clone())).collect();
        let may_come = |status| !matches!(status, ModelStatus::Failed | ModelStatus::Cancelled);
        let of_model = |id: ProjectId| called.get(&id).map(|name| format!("of {name}")).unwrap_or_default();
        Ok(Self {
            projects: Offer {
                all: projects
                    .items
                    .into_iter()
                    .map(|one| One { id: one.id, name: one.name, beside: String::new() })
                    .collect(),
                more: projects.next.is_some(),
                names: names.clone(),
            },
            models: Offer {
                all: models
                    .items
                    .into_iter()
                    .filter(|one| may_come(one.status))
                    .map(|one| One { id: one.id, name: one.name, beside: of_model(one.project) })
                    .collect(),
                more: models.next.is_some(),
                names,
            },
        })
    }
}

impl<T: Copy + Ord + ToString> Offer<T> {
    /// A box for each. What is ticked and not among them, since it is older or was deleted, comes first: nothing is lost
    /// when the form is saved.
    pub(super) fn rows(&self, ticked: &BTreeSet<T>) -> Vec<TickRow> {
        let beyond = ticked.iter().filter(|id| self.all.iter().all(|one| one.id != **id));
        let beyond = beyond.map(|id| {
            let id = id.to_string();
            TickRow { name: self.names.of(id.clone()), id, beside: String::new(), ticked: true }
        });
        let all = self.all.iter().map(|one| TickRow {
            id: one.id.to_string(),
            name: one.name.clone(),
            beside: one.beside.clone(),
            ticked: ticked.contains(&one.id),
        });
        beyond.chain(all).collect()
    }
}
