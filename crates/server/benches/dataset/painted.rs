//! Pictures with something in them: stripes whose width tells the class, on noise that no two pictures share.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

/// A JPEG of 640 × 480.
pub(crate) fn picture(number: usize) -> Vec<u8> {
    let mut state = u32::try_from(number).unwrap().wrapping_mul(2_654_435_761) | 1;
    let stripe = 8 << (number % 4);
    let image = RgbImage::from_fn(640, 480, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let noise = u8::try_from(state % 40).unwrap();
        let lit = ((x + y) / stripe).is_multiple_of(2);
        if lit { Rgb([180 + noise, 150, 60 + noise]) } else { Rgb([40, 60 + noise, 120 + noise]) }
    });
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 75)).unwrap();
    bytes
}
