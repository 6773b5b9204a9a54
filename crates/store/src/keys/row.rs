//! A key as the pages and the API show it.

use keyrack_key::{Class, Hint, KeyId, KeyState, PublishableKey, Scopes, Timestamp, WorkspaceId};
use keyrack_rack::{LastUse, Revision};

use super::NewKey;
use crate::database::{self, Row};
use crate::{NamedActor, StoreError, record};

/// A key with the hints of its secrets, the authors of its changes, and its last use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub id: KeyId,
    pub workspace: WorkspaceId,
    pub name: String,
    pub class: Class,
    /// The scopes that a person picked.
    pub scopes: Scopes,
    /// The permissions, restrictions, expiry, pause, and deletion.
    pub terms: KeyState,
    pub note: Option<String>,
    pub created_by: NamedActor,
    pub created_at: Timestamp,
    /// The last pause, if any. The pause may be over.
    pub paused: Option<KeyPause>,
    /// The deletion, if the key is deleted.
    pub deletion: Option<KeyDeletion>,
    /// The revision of the last change.
    pub revision: Revision,
    /// The current secret, followed by the old ones, the last to retire first.
    pub secrets: Vec<SecretRow>,
    /// The last stored use.
    pub last_use: Option<LastUse>,
}

/// A secret of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// The last four characters.
    pub hint: Hint,
    /// The whole text if the key is publishable. `None` for a secret key, and for a publishable key that was created
    /// before the store kept the text.
    pub publishable: Option<PublishableKey>,
    pub created_at: Timestamp,
    /// When the secret stops or stopped working. `None` for the current secret.
    pub retires_at: Option<Timestamp>,
}

/// A pause of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPause {
    /// The start of the pause.
    pub at: Timestamp,
    /// The author of the pause.
    pub by: NamedActor,
    /// The end of the pause. `None` if the pause lasts until the key is resumed.
    pub until: Option<Timestamp>,
}

impl KeyRow {
    /// Builds the row of a new key without reading it.
    pub(super) fn created(new: &NewKey<'_>, maker: Option<String>, revision: Revision) -> Self {
        Self {
            id: new.id,
            workspace: new.workspace,
            name: new.name.to_owned(),
            class: new.grant.class(),
            scopes: new.grant.scopes(),
            terms: KeyState {
                permissions: new.grant.permissions(),
                restrictions: Some(new.restrictions.clone()),
                expires_at: new.expires_at,
                pause: None,
                deleted_at: None,
            },
            note: new.note.map(str::to_owned),
            created_by: NamedActor { actor: new.actor, name: maker },
            created_at: new.now,
            paused: None,
            deletion: None,
            revision,
            secrets: vec![SecretRow {
                hint: new.secret.hint,
                publishable: new.secret.publishable.clone(),
                created_at: new.now,
                retires_at: None,
            }],
            last_use: None,
        }
    }

    /// Returns the pause of the key, unless the pause is over at `now` or the key is deleted.
    pub fn paused_at(&self, now: Timestamp) -> Option<&KeyPause> {
        let holds = self.deletion.is_none() && self.terms.pause.is_some_and(|pause| pause.is_active(now));
        self.paused.as_ref().filter(|_| holds)
    }

    /// Whether the expiry of the key has passed at `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.terms.expires_at.is_some_and(|at| at <= now)
    }

    /// Returns the old secret that still works at `now`, and when it stops working.
    pub fn retiring_at(&self, now: Timestamp) -> Option<(&SecretRow, Timestamp)> {
        if self.deletion.is_some() {
            return None;
        }
        self.secrets.iter().find_map(|secret| Some((secret, secret.retires_at.filter(|at| *at > now)?)))
    }
}

/// The deletion of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDeletion {
    /// The time of the deletion.
    pub at: Timestamp,
    /// The author of the deletion.
    pub by: NamedActor,
    /// The reason, if given.
    pub reason: Option<String>,
}

