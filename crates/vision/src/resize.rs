//! Resizes images: thumbnails for people, squares for the backbone.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use crate::Picture;

/// How an image becomes the square that the backbone takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Stretch both sides to the square's side, which changes the proportions.
    #[default]
    Squash,
    /// Keep the proportions, center the image, and fill the rest with the backbone's mean color.
    Letterbox,
}

/// The position and size of an image within its square, in the square's pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placement {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    /// Returns a copy whose longer side has at most `longest` pixels. Never enlarges the image.
    #[must_use]
    pub fn thumbnail(&self, longest: u32) -> Picture {
        let long = self.width().max(self.height());
        if long <= longest || longest == 0 {
            return self.clone();
        }
        let scale = |side: u32| scaled_side(u64::from(side) * u64::from(longest), u64::from(long));
        Picture::from_pixels(resized(self, scale(self.width()), scale(self.height())), self.format())
    }

    /// Returns the square of `side` pixels for the backbone. `fill` is the color around a letterboxed image.
    pub(crate) fn square(&self, side: u32, frame: ResizeMode, fill: [u8; 3]) -> (RgbImage, Placement) {
        let placed = placement(self.width(), self.height(), side, frame);
        let small = resized(self, placed.width, placed.height);
        if (placed.width, placed.height) == (side, side) {
            return (small, placed);
        }
        let mut square = RgbImage::from_pixel(side, side, image::Rgb(fill));
        image::imageops::replace(&mut square, &small, placed.left.into(), placed.top.into());
        (square, placed)
    }
}

fn placement(width: u32, height: u32, side: u32, frame: ResizeMode) -> Placement {
    if frame == ResizeMode::Squash {
        return Placement { left: 0, top: 0, width: side, height: side };
    }
    let long = u64::from(width.max(height));
    let scale = |length: u32| scaled_side(u64::from(length) * u64::from(side), long).min(side);
    let (width, height) = (scale(width), scale(height));
    Placement { left: (side - width) / 2, top: (side - height) / 2, width, height }
}

/// Returns `numerator / denominator`, rounded, but at least 1.
fn scaled_side(numerator: u64, denominator: u64) -> u32 {
    u32::try_from((numerator + denominator / 2) / denominator).unwrap_or(u32::MAX).max(1)
}

/// Resizes bilinearly, with a filter as wide as the reduction requires, so that nothing aliases.
fn resized(picture: &Picture, width: u32, height: u32) -> RgbImage {
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let mut small = Image::new(width, height, PixelType::U8x3);
    // Neither call can fail: the buffer has three bytes per pixel, and both images have the same pixel type.
    let done = ImageRef::new(picture.width(), picture.height(), picture.rgb(), PixelType::U8x3)
        .map_err(|error| error.to_string())
        .and_then(|from| {
            Resizer::new().resize(&from, &mut small, &options).map_err(|error| error.to_string())
        });
    match (done, RgbImage::from_raw(width, height, small.into_vec())) {
        (Ok(()), Some(pixels)) => pixels,
        (done, _) => unreachable!("an image can be resized: {done:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn letterbox_stays_inside_the_square_and_touches_two_edges(width in 1u32..16_384, height in 1u32..16_384) {
            let at = placement(width, height, 320, ResizeMode::Letterbox);
            prop_assert!(at.width >= 1 && at.height >= 1);
            prop_assert!(at.left + at.width <= 320 && at.top + at.height <= 320);
            prop_assert_eq!(at.width.max(at.height), 320);
        }
    }

    #[test]
    fn thumbnail_keeps_proportions_and_never_grows() {
        let picture = Picture::from_pixels(RgbImage::new(400, 100), crate::Format::Png);
        let small = picture.thumbnail(100);
        assert_eq!((small.width(), small.height()), (100, 25));
        assert_eq!(picture.thumbnail(1000).width(), 400);
        let line = Picture::from_pixels(RgbImage::new(1, 9000), crate::Format::Png).thumbnail(64);
        assert_eq!((line.width(), line.height()), (1, 64));
    }
}
