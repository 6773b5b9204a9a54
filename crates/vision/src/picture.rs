//! Decodes untrusted bytes into upright pixels.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, RgbImage};

use crate::{Format, jpeg};

/// Limits for decoding an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// The most bytes of the file.
    pub bytes: usize,
    /// The most pixels: width times height.
    pub pixels: u64,
    /// The most pixels along the longer side.
    pub side: u32,
}

impl Default for ImageLimits {
    /// 10 MB, 40 megapixels, and 16,384 pixels along a side: enough for any phone's camera, and bearable for a
    /// server. A decoder needs up to eight bytes of memory per pixel.
    fn default() -> Self {
        Self { bytes: 10_000_000, pixels: 40_000_000, side: 16_384 }
    }
}

/// Why bytes can't be decoded as an image. The number in parentheses is the matching HTTP status.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file has more bytes than the limit (413).
    #[error("The image has {bytes} bytes. Use {most} or fewer.")]
    TooManyBytes { bytes: usize, most: usize },
    /// The header announces more pixels than the limit (413). Nothing was decoded.
    #[error(
        "The image has {width} × {height} pixels. Use {most} pixels or fewer, and {side} or fewer per side."
    )]
    TooManyPixels {
        /// The width that the header announces.
        width: u32,
        /// The height that the header announces.
        height: u32,
        /// The most pixels.
        most: u64,
        /// The most pixels along a side.
        side: u32,
    },
    /// The first bytes aren't those of a supported format (415).
    #[error("This isn't a JPEG, PNG, or WebP image.")]
    NotAPicture,
    /// The file has more than one frame (422). A label couldn't say which frame it describes.
    #[error("The {0} file is animated. Use an image with one frame.")]
    Animated(Format),
    /// The file ends too early (422).
    #[error("The {0} file is incomplete.")]
    Truncated(Format),
    /// The file is valid, but its coding isn't supported (422).
    #[error("The {format} file can't be decoded: {reason}. Save it again with common settings.")]
    Unsupported {
        format: Format,
        /// What isn't supported.
        reason: String,
    },
    /// The file's data is damaged (422).
    #[error("The {format} file can't be decoded: {reason}.")]
    Broken {
        format: Format,
        /// What is wrong with the data.
        reason: &'static str,
    },
}

/// The properties of an image that its header states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    pub format: Format,
    /// The width in pixels, after applying the orientation.
    pub width: u32,
    /// The height in pixels, after applying the orientation.
    pub height: u32,
}

/// A decoded image: RGB with 8 bits per channel, turned upright according to the EXIF orientation, with transparency
/// blended onto white. Color profiles aren't applied.
#[derive(Clone, Debug)]
pub struct Picture {
    pixels: RgbImage,
    format: Format,
}

impl Picture {
    /// Decodes a JPEG (gray, YCbCr, CMYK, progressive), a PNG (all depths and color types), or a WebP.
    pub fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<Self, PictureError> {
        let (format, mut decoder) = open(bytes, limits)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder).map_err(|error| decode_error(format, &error))?;
        image.apply_orientation(orientation);
        Ok(Self { pixels: flatten_on_white(image), format })
    }

    /// Reads the format and size from the header. Decoding the pixels may still fail.
    pub fn probe(bytes: &[u8], limits: &ImageLimits) -> Result<ImageInfo, PictureError> {
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
        Ok(ImageInfo { format, width, height })
    }

    /// The format and size.
    pub fn info(&self) -> ImageInfo {
        ImageInfo { format: self.format, width: self.width(), height: self.height() }
    }

    /// The width in pixels.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// The height in pixels.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The pixels row by row, three bytes each.
    pub fn rgb(&self) -> &[u8] {
        self.pixels.as_raw()
    }

    /// Encodes the image as a JPEG. `quality` is clamped to 1–100.
    pub fn to_jpeg(&self, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality.clamp(1, 100));
        // Writing to a Vec can't fail, and `ImageLimits::side` keeps each side below JPEG's 65,535 pixels.
        if let Err(error) = self.pixels.write_with_encoder(encoder) {
            unreachable!("an image within the limits can be written as JPEG: {error}");
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

/// Returns a decoder that has read the header and checked it against the limits.
fn open<'a>(
    bytes: &'a [u8],
    limits: &ImageLimits,
) -> Result<(Format, impl ImageDecoder + use<'a>), PictureError> {
    if bytes.len() > limits.bytes {
        return Err(PictureError::TooManyBytes { bytes: bytes.len(), most: limits.bytes });
    }
    let format = Format::of(bytes).ok_or(PictureError::NotAPicture)?;
    if format.is_animated(bytes) {
        return Err(PictureError::Animated(format));
    }
    if format == Format::Jpeg {
        jpeg::check(bytes).map_err(|fault| match fault {
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
    let decoder = reader.into_decoder().map_err(|error| decode_error(format, &error))?;
    let (width, height) = decoder.dimensions();
    check_size(limits, width, height)?;
    Ok((format, decoder))
}

/// Checks the size that the first chunk announces. The decoder allocates memory for a row before it reports the size.
fn png_header(png: &[u8], limits: &ImageLimits) -> Result<(), PictureError> {
    let format = Format::Png;
    let (Some(kind), Some(size)) = (png.get(12..16), png.get(16..24)) else {
        return Err(PictureError::Truncated(format));
    };
    match kind {
        b"IHDR" => {
            let [width, height] =
                [0, 4].map(|at| u32::from_be_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]]));
            check_size(limits, width, height)
        }
        b"CgBI" => {
            let reason = "it is Apple's CgBI variant of PNG".to_owned();
            Err(PictureError::Unsupported { format, reason })
        }
        _ => Err(PictureError::Broken { format, reason: "it doesn't start with its header (IHDR)" }),
    }
}

fn check_size(limits: &ImageLimits, width: u32, height: u32) -> Result<(), PictureError> {
    if width.max(height) > limits.side || u64::from(width) * u64::from(height) > limits.pixels {
        return Err(PictureError::TooManyPixels { width, height, most: limits.pixels, side: limits.side });
    }
    Ok(())
}

/// Translates the decoder's error, which is written for programmers. Each codec reports an early end differently.
fn decode_error(format: Format, error: &ImageError) -> PictureError {
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

/// Converts to 8 bits per channel and blends transparency onto white.
fn flatten_on_white(image: DynamicImage) -> RgbImage {
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
