//! Draws labeled boxes on an image.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of an image: small, and never negative"
)]

mod color;
mod tag_text;

use image::{Rgb, RgbImage};

use crate::{Picture, Rect, clip};
use tag_text::{TagFont, TagText};

/// The most boxes that are drawn. More would hide the image, so the most confident ones are drawn.
const BOXES_MAX: usize = 1000;

/// A box to draw.
#[derive(Clone, Copy, Debug)]
pub struct LabeledBox<'a> {
    /// The text of the tag, cut to the available width. If it is empty and no confidence is shown, there is no tag.
    pub label: &'a str,
    /// Selects the color. Boxes of the same class have the same color.
    pub class: usize,
    /// The confidence, 0 to 1. A more confident box is drawn on top.
    pub confidence: f32,
    /// The box in the image's pixels. It is clipped to the image. An invalid box, or one
    /// outside the image, isn't drawn.
    pub rect: Rect,
}

/// How boxes are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoxStyle {
    /// The width of the outline in pixels, inside the box, or `None` to derive it from the image's size. 0 draws only
    /// tags. Values above an eighth of the shorter side, or above 64, are lowered to that.
    pub stroke: Option<u32>,
    /// Whether tags show the confidence in percent.
    pub show_confidence: bool,
}

/// Returns a copy of the image with boxes and tags. A tag is placed next to its box, within the image and without
/// overlapping another tag. If no such position exists, the tag is left out.
#[must_use]
pub fn draw(picture: &Picture, boxes: &[LabeledBox<'_>], style: &BoxStyle) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    let mut pixels = picture.pixels().clone();
    let mut drawn: Vec<(PixelRect, &LabeledBox<'_>)> = boxes
        .iter()
        .filter_map(|one| Some((PixelRect::of(clip(one.rect, width, height).ok()??, width, height), one)))
        .collect();
    drawn.sort_by(|(_, a), (_, b)| b.confidence.total_cmp(&a.confidence));
    drawn.truncate(BOXES_MAX);

    let stroke = stroke_width(style, width, height);
    for (area, one) in drawn.iter().rev() {
        outline(&mut pixels, *area, stroke, color::of(one.class));
    }
    let font = TagFont::new((width.max(height) / 45).clamp(11, 80));
    for tag in tags(&drawn, style, &font, width, height).iter().rev() {
        fill(&mut pixels, tag.area, tag.ground);
        let (left, top) = (tag.area.left + font.margin, tag.area.top);
        font.draw(&tag.text, left, top, color::on(tag.ground), &mut pixels);
    }
    Picture::from_pixels(pixels, picture.format())
}

/// A rectangle of whole pixels. `left` and `top` are inclusive, `right` and `bottom` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PixelRect {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl PixelRect {
    /// All pixels that a clipped box touches.
    fn of(rect: Rect, width: u32, height: u32) -> Self {
        // The box is clipped, so its numbers are neither negative nor outside the image.
        Self {
            left: rect.left.floor() as u32,
            top: rect.top.floor() as u32,
            right: ((rect.left + rect.width).ceil() as u32).min(width),
            bottom: ((rect.top + rect.height).ceil() as u32).min(height),
        }
    }

    fn overlaps(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

fn stroke_width(style: &BoxStyle, width: u32, height: u32) -> u32 {
    let most = (width.min(height) / 8).clamp(1, 64);
    style.stroke.unwrap_or_else(|| (width.max(height) / 240).max(1)).min(most)
}

/// Draws an outline inside the area, or fills the area if the outline is at least that thick.
fn outline(pixels: &mut RgbImage, area: PixelRect, stroke: u32, color: Rgb<u8>) {
    let PixelRect { left, top, right, bottom } = area;
    let (high, low) = ((top + stroke).min(bottom), bottom.saturating_sub(stroke).max(top));
    fill(pixels, PixelRect { bottom: high, ..area }, color);
    fill(pixels, PixelRect { top: low, ..area }, color);
    fill(pixels, PixelRect { right: (left + stroke).min(right), ..area }, color);
    fill(pixels, PixelRect { left: right.saturating_sub(stroke).max(left), ..area }, color);
}

fn fill(pixels: &mut RgbImage, area: PixelRect, color: Rgb<u8>) {
    for y in area.top..area.bottom.min(pixels.height()) {
        for x in area.left..area.right.min(pixels.width()) {
            pixels.put_pixel(x, y, color);
        }
    }
}

struct Tag {
    area: PixelRect,
    ground: Rgb<u8>,
    text: TagText,
}

/// Places the tags of boxes that are sorted by confidence. The first ones choose their positions first.
fn tags(
    drawn: &[(PixelRect, &LabeledBox<'_>)],
    style: &BoxStyle,
    font: &TagFont,
    width: u32,
    height: u32,
) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::with_capacity(drawn.len());
    let most = width.saturating_sub(2 * font.margin);
    if font.height > height {
        return tags;
    }
    for (at, one) in drawn {
        let end = if style.show_confidence { percent(one.confidence, one.label) } else { String::new() };
        let Some(text) = font.lay_out(one.label, &end, most).filter(|text| text.width > 0) else {
            continue;
        };
        let size = (text.width + 2 * font.margin, font.height);
        let positions = positions(*at, size, width, height);
        let is_free = |position: &PixelRect| tags.iter().all(|tag| !tag.area.overlaps(*position));
        if let Some(area) = positions.into_iter().find(is_free) {
            tags.push(Tag { area, ground: color::of(one.class), text });
        }
    }
    tags
}

fn percent(confidence: f32, label: &str) -> String {
    let space = if label.is_empty() { "" } else { " " };
    if confidence.is_nan() {
        return String::new();
    }
    format!("{space}{:.0}\u{a0}%", confidence.clamp(0.0, 1.0) * 100.0)
}

/// Returns the positions for a tag of this size within the image, best first: above the box, inside it, below it, each
/// aligned left and then right.
fn positions(at: PixelRect, (across, down): (u32, u32), width: u32, height: u32) -> [PixelRect; 6] {
    let above = if at.top >= down { at.top - down } else { at.top };
    let lefts = [at.left, at.right.saturating_sub(across)];
    let tops = [above, at.top, at.bottom];
    let position_at = |index: usize| {
        let left = lefts[index / 3].min(width.saturating_sub(across));
        let top = tops[index % 3].min(height.saturating_sub(down));
        PixelRect { left, top, right: (left + across).min(width), bottom: (top + down).min(height) }
    };
    [0, 1, 2, 3, 4, 5].map(position_at)
}

#[cfg(test)]
mod tests;
