//! The grant of a key: its class, the chosen scopes, and the permissions that the scopes had on that day.

use crate::{Class, Permissions, Scopes};

/// Scopes that suit a class, with the permissions that they grant. No other type of this crate turns scopes
/// into the permissions of a key.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Class, Grant, GrantError, Scope};
///
/// let grant = Grant::new(Class::Publishable, [Scope::Inference].into_iter().collect())?;
/// assert_eq!(grant.permissions(), Scope::Inference.permissions());
/// let too_much = Grant::new(Class::Publishable, [Scope::Project].into_iter().collect());
/// assert_eq!(too_much, Err(GrantError::AboveCeiling));
/// # Ok::<(), GrantError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    class: Class,
    scopes: Scopes,
    permissions: Permissions,
}

/// The scopes cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The list of scopes is empty.
    #[error("Select at least one scope: project, inference, keys, or node.")]
    Nothing,
    /// The scopes have more permissions than the class can hold.
    #[error("A publishable key can only have the Inference scope.")]
    AboveCeiling,
}

impl Grant {
    /// Grants `scopes` to a key of `class`, with the permissions that the scopes have in this version.
    pub fn new(class: Class, scopes: Scopes) -> Result<Self, GrantError> {
        let permissions = scopes.permissions();
        if scopes.is_empty() {
            Err(GrantError::Nothing)
        } else if permissions.is_within(class.ceiling()) {
            Ok(Self { class, scopes, permissions })
        } else {
            Err(GrantError::AboveCeiling)
        }
    }

    /// Returns the class that the grant is for.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Returns the scopes that the person chose.
    pub const fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// Returns the permissions that the scopes grant.
    pub const fn permissions(&self) -> Permissions {
        self.permissions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    #[test]
    fn publishable_key_accepts_only_inference() {
        let grant = |scopes: &[Scope]| Grant::new(Class::Publishable, scopes.iter().copied().collect());
        assert!(grant(&[Scope::Inference]).is_ok());
        for more in [Scope::Project, Scope::Keys] {
            assert_eq!(grant(&[Scope::Inference, more]), Err(GrantError::AboveCeiling));
            assert_eq!(grant(&[more]), Err(GrantError::AboveCeiling));
        }
    }

    #[test]
    fn grant_without_scope_is_rejected() {
        assert_eq!(Grant::new(Class::Secret, Scopes::default()), Err(GrantError::Nothing));
    }
}
