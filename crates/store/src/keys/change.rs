//! What is said to change a key: made, edited, rotated, deleted.

use keyrack_key::{Digest, Grant, Hint, KeyId, Restrictions, Timestamp, WorkspaceId};
use keyrack_rack::Revision;

use crate::Actor;

/// A key that is about to be made.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    /// Its id.
    pub id: KeyId,
    /// Whose key it will be.
    pub workspace: WorkspaceId,
    /// What people call it: 1 to 100 characters.
    pub name: &'a str,
    /// Its class and what it may do.
    pub grant: Grant,
    /// What narrows it.
    pub restrictions: &'a Restrictions,
    /// What people wrote beside it.
    pub note: Option<&'a str>,
    /// When it ends by itself; after `now`.
    pub expires_at: Option<Timestamp>,
    /// What is kept of its secret.
    pub secret: (Digest, Hint),
    /// Who makes it.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// The client's name for this request, so that a repetition makes no second key.
    pub once: Option<&'a str>,
}

/// All that can be edited, as it shall be.
#[derive(Clone, Debug)]
pub struct EditKey<'a> {
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// Which.
    pub id: KeyId,
    /// The revision that the editor saw.
    pub expected: Revision,
    /// The name: 1 to 100 characters.
    pub name: &'a str,
    /// What it may do. With the same scopes as before, the permissions stay as they were granted:
    /// a rename does not widen a key whose scope has grown since.
    pub grant: Grant,
    /// What narrows it.
    pub restrictions: &'a Restrictions,
    /// The note.
    pub note: Option<&'a str>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Who edits.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// A new secret for a key.
#[derive(Clone, Debug)]
pub struct RotateKey<'a> {
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// Which.
    pub id: KeyId,
    /// The revision that the actor saw.
    pub expected: Revision,
    /// What is kept of the new secret.
    pub secret: (Digest, Hint),
    /// When the secret that is current now ends; `now` ends it at once. A secret that
    /// still retires from an earlier rotation ends at `now` in any case.
    pub retires_at: Timestamp,
    /// Who rotates.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// The client's name for this request.
    pub once: Option<&'a str>,
}

/// The end of a key.
#[derive(Clone, Debug)]
pub struct DeleteKey<'a> {
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// Which.
    pub id: KeyId,
    /// Why, if they said.
    pub reason: Option<&'a str>,
    /// Who deletes.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}
