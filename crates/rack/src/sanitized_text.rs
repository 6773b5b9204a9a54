//! Text from clients, without anything that could be a secret.

use std::fmt;

/// The number of letters and digits in a row that could be a secret.
const SECRET_RUN: usize = 32;

/// Text from a client, cut after `MAX` bytes. Contains printable ASCII only, and
/// nothing that could be a secret.
///
/// # Examples
///
/// ```
/// use keyrack_rack::SanitizedText;
///
/// let text = SanitizedText::<80>::new(b"https://example.org/?key=kr_sk_00000000000000000000000000000000000000");
/// assert_eq!(text.as_str(), "https://example.org/?key=kr_sk_~");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SanitizedText<const MAX: usize> {
    bytes: [u8; MAX],
    length: u8,
}

impl<const MAX: usize> SanitizedText<MAX> {
    /// Copies the safe part of `text`. Clients put keys into any header, so a run of letters and digits that
    /// is as long as the random part of a secret becomes `~`.
    pub fn new(text: &[u8]) -> Self {
        const { assert!(MAX <= 255) };
        let (mut bytes, mut length, mut run) = ([0; MAX], 0, 0);
        for byte in text.iter().copied().filter(|byte| matches!(byte, b' '..=b'~')) {
            if length == MAX {
                break;
            }
            run = if byte.is_ascii_alphanumeric() { run + 1 } else { 0 };
            if run > SECRET_RUN {
                continue;
            }
            bytes[length] = byte;
            length += 1;
            if run == SECRET_RUN {
                length -= SECRET_RUN;
                bytes[length..length + SECRET_RUN].fill(0);
                bytes[length] = b'~';
                length += 1;
            }
        }
        // A run that the end cuts off could be the first part of a secret.
        if length == MAX && run > 0 && run < SECRET_RUN && text.len() > MAX {
            length -= run;
            bytes[length..].fill(0);
        }
        Self { bytes, length: u8::try_from(length).unwrap_or(u8::MAX) }
    }

    /// Returns the safe text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl<const MAX: usize> fmt::Debug for SanitizedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
