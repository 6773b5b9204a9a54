//! Where a request lets others read the key that it carries, and what may be held there.

use std::str::FromStr;

use crate::{Permissions, Scope};

/// Where a request lets others read the key that it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// Nowhere.
    #[default]
    None,
    /// In its URL, which is logged and kept by many.
    Url,
    /// In a browser, on a page that is not ours: whoever opens the page has the key.
    Browser,
}

/// A text that names no exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown exposure; expected url, browser or nothing")]
pub struct UnknownExposure;

/// What a key may hold that anybody may see.
const PUBLIC: Permissions = Scope::Inference.permissions();

impl Exposure {
    /// The stable word for it: `url`, `browser`; empty where nobody else can read the key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Url => "url",
            Self::Browser => "browser",
        }
    }

    /// Whether a key that holds `permissions` may be used so.
    pub fn suits(self, permissions: Permissions) -> bool {
        self == Self::None || permissions.is_within(PUBLIC)
    }
}

impl FromStr for Exposure {
    type Err = UnknownExposure;

    fn from_str(text: &str) -> Result<Self, UnknownExposure> {
        let all = [Self::None, Self::Url, Self::Browser];
        all.into_iter().find(|one| one.name() == text).ok_or(UnknownExposure)
    }
}
