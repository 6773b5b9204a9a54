//! Untrusted bytes decode to an upright image on white, or return a typed error.

use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use keyrack_vision::{Format, ImageLimits, Picture, PictureError};

const CMYK: &[u8] = include_bytes!("../pictures/red-cmyk.jpg");
const LOSSY_WEBP: &[u8] = include_bytes!("../pictures/red-lossy.webp");
const ANIMATED_WEBP: &[u8] = include_bytes!("../pictures/animated.webp");
const PROGRESSIVE: &[u8] = include_bytes!("../pictures/green-progressive.jpg");

fn decode(bytes: &[u8]) -> Result<Picture, PictureError> {
    Picture::decode(bytes, &ImageLimits::default())
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An image with a red left half and a blue right half.
fn halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(
        width,
        height,
        |x, _| if x < width / 2 { Rgb([250, 10, 10]) } else { Rgb([10, 10, 250]) },
    )
}

fn noise(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let mixed = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761).to_le_bytes();
        Rgb([mixed[1], mixed[2], mixed[3]])
    })
}

fn at(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let from = ((y * picture.width() + x) * 3) as usize;
    picture.rgb()[from..from + 3].try_into().unwrap()
}

fn assert_near(seen: [u8; 3], expected: [u8; 3]) {
    assert!(seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 12), "{seen:?}, not {expected:?}");
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

