//! An image as a client sends it: its bytes or its URL.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::MemoryPermit;
use crate::Invalid;

const EXPECTED: &str = "Send the image as base64, a data URL, or an http or https URL.";

/// Clients may omit the padding, and some leave trailing bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An image to process, and the permit to hold its bytes in memory.
#[derive(Debug)]
pub struct Image {
    pub(crate) source: ImageSource,
    pub(crate) permit: MemoryPermit,
}

#[derive(Debug)]
pub(crate) enum ImageSource {
    Bytes(Bytes),
    Url(String),
}

impl Image {
    /// An image from the bytes of its file.
    pub const fn file(bytes: Bytes, permit: MemoryPermit) -> Self {
        Self { source: ImageSource::Bytes(bytes), permit }
    }

    /// Returns whether the image is a URL that has not been fetched yet.
    pub const fn is_url(&self) -> bool {
        matches!(self.source, ImageSource::Url(_))
    }

    /// An image as text: base64 (either alphabet, with or without padding and line breaks), a data URL, or
    /// an http(s) URL.
    pub fn text(text: String, permit: MemoryPermit) -> Result<Self, Invalid> {
        let wrong = || Invalid::field("image", EXPECTED);
        let start = text.trim_start();
        if starts_with(start, "http://") || starts_with(start, "https://") {
            let url = text.trim().to_owned();
            return Ok(Self { source: ImageSource::Url(url), permit });
        }
        let encoded = if starts_with(start, "data:") {
            let (kind, _) = start.split_once(',').filter(|(kind, _)| is_base64(kind)).ok_or_else(wrong)?;
            text.len() - start.len() + kind.len() + 1
        } else {
            0
        };
        let bytes = decode(text.into_bytes(), encoded).filter(|bytes| !bytes.is_empty()).ok_or_else(wrong)?;
        Ok(Self::file(bytes.into(), permit))
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}

/// Checks for a base64 data URL such as `data:image/jpeg;base64` (RFC 2397). The declared media type is ignored:
/// the bytes decide.
fn is_base64(kind: &str) -> bool {
    kind.rsplit_once(';').is_some_and(|(_, last)| last.trim().eq_ignore_ascii_case("base64"))
}

/// Decodes the text from `start` on. Strips whitespace in place, because the text of an image is long.
fn decode(mut text: Vec<u8>, start: usize) -> Option<Vec<u8>> {
    text.drain(..start);
    text.retain(|byte| !byte.is_ascii_whitespace());
    for byte in &mut text {
        match byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    BASE64.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(text: &str) -> Option<Vec<u8>> {
        match Image::text(text.to_owned(), MemoryPermit::default()).ok()?.source {
            ImageSource::Bytes(bytes) => Some(bytes.to_vec()),
            ImageSource::Url(url) => panic!("a URL: {url}"),
        }
    }

    #[test]
    fn base64_is_read_in_every_variant() {
        for picture in [&b"\xfb\xff\xfe\x3e\x3f"[..], b"\xff", b"\xff\xfe", b"\xff\xfe\xfd"] {
            for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                let text = engine.encode(picture);
                let in_lines: String = text.chars().flat_map(|c| [c, '\r', '\n', ' ']).collect();
                for text in [
                    &text,
                    &in_lines,
                    &format!("data:image/jpeg;base64,{text}"),
                    &format!(" DATA:;charset=x;BASE64, {in_lines}"),
                ] {
                    assert_eq!(bytes(text).as_deref(), Some(picture), "{text}");
                }
            }
        }
    }

    #[test]
    fn text_without_image_or_url_is_rejected() {
        for text in [
            "",
            "  ",
            "=",
            "a",
            "data:image/png,abcd",
            "data:image/png;base64,",
            "data:;base64",
            "ftp://x/y",
            "abc$",
            "file:///etc/passwd",
            "é",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
        for url in ["http://x/y", " HTTPS://x\n"] {
            let image = Image::text(url.to_owned(), MemoryPermit::default()).unwrap();
            assert!(matches!(image.source, ImageSource::Url(found) if found == url.trim()));
        }
    }
}
