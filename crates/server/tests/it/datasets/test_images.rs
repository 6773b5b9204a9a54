//! Generated images, valid and hostile.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

pub(super) const CMYK: &[u8] = include_bytes!("../../../../vision/tests/pictures/red-cmyk.jpg");
pub(super) const LOSSY_WEBP: &[u8] = include_bytes!("../../../../vision/tests/pictures/red-lossy.webp");
pub(super) const ANIMATED_WEBP: &[u8] = include_bytes!("../../../../vision/tests/pictures/animated.webp");

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode(&gradient(width, height).into(), ImageFormat::Jpeg)
}

pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    encode(&gradient(width, height).into(), ImageFormat::Png)
}

pub(super) fn png_16_bit() -> Vec<u8> {
    let deep = image::ImageBuffer::from_pixel(9, 5, image::Rgba([65_535u16, 32_768, 0, 65_535]));
    encode(&DynamicImage::ImageRgba16(deep), ImageFormat::Png)
}

/// A JPEG of 32 × 16 pixels whose EXIF orientation rotates it.
pub(super) fn rotated_jpeg() -> Vec<u8> {
    let jpeg = jpeg(32, 16);
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, exif, &jpeg[2..]].concat()
}

/// A PNG header for this size with almost no data.
pub(super) fn png_header(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let start = b"\x89PNG\r\n\x1A\n".to_vec();
    [start, chunk(b"IHDR", &header), chunk(b"IDAT", &[0x78, 0x9C, 3, 0, 0, 0, 0, 1]), chunk(b"IEND", b"")]
        .concat()
}

pub(crate) fn animated_png() -> Vec<u8> {
    let still = png(8, 8);
    [&still[..33], &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), &still[33..]].concat()
}

fn gradient(width: u32, height: u32) -> RgbImage {
    let shade = |part: u32, whole: u32| u8::try_from(part * 255 / whole).unwrap();
    RgbImage::from_fn(width, height, |x, y| Rgb([shade(x, width), shade(y, height), 99]))
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG chunk with its CRC.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "byte strings are references")]
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = !0u32;
    for byte in kind.iter().chain(data) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], kind, data, &(!crc).to_be_bytes()].concat()
}