/// A PNG whose header announces a size, but which has nearly no data.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &[0x78, 0x9C, 3, 0, 0, 0, 0, 1]),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// A JPEG with an EXIF orientation segment directly after the start marker.
fn turned(orientation: u8) -> Vec<u8> {
    let jpeg = encoded(&halves(32, 16).into(), ImageFormat::Jpeg);
    let exif = [
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(),
        &[orientation, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn format_is_detected_by_bytes() {
    for (format, codec) in [
        (Format::Jpeg, ImageFormat::Jpeg),
        (Format::Png, ImageFormat::Png),
        (Format::WebP, ImageFormat::WebP),
    ] {
        let picture = decode(&encoded(&halves(32, 16).into(), codec)).unwrap();
        assert_eq!((picture.info().format, picture.width(), picture.height()), (format, 32, 16));
        assert_near(at(&picture, 2, 8), [250, 10, 10]);
        assert_near(at(&picture, 29, 8), [10, 10, 250]);
    }
    assert_near(at(&decode(LOSSY_WEBP).unwrap(), 4, 4), [200, 30, 30]);
    assert_near(at(&decode(PROGRESSIVE).unwrap(), 4, 4), [30, 200, 30]);
}

#[test]
fn cmyk_becomes_rgb() {
    assert_near(at(&decode(CMYK).unwrap(), 4, 4), [254, 0, 0]);
}

#[test]
fn deep_gray_and_palette_images_become_rgb() {
    let deep = image::ImageBuffer::from_pixel(4, 4, image::Rgba([65535u16, 32768, 0, 65535]));
    assert_near(
        at(&decode(&encoded(&DynamicImage::ImageRgba16(deep), ImageFormat::Png)).unwrap(), 1, 1),
        [255, 128, 0],
    );
    let gray = image::GrayImage::from_pixel(4, 4, image::Luma([77]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        assert_near(at(&decode(&encoded(&gray.clone().into(), format)).unwrap(), 1, 1), [77, 77, 77]);
    }
    // A pixel of one bit with a palette of one color.
    let header = [&1u32.to_be_bytes()[..], &1u32.to_be_bytes(), &[1, 3, 0, 0, 0]].concat();
    let stored = [0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, 0, 0, 2, 0, 1];
    let png = [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"PLTE", &[9, 99, 199]),
        chunk(b"IDAT", &stored),
        chunk(b"IEND", b""),
    ];
    assert_eq!(at(&decode(&png.concat()).unwrap(), 0, 0), [9, 99, 199]);
}

#[test]
fn transparency_is_blended_onto_white() {
    let clear = image::RgbaImage::from_fn(3, 1, |x, _| image::Rgba([0, 0, 0, [0, 128, 255][x as usize]]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let picture = decode(&encoded(&clear.clone().into(), format)).unwrap();
        assert_eq!([at(&picture, 0, 0)[0], at(&picture, 1, 0)[0], at(&picture, 2, 0)[0]], [255, 127, 0]);
    }
}

#[test]
fn exif_orientation_rotates_pixels_and_size() {
    // The position of the red half: left, right, right, left, top, top, bottom, bottom (Exif 3.0, 4.6.5.1.6).
    let red = [
        (1, (1, 8)),
        (2, (30, 8)),
        (3, (30, 8)),
        (4, (1, 8)),
        (5, (8, 1)),
        (6, (8, 1)),
        (7, (8, 30)),
        (8, (8, 30)),
    ];
    for (orientation, (x, y)) in red {
        let bytes = turned(orientation);
        let picture = decode(&bytes).unwrap();
        assert_near(at(&picture, x, y), [250, 10, 10]);
        assert_eq!((picture.width(), picture.height()), if orientation < 5 { (32, 16) } else { (16, 32) });
        assert_eq!(Picture::probe(&bytes, &ImageLimits::default()).unwrap(), picture.info());
    }
    for nonsense in [0, 9, 255] {
        assert_eq!(decode(&turned(nonsense)).unwrap().width(), 32);
    }
}

#[test]
fn other_formats_are_rejected() {
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
    let others: [&[u8]; 7] = [
        b"",
        b"\0",
        gif,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><script>",
        b"%PDF-1.7",
        b"PK\x03\x04",
    ];
    for bytes in others {
        assert!(matches!(decode(bytes), Err(PictureError::NotAPicture)), "{bytes:?}");
    }
}

#[test]
fn oversized_header_is_rejected_before_decoding() {
    for (width, height) in [(50_000, 1), (1, 50_000), (16_384, 16_384), (1 << 30, 1 << 30), (7000, 7000)] {
        let error = decode(&png_of(width, height)).unwrap_err();
        assert!(matches!(error, PictureError::TooManyPixels { .. }), "{width} × {height}: {error}");
    }
    let mut jpeg = encoded(&halves(32, 16).into(), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    assert!(matches!(decode(&jpeg), Err(PictureError::TooManyPixels { width: 65_535, height: 65_535, .. })));
}

#[test]
fn missing_pixels_and_empty_sizes_are_rejected() {
    // An image without pixel data, and sizes without area.
    for bytes in [png_of(100, 100), png_of(0, 10), png_of(0, 0)] {
        assert!(matches!(decode(&bytes), Err(PictureError::Broken { .. } | PictureError::Truncated(_))));
    }
    let limits = ImageLimits { bytes: 100, ..ImageLimits::default() };
    assert!(matches!(
        Picture::decode(&[0; 101], &limits),
        Err(PictureError::TooManyBytes { bytes: 101, most: 100 })
    ));
}

#[test]
fn truncated_image_is_rejected() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let whole = encoded(&noise(64, 64).into(), format);
        for share in [3, 10, 30, 50, 70, 90, 97] {
            let error = decode(&whole[..whole.len() * share / 100]).unwrap_err();
            let expected = matches!(
                error,
                PictureError::Truncated(_) | PictureError::Broken { .. } | PictureError::NotAPicture
            );
            assert!(expected, "{format:?} {share} %: {error}");
        }
    }
    assert!(matches!(
        decode(&PROGRESSIVE[..PROGRESSIVE.len() - 2]),
        Err(PictureError::Truncated(Format::Jpeg))
    ));
    assert!(decode(&LOSSY_WEBP[..LOSSY_WEBP.len() / 2]).is_err());
}

#[test]
fn animated_image_is_rejected() {
    assert!(matches!(decode(ANIMATED_WEBP), Err(PictureError::Animated(Format::WebP))));
    let still = encoded(&halves(8, 8).into(), ImageFormat::Png);
    let moving = [&still[..33], &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), &still[33..]].concat();
    assert!(matches!(decode(&moving), Err(PictureError::Animated(Format::Png))));
}

#[test]
fn changed_bytes_never_panic() {
    let mut pictures: Vec<Vec<u8>> = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP]
        .map(|format| encoded(&noise(24, 24).into(), format))
        .into();
    pictures.extend([CMYK, LOSSY_WEBP, ANIMATED_WEBP, PROGRESSIVE].map(<[u8]>::to_vec));
    let limits = ImageLimits { pixels: 100_000, ..ImageLimits::default() };
    let mut state = 1u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for picture in &pictures {
        for _ in 0..300 {
            let mut bytes = picture.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).unwrap();
            }
            if let Ok(picture) = Picture::decode(&bytes, &limits) {
                assert!(u64::from(picture.width()) * u64::from(picture.height()) <= limits.pixels);
                assert_eq!(picture.rgb().len(), (picture.width() * picture.height() * 3) as usize);
            }
        }
    }
}

#[test]
fn encoded_jpeg_decodes_again() {
    let picture = decode(&encoded(&halves(300, 150).into(), ImageFormat::Png)).unwrap();
    let small = decode(&picture.thumbnail(64).to_jpeg(80)).unwrap();
    assert_eq!((small.width(), small.height()), (64, 32));
    assert_near(at(&small, 4, 16), [250, 10, 10]);
}

#[test]
fn gray_alpha_with_16_bits_is_decoded() {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(&[0, 100, 128, 0], 1, 1, ExtendedColorType::La16).unwrap();
    assert!(decode(&bytes).is_ok());
}
