//! The caller of an operation, and what the caller may do.

use keyrack_key::{Allowlist, ModelId, Permissions, ProjectId, Restrictions, Timestamp, UserId, WorkspaceId};
use keyrack_rack::Caller;
use keyrack_store::{Actor, AuthorizedStore, Model, Principal, Project, Role, Session, Store, Workspace};

use super::OpError;
use crate::shares::Claimant;

/// A caller in one workspace. The route has already checked the permission or the role of the caller.
#[derive(Clone, Debug)]
pub struct AuthorizedCaller {
    pub workspace: WorkspaceId,
    pub kind: CallerKind,
    /// The identity that each write verifies again.
    principal: Principal,
}

/// The three kinds of callers.
#[derive(Clone, Debug)]
pub enum CallerKind {
    /// A program with a key.
    Key(Caller),
    /// A person in a browser.
    Member { user: UserId, role: Role },
    /// The command line on the data folder.
    Operator,
}

/// The authority that a key has, or that a caller wants to give a key.
#[derive(Clone, Debug)]
pub struct GrantedAuthority {
    pub permissions: Permissions,
    pub restrictions: Restrictions,
    pub expires_at: Option<Timestamp>,
}

impl AuthorizedCaller {
    /// A program with a key, in the workspace of the key.
    pub fn key(caller: Caller) -> Self {
        let principal = Principal::Key { key: Box::new(caller.key().clone()), secret: caller.secret() };
        Self { workspace: caller.key().workspace, kind: CallerKind::Key(caller), principal }
    }

    /// A signed-in member of a workspace. `needs` is the least role for the request.
    pub fn member(workspace: &Workspace, session: &Session, role: Role, needs: Role) -> Self {
        let (session, user) = (session.id, session.user);
        let principal = Principal::Session { session, user, role: Some((workspace.id, needs)) };
        Self { workspace: workspace.id, kind: CallerKind::Member { user, role }, principal }
    }

    /// A member whose work continues after the request, without a session. The role must stay at least `needs`.
    pub fn member_without_session(workspace: WorkspaceId, user: UserId, role: Role, needs: Role) -> Self {
        let principal = Principal::Member { user, workspace, role: needs };
        Self { workspace, kind: CallerKind::Member { user, role }, principal }
    }

    /// The command line on the data folder.
    pub const fn operator(workspace: WorkspaceId) -> Self {
        Self { workspace, kind: CallerKind::Operator, principal: Principal::Operator }
    }

    /// Returns the store for writes of this caller at `now`. Each write verifies again that the caller may still act,
    /// because time may have passed since the request was allowed.
    pub fn writes(&self, store: &Store, now: Timestamp) -> AuthorizedStore {
        store.acting_as(self.principal.clone(), now)
    }

    /// Verifies that the caller may still act at `now`. For delayed work and responses that write nothing.
    pub async fn verify(&self, store: &Store, now: Timestamp) -> Result<(), OpError> {
        Ok(self.writes(store, now).verify().await?)
    }

    /// The caller as the audit log names it.
    pub fn actor(&self) -> Actor {
        match &self.kind {
            CallerKind::Key(caller) => Actor::Key(caller.key().key),
            CallerKind::Member { user, .. } => Actor::User(*user),
            CallerKind::Operator => Actor::Operator,
        }
    }

    /// The claimant whose share of the server's limits the work uses.
    pub fn claimant(&self) -> Claimant {
        Claimant::new(self.workspace, self.actor())
    }

