//! How a JPEG is coded, and whether the decoder shows that as libjpeg does.
//!
//! What is supported was measured: every sampling that libjpeg-turbo encodes, at twelve sizes, as baseline, progressive,
//! with restarts, and in several scans, was decoded by both and compared. Tests hold one file of each kind.

use std::fmt;

/// Why a JPEG is refused whose bytes are in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// Arithmetic coding, lossless, or hierarchical (ITU-T T.81, table B.1).
    Process,
    /// Not 8 bits a sample.
    Precision(u8),
    /// Neither gray, nor three colors, nor four.
    Components(usize),
    /// Horizontal and vertical sampling factors, component by component.
    Sampling(Vec<(u8, u8)>),
    /// A baseline file whose colors are not all in one scan.
    SeveralScans,
    /// Two of its headers disagree about what its components are.
    ColorModel,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("arithmetic, lossless and hierarchical coding are not supported"),
            Self::Precision(bits) => write!(f, "{bits} bits a sample are not supported, only 8"),
            Self::Components(count) => {
                write!(f, "{count} color components are not supported, only 1, 3 or 4")
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

/// What the segments of a JPEG say about its coding.
#[derive(Debug, Default)]
pub(super) struct Coding {
    frame: Option<Frame>,
    scans: usize,
    has_jfif: bool,
    adobe_transform: Option<u8>,
}

#[derive(Debug)]
struct Frame {
    /// The marker that began it.
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
/// No frame begins with these of `C0` to `CF`: Huffman tables, an extension, arithmetic conditioning.
const NO_FRAME: [u8; 3] = [0xC4, 0xC8, 0xCC];
const SCAN: u8 = 0xDA;
const JFIF: u8 = 0xE0;
const ADOBE: u8 = 0xEE;

impl Coding {
    /// Notes the segment behind a marker, without its length.
    pub(super) fn note(&mut self, marker: u8, segment: &[u8]) {
        match marker {
            0xC0..=0xCF if !NO_FRAME.contains(&marker) && self.frame.is_none() => {
                self.frame = Frame::read(marker, segment);
            }
            SCAN => self.scans += 1,
            // The lengths are those from which libjpeg believes such a segment.
            JFIF => self.has_jfif |= segment.starts_with(b"JFIF\0") && segment.len() >= 12,
            ADOBE if segment.starts_with(b"Adobe") && segment.len() >= 12 => {
                self.adobe_transform = Some(segment[11]);
            }
            _ => {}
        }
    }

    /// Refuses what the decoder would show in wrong colors, or not at all. Says nothing about a file without a frame.
    pub(super) fn judge(&self) -> Result<(), Unsupported> {
        let Some(Frame { marker, precision, components }) = &self.frame else { return Ok(()) };
        if !matches!(*marker, BASELINE | EXTENDED | PROGRESSIVE) {
            return Err(Unsupported::Process);
        }
        if *precision != 8 {
            return Err(Unsupported::Precision(*precision));
        }
        if !matches!(components.len(), 1 | 3 | 4) {
            return Err(Unsupported::Components(components.len()));
        }
        if !components.iter().all(|one| one.is_supported(components[0])) {
            let factors = components.iter().map(|one| (one.horizontal, one.vertical));
            return Err(Unsupported::Sampling(factors.collect()));
        }
        if *marker != PROGRESSIVE && components.len() > 1 && self.scans > 1 {
            return Err(Unsupported::SeveralScans);
        }
        if self.has_one_color_model(components) { Ok(()) } else { Err(Unsupported::ColorModel) }
    }

    /// libjpeg goes by JFIF, then by Adobe's transform, then by the components' names. The decoder goes by the names,
    /// then by Adobe's transform. Where both come to the same, so does everybody else.
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
    /// `None` if the segment is too short for what it announces: then the decoder says so.
    fn read(marker: u8, segment: &[u8]) -> Option<Self> {
        let (&[precision, _, _, _, _, count], components) = segment.split_first_chunk::<6>()?;
        let components = components.get(..3 * usize::from(count))?.chunks_exact(3);
        let component =
            |one: &[u8]| Component { id: one[0], horizontal: one[1] >> 4, vertical: one[1] & 0x0F };
        Some(Self { marker, precision, components: components.map(component).collect() })
    }
}

impl Component {
    /// Whether the decoder scales it up to the first component, which has to be the finest.
    fn is_supported(self, first: Self) -> bool {
        matches!(self.horizontal, 1 | 2 | 4)
            && matches!(self.vertical, 1..=4)
            && self.horizontal <= first.horizontal
            && first.vertical.is_multiple_of(self.vertical)
            && !(first.vertical == 4 && self.vertical == 2)
    }
}
