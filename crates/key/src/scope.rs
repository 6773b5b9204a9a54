//! Scopes: named sets of permissions, from which a person chooses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Permission, Permissions};

/// A named set of permissions that a person chooses for a key.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Permission, Scope};
///
/// assert!(Scope::Project.permissions().contains(Permission::ModelsTrain));
/// assert_eq!("inference".parse(), Ok(Scope::Inference));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Manage projects, upload datasets, train models, and make predictions.
    Project = 0,
    /// Only make predictions with trained models. Such a key may be public.
    Inference = 1,
    /// Manage the keys of the workspace.
    Keys = 2,
    /// Check the keys of the workspace in a node.
    Node = 3,
}

/// The text names no [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use project, inference, keys, or node.")]
pub struct UnknownScope;

impl Scope {
    /// Every scope, in the order of the bits.
    pub const ALL: [Self; 4] = [Self::Project, Self::Inference, Self::Keys, Self::Node];

    /// Returns the permissions that the scope has in this version. A key keeps those that it was granted.
    pub const fn permissions(self) -> Permissions {
        match self {
            Self::Project => Permissions::of(&[
                Permission::ProjectsManage,
                Permission::DatasetsUpload,
                Permission::ModelsTrain,
                Permission::ModelsPredict,
            ]),
            Self::Inference => Permissions::of(&[Permission::ModelsPredict]),
            Self::Keys => Permissions::of(&[Permission::KeysManage]),
            Self::Node => Permissions::of(&[Permission::KeysFollow]),
        }
    }

    /// Returns the name in the API and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Inference => "inference",
            Self::Keys => "keys",
            Self::Node => "node",
        }
    }

    /// Returns the name on the pages.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Inference => "Inference",
            Self::Keys => "Keys",
            Self::Node => "Node",
        }
    }

    /// Returns a sentence for the pages that describes the scope.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Project => "Manage projects, upload datasets, train models, and make predictions.",
            Self::Inference => {
                "Make predictions on trained models. Can be used for public access to the models."
            }
            Self::Keys => "Create, edit, rotate, and delete this workspace's API keys.",
            Self::Node => "Verify this workspace's API keys in your own services.",
        }
    }

    /// Iterates over the scopes that contain `permission`.
    pub fn holding(permission: Permission) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |scope| scope.permissions().contains(permission))
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or(UnknownScope)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The scopes of a key. The store keeps their names, joined by spaces.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Returns `true` if the list is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns `true` if the key has `scope`.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Iterates over the scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// Returns the permissions that these scopes have in this version.
    pub fn permissions(self) -> Permissions {
        self.iter().fold(Permissions::NONE, |all, scope| all.union(scope.permissions()))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The permissions follow the sentences of the product document.
    #[test]
    fn scopes_have_documented_permissions() {
        let project: Vec<_> = Scope::Project.permissions().iter().map(Permission::phrase).collect();
        assert_eq!(project, ["manage projects", "upload datasets", "train models", "make predictions"]);
        let inference: Vec<_> = Scope::Inference.permissions().iter().collect();
        assert_eq!(inference, [Permission::ModelsPredict]);
    }

    #[test]
    fn keys_manage_is_only_in_keys_scope() {
        assert_eq!(Scope::holding(Permission::KeysManage).collect::<Vec<_>>(), [Scope::Keys]);
    }

    #[test]
    fn scopes_round_trip() {
        for bits in 0..8 {
            let scopes = Scopes(bits);
            assert_eq!(scopes.to_string().parse(), Ok(scopes));
        }
    }
}
