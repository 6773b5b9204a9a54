//! The text of a publishable key, which may be stored and shown again.

use std::fmt;

use crate::secret::find_of_class;
use crate::{Class, Secret};

/// The whole text of a publishable key, such as `kr_pk_` and 38 characters. Unlike a [`Secret`], it is public.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Brands, Class, PublishableKey, Secret};
///
/// let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
/// let public = Secret::generate(Brands::default().current(), Class::Publishable, &mut rng);
/// assert_eq!(PublishableKey::of(&public).unwrap().as_str(), public.expose());
/// let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng);
/// assert_eq!(PublishableKey::of(&secret), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishableKey(Box<str>);

impl PublishableKey {
    /// Returns the text of a new secret if its class is publishable.
    pub fn of(secret: &Secret) -> Option<Self> {
        Self::parse(secret.expose())
    }

    /// Restores a key from the store. Returns `None` unless `text` has the form and the checksum of a publishable key.
    /// The brand may be any.
    pub fn parse(text: &str) -> Option<Self> {
        (find_of_class(text, Class::Publishable) == Some(0..text.len())).then(|| Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublishableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;

    use super::*;
    use crate::Brand;

    fn secret(brand: &str, class: Class) -> Secret {
        let brand: Brand = brand.parse().unwrap();
        Secret::generate(&brand, class, &mut UnwrapErr(getrandom::SysRng))
    }

    #[test]
    fn only_whole_publishable_keys_are_accepted() {
        for brand in ["kr", "a2", "northfield12"] {
            let public = secret(brand, Class::Publishable);
            let text = public.expose();
            assert_eq!(PublishableKey::of(&public).unwrap().to_string(), text);
            for wrong in
                [&text[1..], &text[..text.len() - 1], &text.replace("_pk_", "_sk_"), &format!("{text}0")]
            {
                assert_eq!(PublishableKey::parse(wrong), None, "{wrong}");
            }
            assert_eq!(PublishableKey::of(&secret(brand, Class::Secret)), None);
        }
    }
}
