//! Whether a key is meant to be kept or to be shown.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Permission, Permissions};

/// The class of a key, fixed at birth and visible in each of its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// `sk`: known to programs on servers alone.
    Secret,
    /// `pk`: meant to stand in public pages and apps.
    Publishable,
}

/// All that a publishable key can ever hold. Its own constant and not "whatever Inference is":
/// a permission that a later version adds to a scope never reaches a key that stands in public.
const PUBLISHABLE_CEILING: Permissions = Permissions::of(&[Permission::ModelsPredict]);

impl Class {
    /// Both classes.
    pub const ALL: [Self; 2] = [Self::Secret, Self::Publishable];

    /// The most that a key of this class can hold.
    pub const fn ceiling(self) -> Permissions {
        match self {
            Self::Secret => Permissions::of(&Permission::ALL),
            Self::Publishable => PUBLISHABLE_CEILING,
        }
    }

    /// The two letters inside a secret: `sk` or `pk`.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Secret => "sk",
            Self::Publishable => "pk",
        }
    }

    /// The word in the API and the store.
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
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or("expected secret or publishable")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a permission decides here whether the public may have it: without an arm, this does not compile.
    #[test]
    fn each_permission_is_decided_for_the_public() {
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
