//! The string that a client sends: how it is made, how it is recognised, and how it stays unseen.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Brand, Brands, Class, Digest};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY: usize = 32;
const CHECK: usize = 6;

/// A whole secret in plain, `kr_sk_` + 32 random + 6 check characters.
///
/// It cannot be printed, logged, serialised, cloned or compared, and is wiped when dropped.
/// [`Secret::expose`] is the one way out.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Makes a secret of `32 × log2(62) = 190` random bits.
    pub fn generate(brand: &Brand, class: Class, rng: &mut impl CryptoRng) -> Self {
        // All of it at once, so that no half-grown copy is left behind in freed memory.
        let mut text = Zeroizing::new(String::with_capacity(brand.as_str().len() + 4 + BODY + CHECK));
        text.push_str(brand.as_str());
        text.push('_');
        text.push_str(class.letters());
        text.push('_');
        push_random(&mut text, rng);
        let check = check_of(text.as_bytes());
        text.extend(check.iter().map(|byte| char::from(*byte)));
        Self(text)
    }

    /// The secret itself, for the one answer that hands it out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store and the rack keep.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The last four characters, by which people recognise it.
    pub fn hint(&self) -> Hint {
        let bytes = self.0.as_bytes();
        let mut hint = [0; 4];
        hint.copy_from_slice(&bytes[bytes.len() - 4..]);
        Hint(hint)
    }
}

/// Appends a body. Each of the 62 characters has the same chance: bytes above the last multiple of 62 are passed over. They
/// are drawn many at a time, since each draw may be a call of the system.
fn push_random(text: &mut String, rng: &mut impl CryptoRng) {
    let mut drawn = Zeroizing::new([0; 2 * BODY]);
    let end = text.len() + BODY;
    while text.len() < end {
        rng.fill_bytes(&mut *drawn);
        let fair = drawn.iter().filter(|byte| **byte < 248).take(end - text.len());
        text.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
}

/// CRC-32 (IEEE) of `text` in base62, zero-padded on the left.
fn check_of(text: &[u8]) -> [u8; CHECK] {
    let mut rest = crc32fast::hash(text);
    let mut check = [b'0'; CHECK];
    for place in check.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    check
}

/// What [`check_of`] has written, read again: a multiplication for each character costs less than a division.
fn number_of(check: [u8; CHECK]) -> u64 {
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

/// The last four characters of a secret. Public: they tell keys apart and open nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint([u8; 4]);

impl Hint {
    /// A hint as the store kept it; nothing unless it is four base62 characters.
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

/// A string of the right form, brand and check, as a client presented it. It says nothing yet
/// about whether such a key exists.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    text: &'a [u8],
}

/// Why a string cannot be a secret of this deployment. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not `brand_class_body`, or of another length.
    #[error("a secret has the form <brand>_sk_ or <brand>_pk_ and 38 letters and digits")]
    Form,
    /// The word in front is not one of this deployment.
    #[error("the secret belongs to another deployment")]
    Brand,
    /// A character was lost, added or mistyped.
    #[error("the secret is incomplete or mistyped: its check does not match")]
    Check,
}

impl<'a> Presented<'a> {
    /// Recognises a secret. Costs no allocation, and no hashing before the check is right.
    pub fn parse(text: &'a [u8], brands: &Brands) -> Result<Self, Malformed> {
        // Of known length from here on: what is done to each character is done to many at once.
        let (head, tail) = text.split_last_chunk::<{ BODY + CHECK }>().ok_or(Malformed::Form)?;
        let brand = head.strip_suffix(b"_").and_then(|head| head.get(..head.len().checked_sub(3)?));
        let brand = brand.ok_or(Malformed::Form)?;
        if !matches!(&head[brand.len()..], b"_sk_" | b"_pk_") {
            return Err(Malformed::Form);
        }
        // All of them, whatever the first says: without a branch the processor looks at many at once.
        if !tail.iter().fold(true, |so_far, byte| so_far & byte.is_ascii_alphanumeric()) {
            return Err(Malformed::Form);
        }
        if !brands.accepts(brand) {
            return Err(Malformed::Brand);
        }
        let (signed, check) = text.split_last_chunk().ok_or(Malformed::Form)?;
        if number_of(*check) == u64::from(crc32fast::hash(signed)) {
            Ok(Self { text })
        } else {
            Err(Malformed::Check)
        }
    }

    /// What to look up.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text)
    }

    /// The last four characters, by which people recognise it.
    pub fn hint(&self) -> Hint {
        // Parsed, it is longer than that.
        let mut hint = [b'0'; 4];
        hint.copy_from_slice(&self.text[self.text.len() - 4..]);
        Hint(hint)
    }
}

