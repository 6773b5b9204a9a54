//! Detects the format of an image file from its first bytes, and whether the file holds a single still image.

use std::fmt;

/// An image format that this crate decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (W3C Portable Network Graphics).
    Png,
    /// WebP (RFC 9649).
    WebP,
}

impl Format {
    /// Returns the format that the first bytes announce, or `None` for any other format. File names and `Content-Type`
    /// headers don't matter.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }

    /// Returns the media type for the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    pub(crate) const fn codec(self) -> image::ImageFormat {
        match self {
            Self::Jpeg => image::ImageFormat::Jpeg,
            Self::Png => image::ImageFormat::Png,
            Self::WebP => image::ImageFormat::WebP,
        }
    }

    /// Returns whether the file announces more than one frame.
    pub(crate) fn is_animated(self, bytes: &[u8]) -> bool {
        match self {
            Self::Jpeg => false,
            Self::Png => has_animation_chunk(bytes),
            // The animation flag of the VP8X header (RFC 9649, section 2.7.1).
            Self::WebP => bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|f| f & 0b10 != 0),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        })
    }
}

/// Returns whether the file has an `acTL` chunk, which must precede the first `IDAT` (PNG, third edition, 11.3.6.1).
fn has_animation_chunk(png: &[u8]) -> bool {
    let mut rest = png.get(8..).unwrap_or_default();
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        match &head[4..] {
            b"acTL" => return true,
            b"IDAT" => return false,
            // Skip the chunk's data and its four-byte CRC.
            _ => rest = tail.get(length.saturating_add(4)..).unwrap_or_default(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_the_first_bytes() {
        for other in [
            &b""[..],
            b"\xFF\xD8",
            b"GIF89a",
            b"BM",
            b"<svg xmlns=",
            b"<!doctype html>",
            b"II*\0",
            b"RIFF1234WAVE",
        ] {
            assert_eq!(Format::of(other), None, "{other:?}");
        }
        assert_eq!(Format::of(b"\xFF\xD8\xFF\xE0"), Some(Format::Jpeg));
        assert_eq!(Format::of(b"\x89PNG\r\n\x1A\n"), Some(Format::Png));
        assert_eq!(Format::of(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::WebP));
    }

    #[test]
    fn chunk_with_wrong_length_ends_the_search() {
        let mut png = b"\x89PNG\r\n\x1A\n".to_vec();
        png.extend(b"\xFF\xFF\xFF\xFFiTXtabc");
        assert!(!Format::Png.is_animated(&png));
    }
}
