//! The secret that a client sends: how it is generated, parsed, and kept out of logs.

use std::fmt;
use std::ops::Range;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Brand, Brands, Class, Digest};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;
/// The most characters of a brand.
const BRAND_LENGTH_MAX: usize = 12;

/// A whole secret in plain text, such as `kr_sk_` + 32 random characters + 6 characters of checksum.
///
/// A secret cannot be printed, logged, serialized, cloned, or compared, and its memory is wiped when it is
/// dropped. Only [`Secret::expose`] returns the text.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Generates a secret with `32 × log2(62) = 190` random bits.
    pub fn generate(brand: &Brand, class: Class, rng: &mut impl CryptoRng) -> Self {
        // Reserves the whole length, because growing would leave a copy of the first part in freed memory.
        let mut text =
            Zeroizing::new(String::with_capacity(brand.as_str().len() + 4 + RANDOM_LENGTH + CHECKSUM_LENGTH));
        text.push_str(brand.as_str());
        text.push('_');
        text.push_str(class.letters());
        text.push('_');
        push_random(&mut text, rng);
        let check = checksum(text.as_bytes());
        text.extend(check.iter().map(|byte| char::from(*byte)));
        Self(text)
    }

    /// Returns the text, for the one response that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest, which the store and the rack keep.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Returns the last four characters, which help people recognize the key.
    pub fn hint(&self) -> Hint {
        let bytes = self.0.as_bytes();
        let mut hint = [0; 4];
        hint.copy_from_slice(&bytes[bytes.len() - 4..]);
        Hint(hint)
    }
}

/// Appends the random characters. Bytes of 248 and above are skipped, so that each of the 62 characters is
/// equally likely. Draws many bytes at once, since each draw may be a system call.
fn push_random(text: &mut String, rng: &mut impl CryptoRng) {
    let mut drawn = Zeroizing::new([0; 2 * RANDOM_LENGTH]);
    let end = text.len() + RANDOM_LENGTH;
    while text.len() < end {
        rng.fill_bytes(&mut *drawn);
        let fair = drawn.iter().filter(|byte| **byte < 248).take(end - text.len());
        text.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
}

/// Returns the CRC-32 (IEEE) of `text` in base 62, padded with zeros on the left.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut value = crc32fast::hash(text);
    let mut check = [b'0'; CHECKSUM_LENGTH];
    for character in check.iter_mut().rev() {
        *character = ALPHABET[(value % 62) as usize];
        value /= 62;
    }
    check
}

/// Reads the number that [`checksum`] wrote. A multiplication per character is cheaper than
/// a division per character.
fn checksum_value(check: [u8; CHECKSUM_LENGTH]) -> u64 {
    const VALUES: [u64; 256] = {
        let mut values = [0; 256];
        let (mut place, mut value) = (0, 0);
        while place < ALPHABET.len() {
            values[ALPHABET[place] as usize] = value;
            place += 1;
            value += 1;
        }
        values
    };
    check.iter().fold(0, |number, byte| number * 62 + VALUES[usize::from(*byte)])
}

/// The last four characters of a secret. Public: a hint tells keys apart and gives no access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint([u8; 4]);

impl Hint {
    /// Restores a hint from the store. Returns `None` unless `text` has four base 62 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 4] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

/// A text that has the form, the brand, and the checksum of a secret. Whether such a
/// key exists is not known yet.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Brands, Class, MalformedSecret, Presented, Secret};
///
/// let brands = Brands::default();
/// let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
/// let secret = Secret::generate(brands.current(), Class::Secret, &mut rng);
/// let presented = Presented::parse(secret.expose().as_bytes(), &brands)?;
/// assert_eq!(presented.digest(), secret.digest());
/// assert!(matches!(Presented::parse(b"password", &brands), Err(MalformedSecret::Form)));
/// # Ok::<(), MalformedSecret>(())
/// ```
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    text: &'a [u8],
}

