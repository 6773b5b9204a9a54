//! What is kept of a secret.

use std::fmt;

use sha2::block_api::compress256;
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
        Self(in_one_block(secret).unwrap_or_else(|| Sha256::digest(secret).into()))
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

/// SHA-256 of what fits one block with its end, as a secret does: without the state that longer texts go through, it costs a
/// third less. Padding and first state: FIPS 180-4, 5.1.1 and 5.3.3.
fn in_one_block(text: &[u8]) -> Option<[u8; 32]> {
    const FIRST: [u32; 8] = [
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
        Some(usual) => usual_block(usual),
        None => block(text)?,
    };
    let mut state = FIRST;
    compress256(&mut state, &[block]);
    let mut digest = [0; 32];
    digest.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    Some(digest)
}

/// As long as a secret with a brand of two letters.
const USUAL: usize = 44;

/// A text of the usual length with its end: four parts, each of which the processor writes as it will read it.
fn usual_block(text: &[u8; USUAL]) -> [u8; 64] {
    const LENGTH: [u8; 16] = (USUAL as u128 * 8).to_be_bytes();
    let mut block = [0; 64];
    let parts = block.as_chunks_mut::<16>().0;
    let (whole, rest) = text.as_chunks::<16>();
    parts[0] = whole[0];
    parts[1] = whole[1];
    parts[2] = std::array::from_fn(|at| rest.get(at).copied().unwrap_or(if at == 12 { 0x80 } else { 0 }));
    parts[3] = LENGTH;
    block
}

/// A text with its end; none where both do not fit one block.
fn block(text: &[u8]) -> Option<[u8; 64]> {
    let mut block = [0; 64];
    let (start, end) = block.split_last_chunk_mut::<8>()?;
    *start.get_mut(text.len())? = 0x80;
    start[..text.len()].copy_from_slice(text);
    *end = (text.len() as u64 * 8).to_be_bytes();
    Some(block)
}

/// Prints nothing of the digest: whoever reads a log should not learn which row to look at.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_block_and_of_more_are_hashed_alike() {
        for length in 0..200 {
            let text: Vec<u8> = (0_u8..).take(length).collect();
            assert_eq!(Digest::of(&text).0, <[u8; 32]>::from(Sha256::digest(&text)), "{length}");
        }
        assert!(in_one_block(&[0; 55]).is_some(), "what fits is not hashed the long way");
    }
}
