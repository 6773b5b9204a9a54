//! Maps boxes between the pixels of an image and those of the square that the network sees.

use super::Object;
use super::target_map::TargetBox;
use crate::Picture;
use crate::resize::Placement;

/// The size of an image, and where the image lies in its square.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projection {
    width: f32,
    height: f32,
    placed: Placement,
}

#[expect(clippy::cast_precision_loss, reason = "sides are below 2^24")]
impl Projection {
    pub(super) fn of(picture: &Picture, placed: Placement) -> Self {
        Self { width: picture.width() as f32, height: picture.height() as f32, placed }
    }

    /// The number of square pixels per image pixel, horizontally and vertically.
    fn scale(&self) -> (f32, f32) {
        (self.placed.width as f32 / self.width, self.placed.height as f32 / self.height)
    }

    /// Maps a box from the image to the square, clipped to the image. Returns `None` if no area is left.
    pub(super) fn target(&self, object: &Object) -> Option<TargetBox> {
        let Object { class, left, top, width, height } = self.clipped(*object)?;
        let (across, down) = self.scale();
        Some(TargetBox {
            class,
            left: left * across + self.placed.left as f32,
            top: top * down + self.placed.top as f32,
            width: width * across,
            height: height * down,
        })
    }

    /// Maps a box from the square to the image, clipped to the image. Returns `None` if no area is left.
    pub(super) fn object(&self, found: Object) -> Option<Object> {
        let (across, down) = self.scale();
        self.clipped(Object {
            class: found.class,
            left: (found.left - self.placed.left as f32) / across,
            top: (found.top - self.placed.top as f32) / down,
            width: found.width / across,
            height: found.height / down,
        })
    }

    /// Clips a box to the image. Returns `None` if no area is left.
    pub(super) fn clipped(&self, object: Object) -> Option<Object> {
        let clip = |from: f32, length: f32, most: f32| {
            let start = from.clamp(0.0, most);
            (start, (from + length).clamp(0.0, most) - start)
        };
        let (left, width) = clip(object.left, object.width, self.width);
        let (top, height) = clip(object.top, object.height, self.height);
        (width > 0.0 && height > 0.0).then_some(Object { left, top, width, height, ..object })
    }
}
