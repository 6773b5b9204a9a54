//! The words on a tag: cut to the room there is, measured, and put on the picture.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels of a picture: small, and never negative"
)]

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, PxScaleFont, ScaleFont, point};
use image::{Rgb, RgbImage};

/// DejaVu Sans, the part of it that assets/font/README.md describes.
static LETTERS: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    // These bytes are ours, and tests draw with them.
    match FontRef::try_from_slice(include_bytes!("../../assets/font/legend.ttf")) {
        Ok(font) => font,
        Err(error) => unreachable!("the legend's font can be read: {error}"),
    }
});

/// Longer labels are cut before they are measured: no tag shows more.
const MOST_LETTERS: usize = 80;

/// A line of letters of one size.
pub(super) struct Legend {
    glyphs: Vec<Glyph>,
    /// Pixels, without the tag's margin.
    pub width: u32,
}

/// Letters of one size, and what a line of them takes.
pub(super) struct Hand {
    font: PxScaleFont<&'static FontRef<'static>>,
    /// Pixels from the top of the highest letter to the foot of the lowest.
    pub height: u32,
    /// Pixels of the tag left free at each side.
    pub margin: u32,
}

impl Hand {
    /// Letters that are `size` pixels high, ascent and descent taken together.
    pub fn new(size: u32) -> Self {
        let font = LETTERS.as_scaled(PxScale::from(size as f32));
        Self { font, height: size, margin: (size / 5).max(1) }
    }

    /// `label` and then `end` in at most `most` pixels, the label cut where it must be.
    /// Nothing where not even a cut label and the end fit.
    pub fn write(&self, label: &str, end: &str, most: u32) -> Option<Legend> {
        let mut letters: Vec<char> = label.chars().take(MOST_LETTERS + 1).map(shown).collect();
        let mut cut = letters.len() > MOST_LETTERS;
        loop {
            if cut {
                letters.truncate(MOST_LETTERS);
                letters.push('…');
            }
            let legend = self.line(letters.iter().copied().chain(end.chars()));
            if legend.width <= most {
                return Some(legend);
            }
            letters.truncate(letters.len() - usize::from(cut));
            letters.pop()?;
            cut = true;
        }
    }

    fn line(&self, letters: impl Iterator<Item = char>) -> Legend {
        let mut across = 0.0;
        let glyphs = letters
            .map(|letter| {
                let id = self.font.glyph_id(letter);
                let at = point(across, self.font.ascent());
                across += self.font.h_advance(id);
                id.with_scale_and_position(self.font.scale(), at)
            })
            .collect();
        // Eighty letters of a size below a hundred.
        Legend { glyphs, width: across.ceil() as u32 }
    }

    /// Puts a legend on a picture, its top left corner at `left`, `top`.
    pub fn put(&self, legend: &Legend, left: u32, top: u32, colour: Rgb<u8>, pixels: &mut RgbImage) {
        for glyph in &legend.glyphs {
            let Some(outline) = self.font.outline_glyph(glyph.clone()) else { continue };
            let bounds = outline.px_bounds();
            outline.draw(|x, y, covered| {
                let x = i64::from(left) + bounds.min.x as i64 + i64::from(x);
                let y = i64::from(top) + bounds.min.y as i64 + i64::from(y);
                let at = u32::try_from(x).ok().zip(u32::try_from(y).ok());
                if let Some(pixel) = at.and_then(|(x, y)| pixels.get_pixel_mut_checked(x, y)) {
                    blend(pixel, colour, covered);
                }
            });
        }
    }
}

/// What ends lines or changes direction has no place on a tag.
fn shown(letter: char) -> char {
    if letter.is_control() || letter.is_whitespace() { ' ' } else { letter }
}

fn blend(pixel: &mut Rgb<u8>, colour: Rgb<u8>, share: f32) {
    let share = share.clamp(0.0, 1.0);
    for (under, over) in pixel.0.iter_mut().zip(colour.0) {
        *under = (f32::from(*under) * (1.0 - share) + f32::from(over) * share).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_knows_the_letters_of_its_readme_and_draws_a_box_for_others() {
        for letter in "Aÿőșţ Ωλ Жїґ Ạỹ 0-9 …–„“€№%\u{a0}→".chars() {
            assert_ne!(LETTERS.glyph_id(letter).0, 0, "{letter}");
        }
        for letter in "漢ع😀".chars() {
            let id = LETTERS.glyph_id(letter);
            assert!(id.0 == 0 && LETTERS.outline(id).is_some(), "{letter}");
        }
    }

    #[test]
    fn a_long_label_is_cut_and_its_end_is_kept() {
        let hand = Hand::new(14);
        let long = "m".repeat(1000);
        let legend = hand.write(&long, " 87 %", 200).map(|l| (l.width, l.glyphs.len()));
        assert!(legend.is_some_and(|(width, letters)| (150..=200).contains(&width) && letters > 10));
        assert!(hand.write(&long, " 87 %", 5).is_none());
        assert_eq!(hand.write("", "", 0).map(|l| l.width), Some(0));
    }
}
