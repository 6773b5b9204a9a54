//! Permissions, and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A permission that a route requires and a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Permission {
    /// Create, read, rename, and delete projects.
    ProjectsManage = 0,
    /// Upload images and annotations.
    DatasetsUpload = 1,
    /// Start training runs of models.
    ModelsTrain = 2,
    /// Make predictions with trained models.
    ModelsPredict = 3,
    /// Create, edit, rotate, and delete keys.
    KeysManage = 4,
    /// Read the keys of a workspace and their changes, so that a node can check them.
    KeysFollow = 5,
}

/// The text names no [`Permission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use projects:manage, datasets:upload, models:train, models:predict, keys:manage, or keys:follow.")]
pub struct UnknownPermission;

impl Permission {
    /// Every permission, in the order of the bits.
    pub const ALL: [Self; 6] = [
        Self::ProjectsManage,
        Self::DatasetsUpload,
        Self::ModelsTrain,
        Self::ModelsPredict,
        Self::KeysManage,
        Self::KeysFollow,
    ];

    /// Returns the name in the API and in the store, such as `projects:manage`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProjectsManage => "projects:manage",
            Self::DatasetsUpload => "datasets:upload",
            Self::ModelsTrain => "models:train",
            Self::ModelsPredict => "models:predict",
            Self::KeysManage => "keys:manage",
            Self::KeysFollow => "keys:follow",
        }
    }

    /// Returns a phrase for messages and pages, such as "manage projects".
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::ProjectsManage => "manage projects",
            Self::DatasetsUpload => "upload datasets",
            Self::ModelsTrain => "train models",
            Self::ModelsPredict => "make predictions",
            Self::KeysManage => "manage API keys",
            Self::KeysFollow => "follow API keys",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL.into_iter().find(|permission| permission.name() == text).ok_or(UnknownPermission)
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A set of permissions.
///
/// The set may contain bits that have no name in this version, because a newer version wrote them. The bits
/// are kept, and [`KeyState::decide`](crate::KeyState::decide) denies such a key, because this version cannot
/// know what the key may do.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Permission, Permissions};
///
/// let permissions = Permissions::of(&[Permission::ModelsPredict, Permission::ModelsTrain]);
/// assert!(permissions.contains(Permission::ModelsTrain));
/// assert!(!permissions.is_within(Permissions::of(&[Permission::ModelsPredict])));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u32);

impl Permissions {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Creates a set from a list.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < permissions.len() {
            bits |= permissions[i].bit();
            i += 1;
        }
        Self(bits)
    }

    /// Restores a set from the store. Bit `n` is the permission with the discriminant `n`;
    /// bits without a name are kept.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the bits for the store.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns `true` if the set contains `permission`.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Returns `true` if `other` contains every bit of this set.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Returns the permissions that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the permissions that are in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns `true` if no bit is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns `true` if every bit has a name in this version.
    pub const fn is_known(self) -> bool {
        self.is_within(Self::of(&Permission::ALL))
    }

    /// Iterates over the permissions that have a name in this version.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        set.entries(self.iter().map(Permission::name));
        if !self.is_known() {
            set.entry(&"unknown");
        }
        set.finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
