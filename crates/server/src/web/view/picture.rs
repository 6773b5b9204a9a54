//! A picture with what is in it: boxes drawn over it, classes in words, and a colour that goes with each word.

/// How many colours there are. A colour is never all that tells two labels apart.
pub(crate) const TONES: usize = 8;

/// A label as it stands beside a picture.
#[derive(Clone, Debug)]
pub(crate) struct Badge {
    pub(crate) name: String,
    /// Which colour, below [`TONES`].
    pub(crate) tone: usize,
}

/// Boxes over a picture, in the picture's own pixels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) boxes: Vec<BoxMark>,
}

/// One box.
#[derive(Clone, Debug)]
pub(crate) struct BoxMark {
    /// As the list beside the picture counts it.
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) tone: usize,
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// "97 %", of a box that a model found.
    pub(crate) sure: Option<String>,
}

impl Overlay {
    /// How high a number is, in the picture's pixels, so that it can be read on a telephone too.
    pub(super) fn letter(&self) -> f64 {
        (f64::from(self.width.max(self.height)) / 42.0).max(4.0)
    }

    pub(super) fn number_width(&self, one: &BoxMark) -> f64 {
        let digits = if one.number < 10 { 1.0 } else { 2.0 };
        self.letter() * (0.7 + 0.6 * digits)
    }

    /// A number stands on its box, and within it where there is no room above.
    pub(super) fn number_top(&self, one: &BoxMark) -> f64 {
        let high = self.letter() * 1.35;
        if one.top >= high { one.top - high } else { one.top }
    }

    pub(super) fn number_left(&self, one: &BoxMark) -> f64 {
        one.left.min(f64::from(self.width) - self.number_width(one)).max(0.0)
    }

    /// The number's middle and foot.
    pub(super) fn number_at(&self, one: &BoxMark) -> (f64, f64) {
        let middle = self.number_left(one) + self.number_width(one) / 2.0;
        (middle, self.number_top(one) + self.letter())
    }
}

impl BoxMark {
    /// "left 12, top 40, 120 × 88 pixels"
    pub(crate) fn place(&self) -> String {
        let Self { left, top, width, height, .. } = self;
        format!("left {left:.0}, top {top:.0}, {width:.0} × {height:.0} pixels")
    }
}
