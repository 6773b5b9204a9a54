//! What a route asks for, and sets of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Permission {
    /// Make, read, rename and delete projects.
    ProjectsManage = 0,
    /// Upload images and annotations.
    DatasetsUpload = 1,
    /// Train models.
    ModelsTrain = 2,
    /// Ask trained models for predictions.
    ModelsPredict = 3,
    /// Make, edit, rotate and delete keys.
    KeysManage = 4,
    /// Follow the keys of a workspace, to check them elsewhere.
    KeysFollow = 5,
}

/// A text that names no permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown permission; expected projects:manage, datasets:upload, models:train, models:predict, keys:manage or keys:follow"
)]
pub struct UnknownPermission;

impl Permission {
    /// Every permission, by its bit.
    pub const ALL: [Self; 6] = [
        Self::ProjectsManage,
        Self::DatasetsUpload,
        Self::ModelsTrain,
        Self::ModelsPredict,
        Self::KeysManage,
        Self::KeysFollow,
    ];

    /// `projects:manage` and so on.
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

    /// What it lets a program do, as a page says it.
    pub const fn says(self) -> &'static str {
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
/// It can hold bits that this version has no name for: a newer node wrote them. They are kept,
/// and a key that has any is refused ([`Terms::decide`](crate::Terms::decide)), because what it may do is not known here.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u32);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// Just these.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < permissions.len() {
            bits |= permissions[i].bit();
            i += 1;
        }
        Self(bits)
    }

    /// The set as the store keeps it; bit `n` is the permission with that number.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits, for the store.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether `permission` is in the set.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether all of this set is in `other`.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this version has a name for everything in the set.
    pub const fn is_known(self) -> bool {
        self.is_within(Self::of(&Permission::ALL))
    }

    /// The permissions that have a name here.
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
