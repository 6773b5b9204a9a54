//! JPEGs of every kind of coding decode to the colors that libjpeg shows, or are rejected. Also unusual PNGs.
//!
//! `pictures/coding/README.md` describes how the files were made.

use std::path::Path;

use keyrack_vision::{ImageLimits, Picture, PictureError};

fn decode(name: &str) -> Result<Picture, PictureError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/coding").join(name);
    let bytes = std::fs::read(path).unwrap();
    let decoded = Picture::decode(&bytes, &ImageLimits::default());
    // Probing the header gives the same result as decoding.
    match (Picture::probe(&bytes, &ImageLimits::default()), &decoded) {
        (Ok(probe), Ok(picture)) => assert_eq!(probe, picture.info()),
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        (probe, decoded) => panic!("{name}: {probe:?}, {decoded:?}"),
    }
    decoded
}

/// The color of each pixel in the files.
fn painted(x: usize, y: usize) -> [u8; 3] {
    [40 + 4 * x, 220 - 6 * y, 60 + 2 * x + 2 * y].map(|value| u8::try_from(value).unwrap())
}

#[test]
fn supported_codings_decode_to_the_right_colors() {
    for name in [
        "444",
        "422",
        "420",
        "440",
        "411",
        "410",
        "1x3",
        "420-progressive",
        "411-progressive",
        "420-restart",
        "rgb",
        "rgb-named",
        "cmyk-420",
    ] {
        let picture = decode(&format!("{name}.jpg")).unwrap();
        assert_eq!((picture.width(), picture.height()), (40, 29));
        for (at, seen) in picture.rgb().chunks_exact(3).enumerate() {
            let expected = painted(at % 40, at / 40);
            let is_near = seen.iter().zip(expected).all(|(seen, expected)| seen.abs_diff(expected) <= 24);
            assert!(is_near, "{name}: {seen:?}, not {expected:?} at {at}");
        }
    }
}

#[test]
fn gray_decodes_to_the_right_brightness_for_any_sampling() {
    for name in ["gray", "gray-2x2"] {
        let picture = decode(&format!("{name}.jpg")).unwrap();
        for (at, seen) in picture.rgb().chunks_exact(3).enumerate() {
            let [red, green, blue] = painted(at % 40, at / 40).map(f64::from);
            let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
            assert!((f64::from(seen[0]) - luma).abs() < 6.0, "{name}: {seen:?}, not {luma} at {at}");
        }
    }
}

#[test]
fn codings_with_wrong_colors_are_rejected_with_a_reason() {
    for (name, expected_reason) in [
        ("chroma-finer-than-luma.jpg", "color sampling (1x1, 2x2, 1x1) is not supported"),
        ("progressive-chroma-finer-than-luma.jpg", "color sampling (1x1, 2x2, 1x1) is not supported"),
        ("no-finer-chroma-right.jpg", "color sampling (1x1, 1x1, 2x1)"),
        ("no-finer-chroma-vertical.jpg", "color sampling (4x1, 1x1, 2x2)"),
        ("no-finer-chroma-progressive.jpg", "color sampling (1x1, 4x1, 1x1)"),
        ("no-3x1.jpg", "color sampling (3x1, 1x1, 1x1)"),
        ("no-gray-3x3.jpg", "color sampling (3x3)"),
        ("no-fraction.jpg", "color sampling (1x3, 1x2, 1x1)"),
        ("no-scans-420.jpg", "colors in several scans"),
        ("no-scans-two.jpg", "colors in several scans"),
        ("no-scans-restart.jpg", "colors in several scans"),
        ("no-arithmetic.jpg", "arithmetic, lossless, and hierarchical coding"),
        ("no-lossless.jpg", "arithmetic, lossless, and hierarchical coding"),
        ("no-12-bits.jpg", "12 bits a sample"),
        ("no-jfif-adobe-rgb.jpg", "headers disagree"),
        ("no-jfif-named-rgb.jpg", "headers disagree"),
        ("no-adobe-ycc-named-rgb.jpg", "headers disagree"),
        ("no-adobe-ycc-four.jpg", "headers disagree"),
        ("cgbi.png", "Apple's CgBI variant of PNG"),
    ] {
        let error = decode(name).unwrap_err();
        assert!(matches!(error, PictureError::Unsupported { .. }), "{name}: {error}");
        assert!(error.to_string().contains(expected_reason), "{name}: {error}");
    }
}

#[test]
fn decode_error_hides_the_text_of_the_decoder() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/coding/420.jpg");
    let whole = std::fs::read(path).unwrap();
    for at in 2..whole.len() - 2 {
        let mut broken = whole.clone();
        broken[at] ^= 0xFF;
        if let Err(error) = Picture::decode(&broken, &ImageLimits::default()) {
            let expected_reason = error.to_string();
            assert!(
                !expected_reason.contains("panic")
                    && !expected_reason.contains("rror decoding")
                    && !expected_reason.contains('"'),
                "{at}: {expected_reason}"
            );
        }
    }
}

#[test]
fn png_without_leading_header_is_rejected() {
    // The data of another chunk is where the size would be.
    let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DtEXt\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0".to_vec();
    png.extend([0; 40]);
    let error = Picture::probe(&png, &ImageLimits::default()).unwrap_err();
    assert!(error.to_string().contains("doesn't start with its header"), "{error}");
}
