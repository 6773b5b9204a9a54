//! People and the first setup.

use std::fmt;

use keyrack_key::{Timestamp, UserId};

use crate::database::{self, Connection, Row, query};
use crate::workspaces::insert_workspace;
use crate::{Actor, NewWorkspace, Store, StoreError};

/// A person to create.
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    pub id: UserId,
    /// The e-mail address. Case is ignored.
    pub email: &'a str,
    pub name: &'a str,
    /// The password as an argon2id PHC string.
    pub password_hash: &'a str,
}

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// The e-mail address in lower case.
    pub email: String,
    pub name: String,
    /// The password as an argon2id PHC string.
    pub password_hash: String,
    pub created_at: Timestamp,
}

impl Store {
    /// Returns whether the deployment has its first owner.
    pub async fn is_set_up(&self) -> Result<bool, StoreError> {
        let row =
            query("SELECT set_up_at FROM deployment WHERE id = 1").fetch_optional(self.readers()).await?;
        Ok(row.is_some())
    }

    /// Creates the first person and the first workspace, which the person owns. Returns
    /// [`StoreError::AlreadySetUp`] the second time.
    pub async fn set_up(
        &self,
        user: &NewUser<'_>,
        workspace: &NewWorkspace<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let first =
            query("INSERT INTO deployment (id, set_up_at) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
                .bind(now.micros())
                .execute(&mut *db)
                .await?;
        if first.rows_affected() == 0 {
            return Err(StoreError::AlreadySetUp);
        }
        insert_user(&mut db, user, now).await?;
        insert_workspace(&mut db, workspace, user.id, Actor::User(user.id), now).await?;
        db.commit().await
    }

    /// Creates a person without any membership.
    pub async fn add_user(&self, user: &NewUser<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut db = self.write_new_data().await?;
        insert_user(&mut db, user, now).await?;
        db.commit().await
    }

    /// Returns the person with this e-mail address.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let row = query("SELECT * FROM users WHERE email = $1")
            .bind(email.to_lowercase())
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| user(&row)).transpose()
    }

    /// Returns the person with this ID.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = query("SELECT * FROM users WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| user(&row)).transpose()
    }
}

async fn insert_user(db: &mut Connection, user: &NewUser<'_>, now: Timestamp) -> Result<(), StoreError> {
    let done = query(
        "INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(user.id.to_string())
    .bind(user.email.to_lowercase())
    .bind(user.name)
    .bind(user.password_hash)
    .bind(now.micros())
    .execute(db)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::EmailTaken);
    }
    Ok(())
}

pub(crate) fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: database::parsed(row, "id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        password_hash: row.try_get("password_hash")?,
        created_at: database::time(row, "created_at")?,
    })
}

/// Omits the password hash, which doesn't belong in a log.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("email", &self.email).finish_non_exhaustive()
    }
}
