//! Bytes as a picture: probed, decoded, made small, written again.
#![no_main]

use keyrack_vision::{ImageLimits, Picture};
use libfuzzer_sys::fuzz_target;

const LIMITS: ImageLimits = ImageLimits { bytes: 100_000, pixels: 250_000, side: 2_000 };

fuzz_target!(|bytes: &[u8]| {
    let probe = Picture::probe(bytes, &LIMITS);
    let Ok(picture) = Picture::decode(bytes, &LIMITS) else { return };
    assert_eq!(probe.ok(), Some(picture.info()), "the header promises what the pixels keep");
    assert!(u64::from(picture.width()) * u64::from(picture.height()) <= LIMITS.pixels);
    let small = picture.thumbnail(64);
    assert!(small.width().max(small.height()) <= 64);
    assert!(Picture::decode(&small.to_jpeg(80), &LIMITS).is_ok());
});
