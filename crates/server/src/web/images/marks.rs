//! Images with their labels: boxes on the image, and badges with the color of the label.

/// The number of label colors. Colors repeat, so a label also has its name next to its color.
pub(crate) const TONES: usize = 8;

/// The name of a label with its color.
#[derive(Clone, Debug)]
pub(crate) struct Badge {
    pub(crate) name: String,
    /// The number of the color, below [`TONES`].
    pub(crate) tone: usize,
}

/// Boxes on an image, in pixels of the image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) boxes: Vec<BoxMark>,
}

/// A box on an image.
#[derive(Clone, Debug)]
pub(crate) struct BoxMark {
    /// The number of the box in the list next to the image.
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) tone: usize,
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The confidence, such as "97%". `None` if a person drew the box.
    pub(crate) confidence: Option<String>,
}

impl Overlay {
    /// The font size of box numbers in pixels of the image, large enough for small screens.
    pub(crate) fn letter(&self) -> f64 {
        (f64::from(self.width.max(self.height)) / 42.0).max(4.0)
    }

    pub(crate) fn number_width(&self, one: &BoxMark) -> f64 {
        let digits = if one.number < 10 { 1.0 } else { 2.0 };
        self.letter() * (0.7 + 0.6 * digits)
    }

    /// The number is above its box, or inside if there is no space above.
    pub(crate) fn number_top(&self, one: &BoxMark) -> f64 {
        let high = self.letter() * 1.35;
        if one.top >= high { one.top - high } else { one.top }
    }

    pub(crate) fn number_left(&self, one: &BoxMark) -> f64 {
        one.left.min(f64::from(self.width) - self.number_width(one)).max(0.0)
    }

    /// The horizontal center and the baseline of the number.
    pub(crate) fn number_at(&self, one: &BoxMark) -> (f64, f64) {
        let middle = self.number_left(one) + self.number_width(one) / 2.0;
        (middle, self.number_top(one) + self.letter())
    }
}

impl BoxMark {
    /// The position and size, such as "left 12, top 40, 120 × 88 pixels".
    pub(crate) fn place(&self) -> String {
        let Self { left, top, width, height, .. } = self;
        format!("left {left:.0}, top {top:.0}, {width:.0} × {height:.0} pixels")
    }
}