/// Like [`Secret`], it does not print.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_core::UnwrapErr;

    fn secret(class: Class) -> Secret {
        Secret::generate(Brands::default().current(), class, &mut UnwrapErr(getrandom::SysRng))
    }

    #[test]
    fn the_form_is_the_published_one() {
        for class in Class::ALL {
            let secret = secret(class);
            let text = secret.expose();
            assert_eq!(text.len(), 44);
            assert!(text.starts_with(&format!("kr_{}_", class.letters())));
            assert!(text[6..].bytes().all(|b| b.is_ascii_alphanumeric()));
            assert!(text.ends_with(&secret.hint().to_string()));
            assert_eq!(Presented::parse(text.as_bytes(), &Brands::default()).unwrap().hint(), secret.hint());
        }
    }

    /// A vector that other implementations (secret scanners) can be held against.
    #[test]
    fn the_check_is_crc32_in_base62() {
        let text = b"kr_sk_00000000000000000000000000000000";
        let check = check_of(text);
        let value = check
            .iter()
            .fold(0_u64, |sum, byte| sum * 62 + ALPHABET.iter().position(|c| c == byte).unwrap() as u64);
        assert_eq!(value, u64::from(crc32fast::hash(text)));
        assert_eq!(std::str::from_utf8(&check), Ok(VECTOR));
    }
    const VECTOR: &str = "0NuPnL";

    #[test]
    fn older_brands_are_accepted_and_strange_ones_are_not() {
        let old: Brand = "acme".parse().unwrap();
        let made = Secret::generate(&old, Class::Secret, &mut UnwrapErr(getrandom::SysRng));
        let text = made.expose().as_bytes();
        assert_eq!(Presented::parse(text, &Brands::default()).unwrap_err(), Malformed::Brand);
        let both = Brands::new("kr".parse().unwrap(), vec![old]);
        assert!(Presented::parse(text, &both).is_ok());
    }

    #[test]
    fn no_character_is_favoured() {
        let mut seen = [0_u32; 128];
        for _ in 0..2_000 {
            secret(Class::Secret).expose()[6..38].bytes().for_each(|b| seen[usize::from(b)] += 1);
        }
        // 64,000 draws from 62: 1,032 expected each, with a standard deviation of 32.
        for byte in ALPHABET {
            assert!((850..1_250).contains(&seen[usize::from(*byte)]), "{}", char::from(*byte));
        }
    }

    proptest! {
        #[test]
        fn any_change_of_one_character_is_noticed(place in 0_usize..44, byte: u8) {
            let secret = secret(Class::Publishable);
            let mut text = secret.expose().as_bytes().to_vec();
            let same = text[place] == byte;
            text[place] = byte;
            prop_assert_eq!(Presented::parse(&text, &Brands::default()).is_ok(), same);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(text: Vec<u8>) {
            let _ = Presented::parse(&text, &Brands::default());
        }

        #[test]
        fn cutting_or_adding_is_noticed(cut in 0_usize..44, extra in "[0-9A-Za-z]{1,8}") {
            let secret = secret(Class::Secret);
            prop_assert!(Presented::parse(&secret.expose().as_bytes()[..cut], &Brands::default()).is_err());
            let longer = format!("{}{extra}", secret.expose());
            prop_assert!(Presented::parse(longer.as_bytes(), &Brands::default()).is_err());
        }
    }
}
