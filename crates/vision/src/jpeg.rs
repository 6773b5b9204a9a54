//! A walk over a JPEG's segments, before a decoder sees them: is the file whole, and how many scans has it.
//!
//! Decoders fill what is missing with grey and say nothing; a picture that stops half-way is refused here.
//! Each scan of a progressive file is a pass over all pixels, and ten megabytes hold a hundred thousand
//! scans of a few bytes: that many passes are an attack, so they are counted first.
//!
//! The decoder also shows wrong colors for some kinds of JPEG, without an error. [`Coding`] finds these kinds.

mod coding;

use coding::Coding;
pub(crate) use coding::Unsupported;

/// Encoders write ten or so.
const MOST_SCANS: usize = 64;

/// What is wrong with the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ends before its end-of-image marker.
    Truncated,
    /// More than [`MOST_SCANS`].
    TooManyScans,
    /// A kind of JPEG that the decoder cannot show as it is.
    Unsupported(Unsupported),
}

/// Walks from the start of the image to its end.
pub(crate) fn walk(jpeg: &[u8]) -> Result<(), Fault> {
    let (mut at, mut scans, mut coding) = (2, 0, Coding::default());
    loop {
        let marker = next_marker(jpeg, &mut at).ok_or(Fault::Truncated)?;
        match marker {
            0xD9 if scans > 0 => return coding.judge().map_err(Fault::Unsupported),
            0xD9 => return Err(Fault::Truncated),
            // Restarts and TEM stand alone; a second start of image does too.
            0x01 | 0xD0..=0xD8 => continue,
            0xDA => scans += 1,
            _ => {}
        }
        if scans > MOST_SCANS {
            return Err(Fault::TooManyScans);
        }
        let length = jpeg.get(at..at + 2).ok_or(Fault::Truncated)?;
        let end = at + usize::from(u16::from_be_bytes([length[0], length[1]]));
        coding.note(marker, jpeg.get(at + 2..end).unwrap_or_default());
        at = end;
    }
}

/// The next marker from `at` on, which is left behind it. Entropy-coded data is stepped over: in it,
/// `FF 00` is a byte of data, and `FF FF` a filling.
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
    fn a_whole_file_passes_and_every_shorter_one_is_truncated() {
        assert_eq!(walk(WHOLE), Ok(()));
        for end in 2..WHOLE.len() - b"trailing".len() {
            assert_eq!(walk(&WHOLE[..end]), Err(Fault::Truncated), "{end}");
        }
    }

    #[test]
    fn a_marker_inside_a_segment_is_not_one() {
        assert_eq!(walk(b"\xFF\xD8\xFF\xE0\x00\x04\xFF\xD9"), Err(Fault::Truncated));
    }

    #[test]
    fn scans_are_counted() {
        let scans = |n: usize| [&b"\xFF\xD8"[..], &b"\xFF\xDA\x00\x02x".repeat(n), b"\xFF\xD9"].concat();
        assert_eq!(walk(&scans(MOST_SCANS)), Ok(()));
        assert_eq!(walk(&scans(MOST_SCANS + 1)), Err(Fault::TooManyScans));
    }
}
