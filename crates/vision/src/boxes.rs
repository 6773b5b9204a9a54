//! Boxes as people and clients send them, and how they are clipped to an image.

use serde::{Deserialize, Serialize};

/// A box in an image, in pixels of the upright image. Fractions of pixels are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// The distance of the left edge from the image's left edge.
    pub left: f64,
    /// The distance of the top edge from the image's top edge.
    pub top: f64,
    /// The width in pixels.
    pub width: f64,
    /// The height in pixels.
    pub height: f64,
}

/// Why four numbers don't form a box.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RectError {
    /// A number is NaN or infinite.
    #[error("{field} is {value}. Use a finite number of pixels.")]
    NotFinite {
        /// `left`, `top`, `width`, or `height`.
        field: &'static str,
        /// The invalid value.
        value: f64,
    },
    /// A length is negative.
    #[error("{field} is {value}. Use 0 pixels or more.")]
    Negative {
        /// `width` or `height`.
        field: &'static str,
        /// The invalid value.
        value: f64,
    },
}

impl RectError {
    /// The name of the invalid number: `left`, `top`, `width`, or `height`.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NotFinite { field, .. } | Self::Negative { field, .. } => field,
        }
    }
}

/// Clips a box to an image of `width` by `height` pixels. Returns `None` if no area is left.
///
/// Clients shrink images and round boxes, so a box that extends beyond the image isn't an error. A box within the
/// image is returned unchanged, bit for bit.
pub fn clip(rect: Rect, width: u32, height: u32) -> Result<Option<Rect>, RectError> {
    for (field, value) in
        [("left", rect.left), ("top", rect.top), ("width", rect.width), ("height", rect.height)]
    {
        if !value.is_finite() {
            return Err(RectError::NotFinite { field, value });
        }
    }
    for (field, value) in [("width", rect.width), ("height", rect.height)] {
        if value < 0.0 {
            return Err(RectError::Negative { field, value });
        }
    }
    let across = clip_span(rect.left, rect.width, width.into());
    let down = clip_span(rect.top, rect.height, height.into());
    Ok(across.zip(down).map(|((left, width), (top, height))| Rect { left, top, width, height }))
}

/// Returns the start and length of the part between 0 and `most`, or `None` if the part is empty.
fn clip_span(from: f64, length: f64, most: f64) -> Option<(f64, f64)> {
    let to = from + length;
    let start = if from > 0.0 { from } else { 0.0 };
    if to.min(most) <= start {
        return None;
    }
    // Subtracting edges may round, so a length that needs no change is returned unchanged.
    let length = if from < 0.0 || to > most { to.min(most) - start } else { length };
    Some((start, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect(left: f64, top: f64, width: f64, height: f64) -> Rect {
        Rect { left, top, width, height }
    }

    #[test]
    fn overrunning_box_is_clipped_and_inner_box_is_unchanged() {
        let inside = rect(0.1, 0.2, 0.7, 99.8);
        assert_eq!(clip(inside, 100, 100), Ok(Some(inside)));
        assert_eq!(clip(rect(-5.0, 90.0, 10.0, 20.0), 100, 100), Ok(Some(rect(0.0, 90.0, 5.0, 10.0))));
        assert_eq!(clip(rect(-1e308, -1e308, f64::MAX, f64::MAX), 7, 9), Ok(Some(rect(0.0, 0.0, 7.0, 9.0))));
        assert_eq!(clip(rect(f64::MAX, 0.0, f64::MAX, 1.0), 7, 9), Ok(None));
    }

    #[test]
    fn box_without_area_in_the_image_is_dropped() {
        for gone in [
            rect(0.0, 0.0, 0.0, 10.0),
            rect(0.0, 0.0, 10.0, 0.0),
            rect(100.0, 0.0, 10.0, 10.0),
            rect(-10.0, 0.0, 10.0, 10.0),
            rect(50.0, 0.0, 1e-300, 10.0),
        ] {
            assert_eq!(clip(gone, 100, 100), Ok(None), "{gone:?}");
        }
        assert_eq!(clip(rect(0.0, 0.0, 1.0, 1.0), 0, 5), Ok(None));
    }

    #[test]
    fn error_names_the_number_and_the_expectation() {
        let nan = clip(rect(0.0, f64::NAN, 1.0, 1.0), 9, 9).map_err(|e| (e.field(), e.to_string()));
        assert_eq!(nan, Err(("top", "top is NaN. Use a finite number of pixels.".into())));
        let back = clip(rect(0.0, 0.0, 1.0, -3.5), 9, 9).map_err(|e| (e.field(), e.to_string()));
        assert_eq!(back, Err(("height", "height is -3.5. Use 0 pixels or more.".into())));
        assert!(clip(rect(f64::NEG_INFINITY, 0.0, 1.0, 1.0), 9, 9).is_err());
    }

    /// Numbers of all magnitudes, and numbers near an image's edges.
    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![any::<f64>(), -20.0..40_000.0f64, (-3i16..500).prop_map(f64::from)]
    }

    proptest! {
        #[test]
        fn any_four_numbers_are_rejected_or_clipped_to_the_image(
            left in number(), top in number(), across in number(), down in number(),
            width in prop_oneof![0u32..500, any::<u32>()], height in prop_oneof![0u32..500, any::<u32>()],
        ) {
            let given = rect(left, top, across, down);
            let wrong = [left, top, across, down].iter().any(|n| !n.is_finite()) || across < 0.0 || down < 0.0;
            let clipped = clip(given, width, height);
            prop_assert_eq!(clipped.is_err(), wrong);
            if let Ok(Some(inside)) = clipped {
                prop_assert!(inside.left >= 0.0 && inside.top >= 0.0 && inside.width > 0.0 && inside.height > 0.0);
                prop_assert!(inside.left + inside.width <= f64::from(width));
                prop_assert!(inside.top + inside.height <= f64::from(height));
                prop_assert_eq!(clip(inside, width, height), Ok(Some(inside)));
            }
        }

        #[test]
        fn box_overlapping_the_image_is_never_dropped(
            left in -50.0..99.0f64, top in -50.0..99.0f64, across in 0.5..200.0f64, down in 0.5..200.0f64,
        ) {
            let given = rect(left, top, across, down);
            let reaches = left + across > 0.0 && top + down > 0.0;
            prop_assert_eq!(clip(given, 99, 99).map(|seen| seen.is_some()), Ok(reaches));
        }
    }
}
