//! The brand: the prefix of every secret of one deployment.

use std::fmt;
use std::str::FromStr;

/// The first part of a secret: `kr` in `kr_sk_…`. 2 to 12 characters of `[a-z0-9]`, of
/// which the first is a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand(Box<str>);

/// The text is not a valid [`Brand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use 2 to 12 lowercase letters and digits, starting with a letter.")]
pub struct BrandError;

impl Brand {
    /// Returns the brand as text, without the underscore that follows it in a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Brand {
    type Err = BrandError;

    fn from_str(text: &str) -> Result<Self, BrandError> {
        let is_valid = (2..=12).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if is_valid { Ok(Self(text.into())) } else { Err(BrandError) }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The brand of new secrets, and the former brands that the deployment still accepts.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Brand, Brands};
///
/// let former: Brand = "acme".parse()?;
/// let brands = Brands::new("kr".parse()?, vec![former]);
/// assert!(brands.accepts(b"acme"));
/// assert!(!brands.accepts(b"other"));
/// # Ok::<(), keyrack_key::BrandError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Brands {
    current: Brand,
    older: Vec<Brand>,
}

impl Brands {
    /// Creates the list. New secrets get `current`; secrets with one of the `older` brands remain valid.
    pub const fn new(current: Brand, older: Vec<Brand>) -> Self {
        Self { current, older }
    }

    /// Returns the brand of new secrets.
    pub const fn current(&self) -> &Brand {
        &self.current
    }

    /// Iterates over all accepted brands, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &Brand> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Returns `true` if secrets with this brand are accepted.
    pub fn accepts(&self, brand: &[u8]) -> bool {
        self.current.0.as_bytes() == brand || self.older.iter().any(|older| older.0.as_bytes() == brand)
    }
}

impl Default for Brands {
    /// Accepts `kr` only.
    fn default() -> Self {
        Self::new(Brand("kr".into()), Vec::new())
    }
}
