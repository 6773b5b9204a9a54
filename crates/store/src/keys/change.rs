//! The parameters for creating, editing, rotating, and deleting keys.

use keyrack_key::{Digest, Grant, Hint, KeyId, PublishableKey, Restrictions, Secret, Timestamp, WorkspaceId};
use keyrack_rack::Revision;

use crate::Actor;

/// A key to create.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    pub id: KeyId,
    pub workspace: WorkspaceId,
    /// The name: 1 to 100 characters.
    pub name: &'a str,
    /// The class, scopes, and permissions.
    pub grant: Grant,
    pub restrictions: &'a Restrictions,
    pub note: Option<&'a str>,
    /// The expiry, after `now`. `None` if the key never expires.
    pub expires_at: Option<Timestamp>,
    pub secret: NewSecret,
    pub actor: Actor,
    pub now: Timestamp,
    /// The client's idempotency key, so that a repeated request doesn't create a second key.
    pub idempotency_key: Option<&'a str>,
}

/// What the store keeps of a new secret. The text of a secret key is not a part of it.
#[derive(Clone, Debug)]
pub struct NewSecret {
    pub digest: Digest,
    pub hint: Hint,
    /// The whole text if the key is publishable, so that people can copy it again. `None` for a secret key.
    pub publishable: Option<PublishableKey>,
}

impl NewSecret {
    pub fn of(secret: &Secret) -> Self {
        Self { digest: secret.digest(), hint: secret.hint(), publishable: PublishableKey::of(secret) }
    }
}

/// The new values of all editable fields of a key.
#[derive(Clone, Debug)]
pub struct EditKey<'a> {
    pub workspace: WorkspaceId,
    pub id: KeyId,
    /// The revision that the editor saw.
    pub expected: Revision,
    /// The name: 1 to 100 characters.
    pub name: &'a str,
    /// The scopes and permissions. If the scopes don't change, neither do the permissions: renaming a key must not
    /// widen it because its scope has gained a permission since.
    pub grant: Grant,
    pub restrictions: &'a Restrictions,
    pub note: Option<&'a str>,
    /// The expiry. `None` if the key never expires.
    pub expires_at: Option<Timestamp>,
    pub actor: Actor,
    pub now: Timestamp,
}

/// The parameters of a rotation.
#[derive(Clone, Debug)]
pub struct RotateKey<'a> {
    pub workspace: WorkspaceId,
    pub id: KeyId,
    /// The revision that the actor saw.
    pub expected: Revision,
    pub secret: NewSecret,
    /// When the current secret stops working; `now` revokes it at once. A secret that is still retiring from an
    /// earlier rotation is revoked at `now` in any case.
    pub retires_at: Timestamp,
    /// The author of the rotation.
    pub actor: Actor,
    /// The time of the rotation.
    pub now: Timestamp,
    /// The client's idempotency key.
    pub idempotency_key: Option<&'a str>,
}

/// The parameters of a deletion.
#[derive(Clone, Debug)]
pub struct DeleteKey<'a> {
    pub workspace: WorkspaceId,
    pub id: KeyId,
    /// The reason, if given.
    pub reason: Option<&'a str>,
    /// The author of the deletion.
    pub actor: Actor,
    /// The time of the deletion.
    pub now: Timestamp,
}
