//! Generated images and models trained on them, shared by all tests.

use std::io;
use std::sync::LazyLock;

use image::{ImageFormat, Rgb, RgbImage};
use keyrack_vision::classify::{self, Classifier};
use keyrack_vision::detect::{self, Detector, Object};
use keyrack_vision::{Backbone, Flow};

pub(super) const LABELS: [&str; 2] = ["striped", "disc"];

/// The bytes of a classifier for stripes and discs.
pub(super) static CLASSIFIER: LazyLock<Vec<u8>> = LazyLock::new(|| classifier().to_bytes());
/// The bytes of a detector for bright squares.
pub(super) static DETECTOR: LazyLock<Vec<u8>> = LazyLock::new(|| detector().to_bytes());

/// An image with stripes or a disc, which varies with its number.
pub(crate) fn pattern_image(class: usize, number: u32) -> Vec<u8> {
    let (shift, step) = (number * 5, 6 + number % 4);
    let image = RgbImage::from_fn(64, 64, |x, y| {
        let dark = match class {
            0 => (x + shift) / step % 2 == 0,
            _ => x.abs_diff(32).pow(2) + y.abs_diff(28 + shift % 8).pow(2) < 300,
        };
        // One pixel makes each image unique.
        if (x, y) == (0, 0) {
            return Rgb([u8::try_from(number).unwrap(); 3]);
        }
        if dark { Rgb([20, 30, 60]) } else { Rgb([230, 220, 200]) }
    });
    encode(&image, ImageFormat::Png)
}

/// The size of the images of [`square_image`].
pub(super) const SQUARE_IMAGE_SIZE: (u32, u32) = (160, 120);

/// An image with a bright square on a dark background, and the box of the square.
pub(super) fn square_image(number: u32) -> (Vec<u8>, Object) {
    let (left, top, side) = (8 + number * 37 % 110, 6 + number * 23 % 70, 30 + number % 12);
    let image = RgbImage::from_fn(SQUARE_IMAGE_SIZE.0, SQUARE_IMAGE_SIZE.1, |x, y| {
        let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
        if inside { Rgb([250, 240, 60]) } else { Rgb([30, 40, 50]) }
    });
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let [left, top, side] = [left, top, side].map(|n| n as f32);
    (encode(&image, ImageFormat::Png), Object { class: 0, left, top, width: side, height: side })
}

/// A noise image, which doesn't compress.
pub(super) fn noise_image(width: u32, height: u32) -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, r, g, b] = state.to_be_bytes();
        Rgb([r, g, b])
    })
}

pub(super) fn encode(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn classifier() -> Classifier {
    let classes: Vec<_> = (0..24).map(|at| at % 2).collect();
    let training = classify::ClassifierTrainingSet {
        labels: &LABELS.map(String::from),
        truth: &classes,
        read: &|at| Ok(pattern_image(at % 2, u32::try_from(at).unwrap())),
    };
    let settings = keyrack_vision::TrainingSettings::default();
    classify::train(&Backbone::embedded().unwrap(), &training, &settings, &mut |_| Flow::Continue)
        .unwrap()
        .model
}

fn detector() -> Detector {
    let objects: Vec<_> = (0..40).map(|number| vec![square_image(number).1]).collect();
    let training = detect::DetectorTrainingSet {
        labels: &["square".to_owned()],
        truth: &objects,
        read: &|at| Ok(square_image(u32::try_from(at).unwrap()).0),
    };
    let settings = detect::DetectorSettings { side: 160, steps: 80, ..detect::DetectorSettings::default() };
    detect::train(&Backbone::embedded().unwrap(), &training, &settings, &mut |_| Flow::Continue)
        .unwrap()
        .model
}
