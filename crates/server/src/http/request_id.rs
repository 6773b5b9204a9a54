//! A name for each request, the same in the log, in the answer's header and in an error's body.

use std::cell::RefCell;

use getrandom::SysRng;
use http::{HeaderName, HeaderValue};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng, UnwrapErr};

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

thread_local! {
    /// Asking the system each time costs more than the rest of an answer from memory.
    static RANDOM: RefCell<ChaCha8Rng> = RefCell::new(ChaCha8Rng::from_rng(&mut UnwrapErr(SysRng)));
}

/// 96 random bits, written `req_` and 24 hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct RequestId([u8; 28]);

impl RequestId {
    /// A new one.
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

    /// The text.
    pub fn as_str(&self) -> &str {
        // Letters, digits and an underscore.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// As the value of [`HEADER`].
    pub fn value(&self) -> HeaderValue {
        // Such characters are a value.
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("req_"))
    }
}