/// The text cannot be a secret of this deployment. The error contains no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedSecret {
    /// The text is not `<brand>_<class>_<characters>`, or has another length.
    #[error("Invalid API key format. Keys look like kr_sk_ or kr_pk_ followed by 38 letters and digits.")]
    Form,
    /// The brand is not accepted by this deployment.
    #[error("This API key belongs to another Keyrack deployment.")]
    Brand,
    /// The checksum does not match: a character was lost, added, or mistyped.
    #[error("This API key is incomplete or mistyped. Copy it again.")]
    Check,
}

/// Returns where `text` contains a secret key: its form with a matching checksum, whatever the brand. Publishable keys
/// are no secret. Names and notes must not contain one, because they are stored and shown in plain text.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Brands, Class, Secret, find_secret};
///
/// let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
/// let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng);
/// let note = format!("use {} here", secret.expose());
/// assert_eq!(find_secret(&note), Some(4..48));
/// assert_eq!(find_secret("use kr_sk_… here"), None);
/// ```
pub fn find_secret(text: &str) -> Option<Range<usize>> {
    find_of_class(text, Class::Secret)
}

/// Returns where `text` contains a key of this class: its form with a matching checksum, whatever the brand.
pub(crate) fn find_of_class(text: &str, class: Class) -> Option<Range<usize>> {
    let mark: &[u8; 4] = match class {
        Class::Secret => b"_sk_",
        Class::Publishable => b"_pk_",
    };
    let bytes = text.as_bytes();
    let mut marks = bytes.windows(mark.len()).enumerate().filter(|(_, four)| four == mark);
    marks.find_map(|(at, _)| {
        let random = at + mark.len();
        let end = random + RANDOM_LENGTH + CHECKSUM_LENGTH;
        let tail = bytes.get(random..end)?;
        let (_, check) = tail.split_last_chunk().filter(|_| tail.iter().all(u8::is_ascii_alphanumeric))?;
        let brand_length = bytes[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        // The characters before the brand can look like a part of it, so each length is tried.
        (1..=brand_length.min(BRAND_LENGTH_MAX))
            .map(|length| at - length)
            .find(|start| {
                checksum_value(*check) == u64::from(crc32fast::hash(&bytes[*start..end - CHECKSUM_LENGTH]))
            })
            .map(|start| start..end)
    })
}

impl<'a> Presented<'a> {
    /// Parses a secret. Allocates nothing, and hashes only the checksum.
    pub fn parse(text: &'a [u8], brands: &Brands) -> Result<Self, MalformedSecret> {
        // With a length known at compile time, the compiler vectorizes the loops below.
        let (head, tail) =
            text.split_last_chunk::<{ RANDOM_LENGTH + CHECKSUM_LENGTH }>().ok_or(MalformedSecret::Form)?;
        let brand = head.strip_suffix(b"_").and_then(|head| head.get(..head.len().checked_sub(3)?));
        let brand = brand.ok_or(MalformedSecret::Form)?;
        if !matches!(&head[brand.len()..], b"_sk_" | b"_pk_") {
            return Err(MalformedSecret::Form);
        }
        // Looks at all characters even after an invalid one: a loop without a branch is vectorized.
        if !tail.iter().fold(true, |so_far, byte| so_far & byte.is_ascii_alphanumeric()) {
            return Err(MalformedSecret::Form);
        }
        if !brands.accepts(brand) {
            return Err(MalformedSecret::Brand);
        }
        let (body, check) = text.split_last_chunk().ok_or(MalformedSecret::Form)?;
        if checksum_value(*check) == u64::from(crc32fast::hash(body)) {
            Ok(Self { text })
        } else {
            Err(MalformedSecret::Check)
        }
    }

    /// Returns the digest by which the rack finds the key.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text)
    }

    /// Returns the last four characters, which help people recognize the key.
    pub fn hint(&self) -> Hint {
        // A parsed text is always longer than four bytes.
        let mut hint = [b'0'; 4];
        hint.copy_from_slice(&self.text[self.text.len() - 4..]);
        Hint(hint)
    }
}

/// Prints no part of the text, like [`Secret`].
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(…)")
    }
}

#[cfg(test)]
mod tests;
