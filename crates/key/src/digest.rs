//! The digest of a secret. The server stores digests and never the secrets.

use std::fmt;

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a whole secret.
///
/// A fast hash is right here, though it would be wrong for passwords. A secret has 190 random bits, so
/// guessing is hopeless however cheap a guess is, and every request pays for the hash.
///
/// Digests need no comparison in constant time. To learn from the timing, an attacker would have to choose
/// the bits of a digest, that is, invert SHA-256.
///
/// # Examples
///
/// ```
/// use keyrack_key::Digest;
///
/// let digest = Digest::of(b"kr_sk_example");
/// assert_eq!(Digest::from_bytes(*digest.as_bytes()), digest);
/// assert_eq!(format!("{digest:?}"), "Digest(…)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes `secret`, the whole text that a client sends.
    pub fn of(secret: &[u8]) -> Self {
        Self(in_one_block(secret).unwrap_or_else(|| Sha256::digest(secret).into()))
    }

    /// Restores a digest from its stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes for the store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Hashes a text that fits one block together with its padding, as every secret does. This costs a third less
/// than the general way. Source of the padding and the initial state: FIPS 180-4, 5.1.1 and 5.3.3. Returns
/// `None` if the text is longer than 55 bytes.
fn in_one_block(text: &[u8]) -> Option<[u8; 32]> {
    const INITIAL_STATE: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    let block = match text.as_array() {
        Some(usual) => padded_usual(usual),
        None => padded(text)?,
    };
    let mut state = INITIAL_STATE;
    compress256(&mut state, &[block]);
    let mut digest = [0; 32];
    digest.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    Some(digest)
}

/// The length of a secret whose brand has two letters.
const USUAL_LENGTH: usize = 44;

/// Pads a text of the usual length. Writes four parts of 16 bytes, which is also how
/// the processor reads them.
fn padded_usual(text: &[u8; USUAL_LENGTH]) -> [u8; 64] {
    const LENGTH: [u8; 16] = (USUAL_LENGTH as u128 * 8).to_be_bytes();
    let mut block = [0; 64];
    let parts = block.as_chunks_mut::<16>().0;
    let (whole, rest) = text.as_chunks::<16>();
    parts[0] = whole[0];
    parts[1] = whole[1];
    parts[2] = std::array::from_fn(|at| rest.get(at).copied().unwrap_or(if at == 12 { 0x80 } else { 0 }));
    parts[3] = LENGTH;
    block
}

/// Pads a text of any length. Returns `None` if text and padding do not fit one block.
fn padded(text: &[u8]) -> Option<[u8; 64]> {
    let mut block = [0; 64];
    let (start, end) = block.split_last_chunk_mut::<8>()?;
    *start.get_mut(text.len())? = 0x80;
    start[..text.len()].copy_from_slice(text);
    *end = (text.len() as u64 * 8).to_be_bytes();
    Some(block)
}

/// Prints no byte of the digest, so that a log does not lead to a row of the store.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_any_length_matches_sha256() {
        for length in 0..200 {
            let text: Vec<u8> = (0_u8..).take(length).collect();
            assert_eq!(Digest::of(&text).0, <[u8; 32]>::from(Sha256::digest(&text)), "{length}");
        }
        assert!(in_one_block(&[0; 55]).is_some(), "a text that fits uses the short way");
    }
}