    /// The largest image in bytes that the caller's key may send. `None` if only the server's limit applies.
    pub fn max_image_bytes(&self) -> Option<usize> {
        match &self.kind {
            CallerKind::Key(caller) => {
                let most = caller.key().max_image_bytes();
                most.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX))
            }
            CallerKind::Member { .. } | CallerKind::Operator => None,
        }
    }

    /// Verifies that a key gives no more authority than it has. People and the operator have no such limit.
    pub fn check_grant(&self, target: &GrantedAuthority) -> Result<(), OpError> {
        let CallerKind::Key(caller) = &self.kind else {
            return Ok(());
        };
        let own = caller.key();
        let beyond = |what: &str| Err(OpError::ExceedsOwnPermissions(what.to_owned()));
        if !target.permissions.is_within(own.permissions) {
            return beyond("The scopes exceed the scopes of this key.");
        }
        if own.restrictions.as_ref().is_some_and(|own| !target.restrictions.is_within(own)) {
            return beyond("The restrictions are wider than the restrictions of this key.");
        }
        match (own.expires_at, target.expires_at) {
            (Some(own), Some(target)) if target > own => beyond("It would expire later than this key."),
            (Some(_), None) => beyond("It needs an expiresAt, because this key expires."),
            _ => Ok(()),
        }
    }

    /// Wraps a project of the workspace that the caller may open. A [`Covered`] project cannot be created in any other way.
    pub fn cover(&self, project: Project) -> Result<Covered<Project>, OpError> {
        if self.can_open(project.id) { Ok(Covered(project)) } else { Err(self.outside_error()) }
    }

    /// Wraps a model that the caller may open. A key with a restriction of models must also cover the model itself.
    pub fn cover_model(&self, model: Model) -> Result<Covered<Model>, OpError> {
        if !self.can_open(model.project) {
            return Err(self.outside_error());
        }
        match &self.kind {
            CallerKind::Key(caller) if !caller.key().covers_model(model.project, model.id) => {
                Err(self.outside_models_error())
            }
            _ => Ok(Covered(model)),
        }
    }

    /// The projects that the caller may open.
    pub fn covered_projects(&self) -> Allowlist<ProjectId> {
        match &self.kind {
            CallerKind::Key(caller) => {
                caller.key().restrictions.as_ref().map_or(Allowlist::Any, |own| own.projects.clone())
            }
            CallerKind::Member { .. } | CallerKind::Operator => Allowlist::Any,
        }
    }

    /// The models that the caller may open, within the projects that the caller may open.
    pub fn covered_models(&self) -> Allowlist<ModelId> {
        match &self.kind {
            CallerKind::Key(caller) => {
                caller.key().restrictions.as_ref().map_or(Allowlist::Any, |own| own.models.clone())
            }
            CallerKind::Member { .. } | CallerKind::Operator => Allowlist::Any,
        }
    }

    /// Fails if the caller's key is restricted to named models. Such a key could not open a model that it creates, and
    /// would affect other models when it deletes a project.
    pub fn check_all_models(&self) -> Result<(), OpError> {
        if self.covered_models().is_any() { Ok(()) } else { Err(self.outside_models_error()) }
    }

    /// The error for a key that does not cover the requested object. People and the operator get a not-found error instead.
    pub fn outside_error(&self) -> OpError {
        match &self.kind {
            CallerKind::Key(caller) => {
                OpError::OutsideKey { key: caller.key().key, workspace: self.workspace }
            }
            CallerKind::Member { .. } | CallerKind::Operator => OpError::NotFound("resource"),
        }
    }

    fn outside_models_error(&self) -> OpError {
        match &self.kind {
            CallerKind::Key(caller) => {
                OpError::OutsideModels { key: caller.key().key, workspace: self.workspace }
            }
            CallerKind::Member { .. } | CallerKind::Operator => OpError::NotFound("model"),
        }
    }

    fn can_open(&self, project: ProjectId) -> bool {
        match &self.kind {
            CallerKind::Key(caller) => caller.key().covers(project),
            CallerKind::Member { .. } | CallerKind::Operator => true,
        }
    }
}

/// An object of the workspace that the caller's key covers.
#[derive(Clone, Debug)]
pub struct Covered<T>(T);

impl<T> Covered<T> {
    /// Returns the wrapped object.
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
