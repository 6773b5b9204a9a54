//! The word in front of every secret of a deployment.

use std::fmt;
use std::str::FromStr;

/// 2 to 12 of `[a-z0-9]`, starting with a letter: `kr` in `kr_sk_…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand(Box<str>);

/// Why a text is no brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a brand is 2 to 12 lower-case letters and digits, starting with a letter")]
pub struct BrandError;

impl Brand {
    /// The brand as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Brand {
    type Err = BrandError;

    fn from_str(text: &str) -> Result<Self, BrandError> {
        let fits = (2..=12).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if fits { Ok(Self(text.into())) } else { Err(BrandError) }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The brand that new secrets get, and the older ones that are still accepted.
#[derive(Clone, Debug)]
pub struct Brands {
    current: Brand,
    older: Vec<Brand>,
}

impl Brands {
    /// New secrets start with `current`; secrets that start with one of `older` still work.
    pub const fn new(current: Brand, older: Vec<Brand>) -> Self {
        Self { current, older }
    }

    /// The brand of new secrets.
    pub const fn current(&self) -> &Brand {
        &self.current
    }

    /// All of them, that of new secrets first.
    pub fn all(&self) -> impl Iterator<Item = &Brand> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Whether secrets with this brand are accepted.
    pub fn accepts(&self, brand: &[u8]) -> bool {
        self.current.0.as_bytes() == brand || self.older.iter().any(|older| older.0.as_bytes() == brand)
    }
}

impl Default for Brands {
    /// `kr` and no other.
    fn default() -> Self {
        Self::new(Brand("kr".into()), Vec::new())
    }
}
