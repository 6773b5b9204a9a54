//! Authorizes writes in the transaction of the write.
//!
//! A request is authorized when its head arrives and writes when its body has arrived, which the client can delay. So
//! [`AuthorizedStore`] reads the principal's rows again in the transaction of each write. Writes are serial, so a
//! write commits either before the principal loses its authority or not at all.

use std::ops::Deref;

use keyrack_key::{Digest, Restrictions, SessionId, Timestamp, UserId, WorkspaceId};
use keyrack_rack::{Key, Revision};

use crate::database::{self, Executor, Query, Write, query};
use crate::tenant::{self, Tenant};
use crate::{Role, Store, StoreError, record};

/// The author of a write, and what authorized the request when it arrived.
#[derive(Clone, Debug)]
pub enum Principal {
    /// An API key.
    Key {
        /// The key as the rack knew it during the check.
        key: Box<Key>,
        /// The SHA-256 of the secret in the request. A key can have two secrets, and one may be revoked.
        secret: Digest,
    },
    /// A person who is signed in.
    Session {
        /// The browser session.
        session: SessionId,
        user: UserId,
        /// The workspace in which the person acts and the least role for that. `None` outside of workspaces.
        role: Option<(WorkspaceId, Role)>,
    },
    /// A member's work that continues after the request, such as an import. It ends with the
    /// membership, not with the session.
    Member {
        user: UserId,
        workspace: WorkspaceId,
        /// The least role that is needed.
        role: Role,
    },
    /// The command line on the data folder's machine, and the server's own work. Always allowed.
    Operator,
}

impl Principal {
    /// Verifies that the principal has lost no authority since the check.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::ActorChanged`] if the key was deleted, paused, or narrowed, has expired, or if its
    /// secret was revoked. Returns [`StoreError::SignedOut`] if the session has ended, and
    /// [`StoreError::RoleLost`] if the role is gone.
    async fn verify<'a>(&self, db: impl Executor<'a>, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Operator => Ok(()),
            Self::Key { key, secret } => verify_key(db, key, *secret, now).await,
            Self::Session { session, user, role } => {
                let workspace = role.map(|(workspace, _)| workspace.to_string());
                let row = query(
                    "SELECT s.expires_at, m.role FROM sessions s
                     LEFT JOIN members m ON m.user_id = s.user_id AND m.workspace_id = $3
                     WHERE s.id = $1 AND s.user_id = $2",
                )
                .bind(session.to_string())
                .bind(user.to_string())
                .bind(workspace)
                .fetch_optional(db)
                .await?
                .ok_or(StoreError::SignedOut)?;
                if database::time(&row, "expires_at")? <= now {
                    return Err(StoreError::SignedOut);
                }
                match role {
                    Some((_, needed)) => enough(database::parsed_optional(&row, "role")?, *needed),
                    None => Ok(()),
                }
            }
            Self::Member { user, workspace, role } => {
                let row = query("SELECT role FROM members WHERE user_id = $1 AND workspace_id = $2")
                    .bind(user.to_string())
                    .bind(workspace.to_string())
                    .fetch_optional(db)
                    .await?;
                let has = row.as_ref().map(|row| database::parsed(row, "role")).transpose()?;
                enough(has, *role)
            }
        }
    }
}

fn enough(has: Option<Role>, needed: Role) -> Result<(), StoreError> {
    if has.is_some_and(|has| has >= needed) { Ok(()) } else { Err(StoreError::RoleLost) }
}

/// A key that was edited since the check may still write if it lost nothing. A new name or a wider restriction is no
/// reason to deny a request in progress.
async fn verify_key<'a>(
    db: impl Executor<'a>,
    checked: &Key,
    secret: Digest,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = query(
        "SELECT k.permissions, k.restrictions, k.expires_at, k.deleted_at, k.paused_at, k.paused_until, k.revision,
                s.retires_at
         FROM key_secrets s JOIN keys k ON k.id = s.key_id WHERE s.digest = $1 AND k.id = $2",
    )
    .bind(secret.as_bytes().to_vec())
    .bind(checked.key.to_string())
    .fetch_optional(db)
    .await?
    .ok_or(StoreError::ActorChanged)?;
    let ends = [database::time_optional(&row, "expires_at")?, database::time_optional(&row, "retires_at")?];
    let has_ended = ends.into_iter().flatten().any(|end| end <= now);
    let terms = record::terms(&row)?;
    if has_ended || terms.deleted_at.is_some() || terms.pause.is_some_and(|pause| pause.is_active(now)) {
        return Err(StoreError::ActorChanged);
    }
    if Revision(database::number(&row, "revision")?) == checked.revision {
        return Ok(());
    }
    let had = checked.restrictions.as_ref().map_or(&Restrictions::NONE, |own| own);
    let lost_nothing = checked.permissions.is_within(terms.permissions)
        && terms.restrictions.is_some_and(|has| had.is_within(&has))
        && match (checked.expires_at, terms.expires_at) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(had), Some(has)) => had <= has,
        };
    if lost_nothing { Ok(()) } else { Err(StoreError::ActorChanged) }
}

/// A store for the writes that people and keys request. Dereferences to [`Store`] for reads.
#[derive(Clone, Debug)]
pub struct AuthorizedStore {
    store: Store,
    principal: Principal,
    now: Timestamp,
}

impl Store {
    /// Returns the store for writes of `principal` at `now`. Each write verifies the principal again.
    pub fn acting_as(&self, principal: Principal, now: Timestamp) -> AuthorizedStore {
        AuthorizedStore { store: self.clone(), principal, now }
    }

    /// Returns the store for writes of the operator, of the server itself, and of tests.
    pub fn as_operator(&self) -> AuthorizedStore {
        self.acting_as(Principal::Operator, Timestamp::from_micros(0))
    }
}

impl AuthorizedStore {
    /// Verifies the principal without writing, for a response after a long wait. Returns the same errors as a write.
    pub async fn verify(&self) -> Result<(), StoreError> {
        self.principal.verify(self.store.readers(), self.now).await
    }

    /// The principal.
    pub(crate) const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The workspace in which the principal writes, even if the write runs in a spawned task.
    fn tenant(&self) -> Tenant {
        match &self.principal {
            Principal::Key { key, .. } => Some(key.workspace),
            Principal::Member { workspace, .. } | Principal::Session { role: Some((workspace, _)), .. } => {
                Some(*workspace)
            }
            Principal::Session { role: None, .. } | Principal::Operator => tenant::tenant(),
        }
    }

    /// Starts a transaction and verifies the principal in it.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let mut db = self.store.write_for(self.tenant()).await?;
        self.principal.verify(&mut *db, self.now).await?;
        Ok(db)
    }

    /// Like [`write`](Self::write), for changes that add data. Returns [`StoreError::DiskFull`] if only
    /// reserved disk space is left.
    pub(crate) async fn write_new_data(&self) -> Result<Write, StoreError> {
        let mut db = self.store.write_new_data_for(self.tenant()).await?;
        self.principal.verify(&mut *db, self.now).await?;
        Ok(db)
    }

    /// Returns [`StoreError::DiskFull`] if only reserved disk space is left.
    pub(crate) fn require_space(&self) -> Result<(), StoreError> {
        self.store.require_space()
    }

    /// Runs a statement in its own transaction. Returns the number of changed rows.
    pub(crate) async fn change(&self, query: Query) -> Result<u64, StoreError> {
        let mut db = self.write().await?;
        let changed = query.execute(&mut *db).await?.rows_affected();
        db.commit().await?;
        Ok(changed)
    }
}

impl Deref for AuthorizedStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
