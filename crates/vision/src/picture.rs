//! From bytes that nobody vouches for to upright pixels, or a word about why not.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, RgbImage};

use crate::{Format, jpeg};

/// The most that a decoder is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Width times height.
    pub pixels: u64,
    /// Pixels along the longer side.
    pub side: u32,
}

impl Default for Limits {
    /// 10 MB, 40 megapixels, 16,384 along a side: more than a phone takes, less than a machine minds
    /// (a decoder holds up to eight bytes for each pixel).
    fn default() -> Self {
        Self { bytes: 10_000_000, pixels: 40_000_000, side: 16_384 }
    }
}

/// Why some bytes are not a picture that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// More bytes than the limit (413).
    #[error("the image has {bytes} bytes; at most {most} are accepted")]
    TooManyBytes {
        /// Of this file.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// The header announces more pixels than the limit; nothing was decoded (413).
    #[error(
        "the image is {width} × {height} pixels; at most {most} pixels and {side} along a side are accepted"
    )]
    TooManyPixels {
        /// As the file announces it.
        width: u32,
        /// As the file announces it.
        height: u32,
        /// The limit of pixels.
        most: u64,
        /// The limit along a side.
        side: u32,
    },
    /// Something else by its bytes (415).
    #[error("the bytes are not a JPEG, PNG or WebP image")]
    NotAPicture,
    /// More than one frame (422): which of them would a label be about?
    #[error("the {0} is animated; one still picture is expected")]
    Animated(Format),
    /// The file ends too early (422).
    #[error("the {0} is cut off before its end")]
    Truncated(Format),
    /// A kind of the format that is not decoded here, although nothing is wrong with it (422).
    #[error("the {format} cannot be decoded: {reason}; save it again with common settings")]
    Unsupported {
        /// By its bytes.
        format: Format,
        /// What is not supported.
        reason: String,
    },
    /// Its data is damaged (422).
    #[error("the {format} cannot be decoded: {reason}")]
    Broken {
        /// By its bytes.
        format: Format,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What can be said of a picture without decoding its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// By its bytes.
    pub format: Format,
    /// Pixels, as the picture is shown.
    pub width: u32,
    /// Pixels, as the picture is shown.
    pub height: u32,
}

/// A decoded picture: RGB, 8 bits, upright as its EXIF orientation says, on white where it was transparent.
/// Colour profiles are not applied.
#[derive(Clone, Debug)]
pub struct Picture {
    pixels: RgbImage,
    format: Format,
}

impl Picture {
    /// Decodes a JPEG (grey, YCbCr, CMYK, progressive), PNG (all depths and colour types) or WebP.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, PictureError> {
        let (format, mut decoder) = open(bytes, limits)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(format, &error))?;
        image.apply_orientation(orientation);
        Ok(Self { pixels: on_white(image), format })
    }

    /// Format and size of a picture, by its header. The pixels may still turn out to be broken.
    pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, PictureError> {
        let (format, mut decoder) = open(bytes, limits)?;
        let (width, height) = decoder.dimensions();
        let turned = matches!(
            decoder.orientation().unwrap_or(Orientation::NoTransforms),
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let (width, height) = if turned { (height, width) } else { (width, height) };
        Ok(Probe { format, width, height })
    }

    /// Format and size.
    pub fn probed(&self) -> Probe {
        Probe { format: self.format, width: self.width(), height: self.height() }
    }

    /// Pixels from left to right, as the picture is shown.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Pixels from top to bottom, as the picture is shown.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// Three bytes a pixel, row by row.
    pub fn rgb(&self) -> &[u8] {
        self.pixels.as_raw()
    }

    /// A JPEG of it, at `quality` of 1 to 100.
    pub fn to_jpeg(&self, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality.clamp(1, 100));
        // A Vec takes every byte, and no side is above JPEG's 65,535: Limits::side saw to that.
        if let Err(error) = self.pixels.write_with_encoder(encoder) {
            unreachable!("a picture within its limits is a JPEG: {error}");
        }
        out
    }

    pub(crate) fn from_pixels(pixels: RgbImage, format: Format) -> Self {
        Self { pixels, format }
    }

    pub(crate) fn pixels(&self) -> &RgbImage {
        &self.pixels
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }
}

/// A decoder that has read the header, and been found within the limits.
fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Format, impl ImageDecoder + use<'a>), PictureError> {
    if bytes.len() > limits.bytes {
        return Err(PictureError::TooManyBytes { bytes: bytes.len(), most: limits.bytes });
    }
    let format = Format::of(bytes).ok_or(PictureError::NotAPicture)?;
    if format.is_animated(bytes) {
        return Err(PictureError::Animated(format));
    }
    if format == Format::Jpeg {
        jpeg::walk(bytes).map_err(|fault| match fault {
            jpeg::Fault::Truncated => PictureError::Truncated(format),
            jpeg::Fault::TooManyScans => PictureError::Broken { format, reason: "it has too many scans" },
            jpeg::Fault::Unsupported(kind) => PictureError::Unsupported { format, reason: kind.to_string() },
        })?;
    }
    if format == Format::Png {
        png_header(bytes, limits)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.codec());
    let mut most = image::Limits::default();
    most.max_alloc = Some(limits.pixels.saturating_mul(8));
    reader.limits(most);
    let decoder = reader.into_decoder().map_err(|error| refusal(format, &error))?;
    let (width, height) = decoder.dimensions();
    within(limits, width, height)?;
    Ok((format, decoder))
}

/// Checks the size that the first chunk announces: the decoder makes room for a row before it says how long that is.
fn png_header(png: &[u8], limits: &Limits) -> Result<(), PictureError> {
    let format = Format::Png;
    let (Some(kind), Some(size)) = (png.get(12..16), png.get(16..24)) else {
        return Err(PictureError::Truncated(format));
    };
    match kind {
        b"IHDR" => {
            let [width, height] =
                [0, 4].map(|at| u32::from_be_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]]));
            within(limits, width, height)
        }
        b"CgBI" => {
            let reason = "it is Apple's CgBI variant of PNG".to_owned();
            Err(PictureError::Unsupported { format, reason })
        }
        _ => Err(PictureError::Broken { format, reason: "it doesn't begin with its header (IHDR)" }),
    }
}

fn within(limits: &Limits, width: u32, height: u32) -> Result<(), PictureError> {
    if width.max(height) > limits.side || u64::from(width) * u64::from(height) > limits.pixels {
        return Err(PictureError::TooManyPixels { width, height, most: limits.pixels, side: limits.side });
    }
    Ok(())
}

/// The decoder's error in our words: it speaks to programmers. A file that ends too early is told apart, in as many ways as
/// there are readers.
fn refusal(format: Format, error: &ImageError) -> PictureError {
    let reason = error.to_string();
    let ended = matches!(error, ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof);
    if ended || reason.contains("UnexpectedEof") || reason.contains("unexpected end of file") {
        return PictureError::Truncated(format);
    }
    let reason = match error {
        ImageError::Unsupported(_) => "it uses a feature that is not supported",
        ImageError::Limits(_) => "it needs more memory than images may take",
        _ => "its data is damaged",
    };
    PictureError::Broken { format, reason }
}

/// Drops depth and transparency.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    let mut flat = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in flat.pixels_mut().zip(rgba.pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let value = (u32::from(from[channel]) * alpha + 255 * (255 - alpha) + 127) / 255;
            to[channel] = u8::try_from(value).unwrap_or(u8::MAX);
        }
    }
    flat
}
