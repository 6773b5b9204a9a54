//! Lays out and draws the text of a tag.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels of an image: small, and never negative"
)]

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, PxScaleFont, ScaleFont, point};
use image::{Rgb, RgbImage};

/// The subset of DejaVu Sans that assets/font/README.md describes.
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    // The bytes are compiled in, and the tests use them.
    match FontRef::try_from_slice(include_bytes!("../../assets/font/legend.ttf")) {
        Ok(font) => font,
        Err(error) => unreachable!("the legend's font can be read: {error}"),
    }
});

/// The most letters on a tag. Longer labels are cut before they are measured.
const LETTERS_MAX: usize = 80;

/// A laid out line of text.
pub(super) struct TagText {
    glyphs: Vec<Glyph>,
    /// The width in pixels, without the tag's margin.
    pub width: u32,
}

/// A font of a fixed size, and the space that a line takes.
pub(super) struct TagFont {
    font: PxScaleFont<&'static FontRef<'static>>,
    /// The height of a line in pixels.
    pub height: u32,
    /// The margin on each side of a tag in pixels.
    pub margin: u32,
}

impl TagFont {
    /// A font whose lines are `size` pixels high, from ascent to descent.
    pub fn new(size: u32) -> Self {
        let font = FONT.as_scaled(PxScale::from(size as f32));
        Self { font, height: size, margin: (size / 5).max(1) }
    }

    /// Lays out `label` followed by `end` in at most `most` pixels. Cuts the label if necessary. Returns `None` if
    /// not even a fully cut label and `end` fit.
    pub fn lay_out(&self, label: &str, end: &str, most: u32) -> Option<TagText> {
        let mut letters: Vec<char> = label.chars().take(LETTERS_MAX + 1).map(printable).collect();
        let mut cut = letters.len() > LETTERS_MAX;
        loop {
            if cut {
                letters.truncate(LETTERS_MAX);
                letters.push('…');
            }
            let text = self.line(letters.iter().copied().chain(end.chars()));
            if text.width <= most {
                return Some(text);
            }
            letters.truncate(letters.len() - usize::from(cut));
            letters.pop()?;
            cut = true;
        }
    }

    fn line(&self, letters: impl Iterator<Item = char>) -> TagText {
        let mut across = 0.0;
        let glyphs = letters
            .map(|letter| {
                let id = self.font.glyph_id(letter);
                let at = point(across, self.font.ascent());
                across += self.font.h_advance(id);
                id.with_scale_and_position(self.font.scale(), at)
            })
            .collect();
        // At most eighty letters and a short end, of a size below a hundred pixels.
        TagText { glyphs, width: across.ceil() as u32 }
    }

    /// Draws the text with its top left corner at `left`, `top`.
    pub fn draw(&self, text: &TagText, left: u32, top: u32, color: Rgb<u8>, pixels: &mut RgbImage) {
        for glyph in &text.glyphs {
            let Some(outline) = self.font.outline_glyph(glyph.clone()) else { continue };
            let bounds = outline.px_bounds();
            outline.draw(|x, y, covered| {
                let x = i64::from(left) + bounds.min.x as i64 + i64::from(x);
                let y = i64::from(top) + bounds.min.y as i64 + i64::from(y);
                let at = u32::try_from(x).ok().zip(u32::try_from(y).ok());
                if let Some(pixel) = at.and_then(|(x, y)| pixels.get_pixel_mut_checked(x, y)) {
                    blend(pixel, color, covered);
                }
            });
        }
    }
}

/// Replaces control characters and whitespace, which could break the line, with a space.
fn printable(letter: char) -> char {
    if letter.is_control() || letter.is_whitespace() { ' ' } else { letter }
}

fn blend(pixel: &mut Rgb<u8>, color: Rgb<u8>, share: f32) {
    let share = share.clamp(0.0, 1.0);
    for (under, over) in pixel.0.iter_mut().zip(color.0) {
        *under = (f32::from(*under) * (1.0 - share) + f32::from(over) * share).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn font_has_the_documented_letters_and_a_box_for_others() {
        for letter in "Aÿőșţ Ωλ Жїґ Ạỹ 0-9 …–„“€№%\u{a0}→".chars() {
            assert_ne!(FONT.glyph_id(letter).0, 0, "{letter}");
        }
        for letter in "漢ع😀".chars() {
            let id = FONT.glyph_id(letter);
            assert!(id.0 == 0 && FONT.outline(id).is_some(), "{letter}");
        }
    }

    #[test]
    fn long_label_is_cut_and_end_is_kept() {
        let font = TagFont::new(14);
        let long = "m".repeat(1000);
        let text = font.lay_out(&long, " 87 %", 200).map(|l| (l.width, l.glyphs.len()));
        assert!(text.is_some_and(|(width, letters)| (150..=200).contains(&width) && letters > 10));
        assert!(font.lay_out(&long, " 87 %", 5).is_none());
        assert_eq!(font.lay_out("", "", 0).map(|l| l.width), Some(0));
    }
}
