//! What is kept of a secret.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// SHA-256 of a whole secret.
///
/// A fast hash is right here and wrong for passwords: a secret has 190 random bits, so that
/// guessing is hopeless however cheap a guess is, and each request pays for the hash.
///
/// Comparing and looking up digests needs no constant time: to steer a timing by the digest
/// an attacker would have to choose its bits, which means inverting SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `secret`.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A digest as the store kept it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Prints nothing of the digest: whoever reads a log should not learn which row to look at.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}
