//! Where people other than the key's owner can read a secret that a request carries.

use std::str::FromStr;

use crate::{Permissions, Scope};

/// Where people other than the key's owner can read the secret of a request.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Exposure, Scope};
///
/// // A key with the scope Inference may be used on a public page, a key with the scope Project must not.
/// assert!(Exposure::Browser.permits(Scope::Inference.permissions()));
/// assert!(!Exposure::Browser.permits(Scope::Project.permissions()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// Nowhere: a program sent it in a header.
    #[default]
    None,
    /// In the URL of the request, which logs, histories, and `Referer` headers keep.
    Url,
    /// In a browser, on a page of another site. Anyone who opens the page can read the secret.
    Browser,
}

/// The text names no [`Exposure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown exposure: use url, browser, or nothing")]
pub struct UnknownExposure;

/// The permissions that a key may have where anyone can read its secret.
const PUBLIC: Permissions = Scope::Inference.permissions();

impl Exposure {
    /// Returns the stable name: `url`, `browser`, or an empty text for [`Exposure::None`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Url => "url",
            Self::Browser => "browser",
        }
    }

    /// Returns `true` if a key with `permissions` may be exposed in this way.
    pub fn permits(self, permissions: Permissions) -> bool {
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
