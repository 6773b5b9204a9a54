//! Who wants something done, and whether they may.

use keyrack_key::{ModelId, Only, Permissions, ProjectId, Restrictions, Timestamp, UserId, WorkspaceId};
use keyrack_rack::Caller;
use keyrack_store::{Actor, AuthorizedStore, Model, Principal, Project, Role, Session, Store, Workspace};

use super::OpError;
use crate::shares::Claimant;

/// Somebody who acts in one workspace. Whoever holds one has already been let into the room:
/// the route's permission or role was checked when it was made.
#[derive(Clone, Debug)]
pub struct Acting {
    pub workspace: WorkspaceId,
    pub who: Who,
    /// What each write verifies again.
    principal: Principal,
}

/// The three kinds of those who act.
#[derive(Clone, Debug)]
pub enum Who {
    /// A program with a key.
    Key(Caller),
    /// A person in a browser.
    Member { user: UserId, role: Role },
    /// The command line on the data folder.
    Operator,
}

/// What a key opens, or is to open.
#[derive(Clone, Debug)]
pub struct Reach {
    pub permissions: Permissions,
    pub restrictions: Restrictions,
    pub expires_at: Option<Timestamp>,
}

impl Acting {
    /// A program with a key, in the key's workspace.
    pub fn key(caller: Caller) -> Self {
        let principal = Principal::Key { key: Box::new(caller.key().clone()), secret: caller.secret() };
        Self { workspace: caller.key().workspace, who: Who::Key(caller), principal }
    }

    /// A person who is signed in, in a workspace that they are a member of. `needs` is the least role for the request.
    pub fn member(workspace: &Workspace, session: &Session, role: Role, needs: Role) -> Self {
        let (session, user) = (session.id, session.user);
        let principal = Principal::Session { session, user, role: Some((workspace.id, needs)) };
        Self { workspace: workspace.id, who: Who::Member { user, role }, principal }
    }

    /// A member whose work goes on after the request: without a session, and only while the role is at least `needs`.
    pub fn member_at_work(workspace: WorkspaceId, user: UserId, role: Role, needs: Role) -> Self {
        let principal = Principal::Member { user, workspace, role: needs };
        Self { workspace, who: Who::Member { user, role }, principal }
    }

    /// The command line on the data folder.
    pub const fn operator(workspace: WorkspaceId) -> Self {
        Self { workspace, who: Who::Operator, principal: Principal::Operator }
    }

    /// The store for writes of this caller at `now`. Each write verifies again that the caller may still act, since the
    /// request may have been held back after it was let in.
    pub fn writes(&self, store: &Store, now: Timestamp) -> AuthorizedStore {
        store.acting_as(self.principal.clone(), now)
    }

    /// Verifies that the caller may still act at `now`: for work and responses after a wait that write nothing.
    pub async fn verify(&self, store: &Store, now: Timestamp) -> Result<(), OpError> {
        Ok(self.writes(store, now).verify().await?)
    }

    /// As the history names them.
    pub fn actor(&self) -> Actor {
        match &self.who {
            Who::Key(caller) => Actor::Key(caller.key().key),
            Who::Member { user, .. } => Actor::User(*user),
            Who::Operator => Actor::Operator,
        }
    }

    /// Whose share of the server's bounds the work counts against.
    pub fn claimant(&self) -> Claimant {
        Claimant::new(self.workspace, self.actor())
    }

    /// The largest image in bytes that the caller's key may send; `None` where its limit is the server's.
    pub fn max_image_bytes(&self) -> Option<usize> {
        match &self.who {
            Who::Key(caller) => {
                let most = caller.key().max_image_bytes();
                most.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX))
            }
            Who::Member { .. } | Who::Operator => None,
        }
    }

    /// A key hands out no more than it holds; people and the operator may hand out what there is.
    pub fn may_give(&self, target: &Reach) -> Result<(), OpError> {
        let Who::Key(caller) = &self.who else {
            return Ok(());
        };
        let own = caller.key();
        let beyond = |what: &str| Err(OpError::Beyond(what.to_owned()));
        if !target.permissions.is_within(own.permissions) {
            return beyond("the scopes hold more than this key's own");
        }
        if own.restrictions.as_ref().is_some_and(|own| !target.restrictions.is_within(own)) {
            return beyond("the restrictions are wider than this key's own");
        }
        match (own.expires_at, target.expires_at) {
            (Some(own), Some(target)) if target > own => beyond("it would outlive this key"),
            (Some(_), None) => beyond("it would outlive this key, so it needs an expiresAt"),
            _ => Ok(()),
        }
    }

    /// Turns a project of the workspace into one that may be worked on. There is no other way to a [`Covered`].
    pub fn covers(&self, project: Project) -> Result<Covered<Project>, OpError> {
        if self.opens(project.id) { Ok(Covered(project)) } else { Err(self.outside()) }
    }

    /// The same for a model: whoever may open its project may open it, unless their key names other models.
    pub fn covers_model(&self, model: Model) -> Result<Covered<Model>, OpError> {
        if !self.opens(model.project) {
            return Err(self.outside());
        }
        match &self.who {
            Who::Key(caller) if !caller.key().covers_model(model.project, model.id) => {
                Err(self.outside_models())
            }
            _ => Ok(Covered(model)),
        }
    }

    /// The projects that the caller may open.
    pub fn covered_projects(&self) -> Only<ProjectId> {
        match &self.who {
            Who::Key(caller) => {
                caller.key().restrictions.as_ref().map_or(Only::Any, |own| own.projects.clone())
            }
            Who::Member { .. } | Who::Operator => Only::Any,
        }
    }

    /// The models that the caller may open, of the projects that it may open.
    pub fn covered_models(&self) -> Only<ModelId> {
        match &self.who {
            Who::Key(caller) => {
                caller.key().restrictions.as_ref().map_or(Only::Any, |own| own.models.clone())
            }
            Who::Member { .. } | Who::Operator => Only::Any,
        }
    }

    /// Nothing where the caller's key is restricted to named models: it could not open what it would make, and would take
    /// others along with what it ends.
    pub fn covers_all_models(&self) -> Result<(), OpError> {
        if self.covered_models().is_any() { Ok(()) } else { Err(self.outside_models()) }
    }

    /// That a key asked for what it does not cover. People and the operator are never told so.
    pub fn outside(&self) -> OpError {
        match &self.who {
            Who::Key(caller) => OpError::OutsideKey { key: caller.key().key, workspace: self.workspace },
            Who::Member { .. } | Who::Operator => OpError::NotFound("thing"),
        }
    }

    fn outside_models(&self) -> OpError {
        match &self.who {
            Who::Key(caller) => OpError::OutsideModels { key: caller.key().key, workspace: self.workspace },
            Who::Member { .. } | Who::Operator => OpError::NotFound("model"),
        }
    }

    fn opens(&self, project: ProjectId) -> bool {
        match &self.who {
            Who::Key(caller) => caller.key().covers(project),
            Who::Member { .. } | Who::Operator => true,
        }
    }
}

/// Something of the workspace that the caller's key covers.
#[derive(Clone, Debug)]
pub struct Covered<T>(T);

impl<T> Covered<T> {
    /// The thing itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Covered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
