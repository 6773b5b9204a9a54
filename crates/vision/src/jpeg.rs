//! Checks the structure of a JPEG before a decoder reads it.
//! Decoders fill missing data with gray and report no error, so this module rejects a file that ends early. Each scan
//! of a progressive JPEG is a pass over all pixels, and ten megabytes hold a hundred thousand scans of a few bytes.
//! Such a file is an attack, so this module limits the number of scans.
//!
//! The decoder also shows some kinds of JPEG in wrong colors without an error. [`Coding`] rejects these kinds.

mod coding;

use coding::Coding;
pub(crate) use coding::UnsupportedCoding;

/// The most scans of a file. Encoders write about ten.
const SCANS_MAX: usize = 64;

/// A reason to reject the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The file ends before its end-of-image marker.
    Truncated,
    /// The file has more than [`SCANS_MAX`] scans.
    TooManyScans,
    /// The decoder can't show this kind of JPEG correctly.
    Unsupported(UnsupportedCoding),
}

/// Walks all segments from the start of the image to its end. Returns the first fault.
pub(crate) fn check(jpeg: &[u8]) -> Result<(), Fault> {
    let (mut at, mut scans, mut coding) = (2, 0, Coding::default());
    loop {
        let marker = next_marker(jpeg, &mut at).ok_or(Fault::Truncated)?;
        match marker {
            0xD9 if scans > 0 => return coding.check().map_err(Fault::Unsupported),
            0xD9 => return Err(Fault::Truncated),
            // Restart markers, TEM, and a second start of image have no length field.
            0x01 | 0xD0..=0xD8 => continue,
            0xDA => scans += 1,
            _ => {}
        }
        if scans > SCANS_MAX {
            return Err(Fault::TooManyScans);
        }
        let length = jpeg.get(at..at + 2).ok_or(Fault::Truncated)?;
        let end = at + usize::from(u16::from_be_bytes([length[0], length[1]]));
        coding.add_segment(marker, jpeg.get(at + 2..end).unwrap_or_default());
        at = end;
    }
}

/// Returns the next marker at or after `at` and moves `at` behind the marker, or returns `None` if there is none.
/// Skips entropy-coded data, in which `FF 00` is a data byte and `FF FF` is padding.
fn next_marker(jpeg: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += jpeg.get(*at..)?.iter().position(|byte| *byte == 0xFF)? + 1;
        match *jpeg.get(*at)? {
            0x00 | 0xFF => {}
            marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] =
        b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xDA\x00\x02data\xFF\x00data\xFF\xD0more\xFF\xD9trailing";

    #[test]
    fn whole_file_passes_and_every_prefix_is_truncated() {
        assert_eq!(check(WHOLE), Ok(()));
        for end in 2..WHOLE.len() - b"trailing".len() {
            assert_eq!(check(&WHOLE[..end]), Err(Fault::Truncated), "{end}");
        }
    }

    #[test]
    fn marker_inside_a_segment_is_ignored() {
        assert_eq!(check(b"\xFF\xD8\xFF\xE0\x00\x04\xFF\xD9"), Err(Fault::Truncated));
    }

    #[test]
    fn too_many_scans_are_rejected() {
        let scans = |n: usize| [&b"\xFF\xD8"[..], &b"\xFF\xDA\x00\x02x".repeat(n), b"\xFF\xD9"].concat();
        assert_eq!(check(&scans(SCANS_MAX)), Ok(()));
        assert_eq!(check(&scans(SCANS_MAX + 1)), Err(Fault::TooManyScans));
    }
}
