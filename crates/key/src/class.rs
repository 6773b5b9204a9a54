//! The class of a key: secret or publishable.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Permission, Permissions};

/// The class of a key. It never changes, and each of the key's secrets shows it.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Class, Permission};
///
/// assert!(Class::Publishable.ceiling().contains(Permission::ModelsPredict));
/// assert!(!Class::Publishable.ceiling().contains(Permission::ModelsTrain));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// `sk`: for programs on servers. Only they may know the secret.
    Secret,
    /// `pk`: for public pages and apps, where anyone can read the secret.
    Publishable,
}

/// The most that a publishable key can hold. A constant of its own rather than the permissions of
/// [`Scope::Inference`](crate::Scope): a permission that a later version adds to that scope must not reach
/// keys that are already public.
const PUBLISHABLE_CEILING: Permissions = Permissions::of(&[Permission::ModelsPredict]);

impl Class {
    /// Both classes, in the order of their declaration.
    pub const ALL: [Self; 2] = [Self::Secret, Self::Publishable];

    /// Returns the largest set of permissions that a key of this class can hold.
    pub const fn ceiling(self) -> Permissions {
        match self {
            Self::Secret => Permissions::of(&Permission::ALL),
            Self::Publishable => PUBLISHABLE_CEILING,
        }
    }

    /// Returns the two letters inside a secret: `sk` or `pk`.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Secret => "sk",
            Self::Publishable => "pk",
        }
    }

    /// Returns the name in the API and in the store: `secret` or `publishable`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or("Use secret or publishable.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new permission must be listed here before this test compiles, so that its author decides whether
    /// publishable keys may have it.
    #[test]
    fn every_permission_is_classified_for_publishable_keys() {
        for permission in Permission::ALL {
            let public = match permission {
                Permission::ModelsPredict => true,
                Permission::ProjectsManage
                | Permission::DatasetsUpload
                | Permission::ModelsTrain
                | Permission::KeysManage
                | Permission::KeysFollow => false,
            };
            assert_eq!(Class::Publishable.ceiling().contains(permission), public, "{permission}");
        }
    }
}
