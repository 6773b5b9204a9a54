//! The id of a request, which appears in the log, in a response header, and in the body of an error.

use std::cell::RefCell;

use getrandom::SysRng;
use http::{HeaderName, HeaderValue};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng, UnwrapErr};

/// The header that carries the id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

thread_local! {
    /// Reading random bytes from the system costs more than the rest of a response from memory.
    static RANDOM: RefCell<ChaCha8Rng> = RefCell::new(ChaCha8Rng::from_rng(&mut UnwrapErr(SysRng)));
}

/// 96 random bits, written as `req_` and 24 hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct RequestId([u8; 28]);

impl RequestId {
    /// Creates a random id.
    pub fn random() -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut random = [0; 12];
        RANDOM.with_borrow_mut(|source| source.fill_bytes(&mut random));
        let mut text = *b"req_000000000000000000000000";
        for (byte, two) in random.iter().zip(text[4..].chunks_exact_mut(2)) {
            two[0] = DIGITS[usize::from(byte >> 4)];
            two[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        // The id contains only letters, digits, and an underscore.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the id as a value of [`HEADER`].
    pub fn value(&self) -> HeaderValue {
        // These characters are valid in a header.
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("req_"))
    }
}
