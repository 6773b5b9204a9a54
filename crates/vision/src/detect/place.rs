//! From a picture's pixels to those of the square that the network sees, and back.

use super::Object;
use super::target::Target;
use crate::Picture;
use crate::resize::Placed;

/// The size of a picture, and where it lies in its square.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    width: f32,
    height: f32,
    placed: Placed,
}

#[expect(clippy::cast_precision_loss, reason = "sides are below 2^24")]
impl Place {
    pub(super) fn of(picture: &Picture, placed: Placed) -> Self {
        Self { width: picture.width() as f32, height: picture.height() as f32, placed }
    }

    /// Pixels of the square to a pixel of the picture, across and down.
    fn scale(&self) -> (f32, f32) {
        (self.placed.width as f32 / self.width, self.placed.height as f32 / self.height)
    }

    /// Into the square, clipped to the picture; nothing where no area is left.
    pub(super) fn target(&self, object: &Object) -> Option<Target> {
        let Object { class, left, top, width, height } = self.clipped(*object)?;
        let (across, down) = self.scale();
        Some(Target {
            class,
            left: left * across + self.placed.left as f32,
            top: top * down + self.placed.top as f32,
            width: width * across,
            height: height * down,
        })
    }

    /// Out of the square, clipped to the picture; nothing where no area is left.
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

    /// The part of a box that lies in the picture.
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
