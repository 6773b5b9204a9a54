//! What a key was given: a class, the scopes that were picked, and the permissions they meant on that day.

use crate::{Class, Permissions, Scopes};

/// Scopes that fit a class, with what they grant. The only way to a set of permissions for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    class: Class,
    scopes: Scopes,
    permissions: Permissions,
}

/// Why scopes cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No scope was picked.
    #[error("pick at least one scope: project, inference, keys or node")]
    Nothing,
    /// The class can never hold that much.
    #[error("a publishable key can hold inference and nothing else")]
    AboveCeiling,
}

impl Grant {
    /// Grants `scopes` to a key of `class`, as they stand today.
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

    /// The class it was made for.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The scopes that were picked.
    pub const fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// What they grant.
    pub const fn permissions(&self) -> Permissions {
        self.permissions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    #[test]
    fn a_publishable_key_holds_inference_and_nothing_else() {
        let grant = |scopes: &[Scope]| Grant::new(Class::Publishable, scopes.iter().copied().collect());
        assert!(grant(&[Scope::Inference]).is_ok());
        for more in [Scope::Project, Scope::Keys] {
            assert_eq!(grant(&[Scope::Inference, more]), Err(GrantError::AboveCeiling));
            assert_eq!(grant(&[more]), Err(GrantError::AboveCeiling));
        }
    }

    #[test]
    fn a_key_of_no_scope_is_refused() {
        assert_eq!(Grant::new(Class::Secret, Scopes::default()), Err(GrantError::Nothing));
    }
}