/// Wraps a query for rows of `keys` in a query for all parts of a [`KeyRow`]. The result has a row for each secret,
/// the current one first. The newest keys are first, unless the caller names another order of the chosen rows `k`.
macro_rules! key_rows {
    ($chosen:expr) => {
        key_rows!($chosen, "k.id DESC")
    };
    ($chosen:expr, $order:expr) => {
        // `user:` has five characters. The remainder of other actors isn't an ID.
        concat!(
            "SELECT k.id, k.workspace_id, k.name, k.class, k.scopes, k.permissions, k.restrictions, k.note,
                    k.created_by, k.created_at, k.expires_at, k.paused_at, k.paused_by, k.paused_until, k.deleted_at, k.deleted_by, k.deleted_reason, k.revision,
                    c.name AS created_by_name, d.name AS deleted_by_name, p.name AS paused_by_name,
                    u.at AS used_at, u.address AS used_address, u.agent AS used_agent, u.permission AS used_permission,
                    s.hint, s.publishable, s.created_at AS secret_created_at, s.retires_at
             FROM (", $chosen, ") k
             LEFT JOIN users c ON c.id = substr(k.created_by, 6)
             LEFT JOIN users d ON d.id = substr(k.deleted_by, 6)
             LEFT JOIN users p ON p.id = substr(k.paused_by, 6)
             LEFT JOIN key_uses u ON u.key_id = k.id
             LEFT JOIN key_secrets s ON s.key_id = k.id
             ORDER BY ", $order, ", CASE WHEN s.retires_at IS NULL THEN 0 ELSE 1 END, s.retires_at DESC"
        )
    };
}
pub(super) use key_rows;

/// Collects the rows of [`key_rows!`] into keys.
pub(super) fn fold(rows: &[Row]) -> Result<Vec<KeyRow>, StoreError> {
    let mut keys: Vec<KeyRow> = Vec::new();
    for row in rows {
        let id = database::parsed(row, "id")?;
        let secret = secret(row)?;
        match keys.last_mut() {
            Some(last) if last.id == id => last.secrets.extend(secret),
            _ => keys.push(key(row, id, secret)?),
        }
    }
    Ok(keys)
}

fn key(row: &Row, id: KeyId, secret: Option<SecretRow>) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        id,
        workspace: database::parsed(row, "workspace_id")?,
        name: row.try_get("name")?,
        class: database::parsed(row, "class")?,
        scopes: record::scopes(row.try_get("scopes")?),
        terms: record::terms(row)?,
        note: row.try_get("note")?,
        created_by: NamedActor {
            actor: database::parsed(row, "created_by")?,
            name: row.try_get("created_by_name")?,
        },
        created_at: database::time(row, "created_at")?,
        paused: paused(row)?,
        deletion: deletion(row)?,
        revision: Revision(database::number(row, "revision")?),
        secrets: secret.into_iter().collect(),
        last_use: last_use(row)?,
    })
}

fn paused(row: &Row) -> Result<Option<KeyPause>, StoreError> {
    let Some(at) = database::time_optional(row, "paused_at")? else {
        return Ok(None);
    };
    Ok(Some(KeyPause {
        at,
        by: NamedActor { actor: database::parsed(row, "paused_by")?, name: row.try_get("paused_by_name")? },
        until: database::time_optional(row, "paused_until")?,
    }))
}

fn deletion(row: &Row) -> Result<Option<KeyDeletion>, StoreError> {
    let Some(at) = database::time_optional(row, "deleted_at")? else {
        return Ok(None);
    };
    Ok(Some(KeyDeletion {
        at,
        by: NamedActor { actor: database::parsed(row, "deleted_by")?, name: row.try_get("deleted_by_name")? },
        reason: row.try_get("deleted_reason")?,
    }))
}

fn secret(row: &Row) -> Result<Option<SecretRow>, StoreError> {
    let Some(hint) = row.try_get::<Option<&str>>("hint")? else {
        return Ok(None);
    };
    Ok(Some(SecretRow {
        hint: Hint::parse(hint).ok_or(StoreError::Corrupt { what: "hint" })?,
        publishable: publishable(row)?,
        created_at: database::time(row, "secret_created_at")?,
        retires_at: database::time_optional(row, "retires_at")?,
    }))
}

fn publishable(row: &Row) -> Result<Option<PublishableKey>, StoreError> {
    let text: Option<&str> = row.try_get("publishable")?;
    text.map(|text| PublishableKey::parse(text).ok_or(StoreError::Corrupt { what: "publishable key" }))
        .transpose()
}

/// Omits an address or permission that this version can't parse. No decision depends on them.
fn last_use(row: &Row) -> Result<Option<LastUse>, StoreError> {
    let Some(at) = database::time_optional(row, "used_at")? else {
        return Ok(None);
    };
    let address: Option<&str> = row.try_get("used_address")?;
    let permission: Option<&str> = row.try_get("used_permission")?;
    Ok(Some(LastUse::new(
        at,
        address.and_then(|text| text.parse().ok()),
        permission.and_then(|text| text.parse().ok()),
        row.try_get::<&str>("used_agent")?.as_bytes(),
    )))
}
