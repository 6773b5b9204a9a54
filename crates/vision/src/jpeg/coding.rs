//! Decides whether the decoder shows a JPEG in the same colors as libjpeg.
//!
//! The rules come from a measurement: images with every sampling that libjpeg-turbo encodes, in twelve sizes,
//! baseline, progressive, with restarts, and in several scans, were decoded by both libraries and compared. The
//! tests hold one file of each kind.

use std::fmt;

/// A valid JPEG that the decoder can't show correctly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnsupportedCoding {
    /// Arithmetic, lossless, or hierarchical coding (ITU-T T.81, table B.1).
    Process,
    /// The number of bits per sample, which isn't 8.
    Precision(u8),
    /// The number of color components, which isn't 1, 3, or 4.
    Components(usize),
    /// The horizontal and vertical sampling factors of each component.
    Sampling(Vec<(u8, u8)>),
    /// A baseline file with its colors in more than one scan.
    SeveralScans,
    /// Two headers disagree about the color model.
    ColorModel,
}

impl fmt::Display for UnsupportedCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("arithmetic, lossless, and hierarchical coding are not supported"),
            Self::Precision(bits) => write!(f, "{bits} bits a sample are not supported, only 8"),
            Self::Components(count) => {
                write!(f, "{count} color components are not supported, only 1, 3, or 4")
            }
            Self::Sampling(factors) => {
                let factors: Vec<_> = factors.iter().map(|(h, v)| format!("{h}x{v}")).collect();
                write!(f, "its color sampling ({}) is not supported", factors.join(", "))
            }
            Self::SeveralScans => {
                f.write_str("baseline coding with its colors in several scans is not supported")
            }
            Self::ColorModel => f.write_str("its headers disagree about its color model"),
        }
    }
}

/// What the segments of a JPEG declare about its coding.
#[derive(Debug, Default)]
pub(super) struct Coding {
    frame: Option<Frame>,
    scans: usize,
    has_jfif: bool,
    adobe_transform: Option<u8>,
}

#[derive(Debug)]
struct Frame {
    /// The start-of-frame marker.
    marker: u8,
    precision: u8,
    components: Vec<Component>,
}

#[derive(Clone, Copy, Debug)]
struct Component {
    id: u8,
    horizontal: u8,
    vertical: u8,
}

const BASELINE: u8 = 0xC0;
const EXTENDED: u8 = 0xC1;
const PROGRESSIVE: u8 = 0xC2;
/// Markers from `C0` to `CF` that don't start a frame: Huffman tables, an extension, arithmetic conditioning.
const NO_FRAME: [u8; 3] = [0xC4, 0xC8, 0xCC];
const SCAN: u8 = 0xDA;
const JFIF: u8 = 0xE0;
const ADOBE: u8 = 0xEE;

impl Coding {
    /// Records a segment. `segment` excludes the marker and the length field.
    pub(super) fn add_segment(&mut self, marker: u8, segment: &[u8]) {
        match marker {
            0xC0..=0xCF if !NO_FRAME.contains(&marker) && self.frame.is_none() => {
                self.frame = Frame::read(marker, segment);
            }
            SCAN => self.scans += 1,
            // libjpeg ignores shorter segments of these two kinds.
            JFIF => self.has_jfif |= segment.starts_with(b"JFIF\0") && segment.len() >= 12,
            ADOBE if segment.starts_with(b"Adobe") && segment.len() >= 12 => {
                self.adobe_transform = Some(segment[11]);
            }
            _ => {}
        }
    }

    /// Returns an error if the decoder would show wrong colors or no image. Accepts a file without a frame,
    /// which the decoder rejects.
    pub(super) fn check(&self) -> Result<(), UnsupportedCoding> {
        let Some(Frame { marker, precision, components }) = &self.frame else { return Ok(()) };
        if !matches!(*marker, BASELINE | EXTENDED | PROGRESSIVE) {
            return Err(UnsupportedCoding::Process);
        }
        if *precision != 8 {
            return Err(UnsupportedCoding::Precision(*precision));
        }
        if !matches!(components.len(), 1 | 3 | 4) {
            return Err(UnsupportedCoding::Components(components.len()));
        }
        if !components.iter().all(|one| one.is_supported(components[0])) {
            let factors = components.iter().map(|one| (one.horizontal, one.vertical));
            return Err(UnsupportedCoding::Sampling(factors.collect()));
        }
        if *marker != PROGRESSIVE && components.len() > 1 && self.scans > 1 {
            return Err(UnsupportedCoding::SeveralScans);
        }
        if self.has_one_color_model(components) { Ok(()) } else { Err(UnsupportedCoding::ColorModel) }
    }

    /// Returns whether all decoders agree on the color model. libjpeg looks at JFIF, then Adobe's
    /// transform, then the component names. Our decoder looks at the names, then Adobe's transform. If
    /// these two agree, so do other decoders.
    fn has_one_color_model(&self, components: &[Component]) -> bool {
        let is_named_rgb = components.iter().map(|one| one.id).eq(*b"RGB");
        match (components.len(), self.adobe_transform) {
            (3, Some(0)) => !self.has_jfif,
            (3, Some(_)) => !is_named_rgb,
            (3, None) => !(is_named_rgb && self.has_jfif),
            (4, Some(transform)) => matches!(transform, 0 | 2),
            _ => true,
        }
    }
}

impl Frame {
    /// Returns `None` if the segment is shorter than it announces. The decoder then rejects the file.
    fn read(marker: u8, segment: &[u8]) -> Option<Self> {
        let (&[precision, _, _, _, _, count], components) = segment.split_first_chunk::<6>()?;
        let components = components.get(..3 * usize::from(count))?.chunks_exact(3);
        let component =
            |one: &[u8]| Component { id: one[0], horizontal: one[1] >> 4, vertical: one[1] & 0x0F };
        Some(Self { marker, precision, components: components.map(component).collect() })
    }
}

impl Component {
    /// Returns whether the decoder scales this component up to the first component, which must
    /// have the finest sampling.
    fn is_supported(self, first: Self) -> bool {
        matches!(self.horizontal, 1 | 2 | 4)
            && matches!(self.vertical, 1..=4)
            && self.horizontal <= first.horizontal
            && first.vertical.is_multiple_of(self.vertical)
            && !(first.vertical == 4 && self.vertical == 2)
    }
}
