//! Boxes on a picture, each with a tag that says what it is.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of a picture: small, and never negative"
)]

mod colour;
mod legend;

use image::{Rgb, RgbImage};

use crate::{Picture, Rect, clip};
use legend::{Hand, Legend};

/// More boxes than these cover the picture rather than explain it; the most certain ones are drawn.
const MOST_BOXES: usize = 1000;

/// A box to draw.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// The tag's words. Cut where they do not fit; empty, and no confidence shown: no tag.
    pub label: &'a str,
    /// Chooses the colour: the same class, the same colour.
    pub class: usize,
    /// 0 to 1. The more certain box lies on top.
    pub confidence: f32,
    /// In the picture's pixels. Clipped to it; what is no box, or lies outside, is not drawn.
    pub rect: Rect,
}

/// How boxes are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Pixels of the frame's line, inside the box; by the picture's size where left out. 0 draws tags alone;
    /// more than an eighth of the shorter side (or 64) is drawn as that.
    pub stroke: Option<u32>,
    /// Whether the tag shows the confidence in percent.
    pub show_confidence: bool,
}

/// A copy of the picture with boxes and their tags on it. A tag lies at its box, within the picture and on no
/// other tag; where there is no such place, the frame's colour alone says what the box is.
#[must_use]
pub fn draw(picture: &Picture, boxes: &[Drawn<'_>], style: &Style) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    let mut pixels = picture.pixels().clone();
    let mut drawn: Vec<(Area, &Drawn<'_>)> = boxes
        .iter()
        .filter_map(|one| Some((Area::of(clip(one.rect, width, height).ok()??, width, height), one)))
        .collect();
    drawn.sort_by(|(_, a), (_, b)| b.confidence.total_cmp(&a.confidence));
    drawn.truncate(MOST_BOXES);

    let stroke = stroke_of(style, width, height);
    for (area, one) in drawn.iter().rev() {
        frame(&mut pixels, *area, stroke, colour::of(one.class));
    }
    let hand = Hand::new((width.max(height) / 45).clamp(11, 80));
    for tag in tags(&drawn, style, &hand, width, height).iter().rev() {
        fill(&mut pixels, tag.area, tag.ground);
        let (left, top) = (tag.area.left + hand.margin, tag.area.top);
        hand.put(&tag.legend, left, top, colour::on(tag.ground), &mut pixels);
    }
    Picture::from_pixels(pixels, picture.format())
}

/// Whole pixels: `left` and `top` inside, `right` and `bottom` just outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Area {
    /// Every pixel that a clipped box touches.
    fn of(rect: Rect, width: u32, height: u32) -> Self {
        // Clipped: nothing is negative, nothing beyond the picture.
        Self {
            left: rect.left.floor() as u32,
            top: rect.top.floor() as u32,
            right: ((rect.left + rect.width).ceil() as u32).min(width),
            bottom: ((rect.top + rect.height).ceil() as u32).min(height),
        }
    }

    fn meets(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

fn stroke_of(style: &Style, width: u32, height: u32) -> u32 {
    let most = (width.min(height) / 8).clamp(1, 64);
    style.stroke.unwrap_or_else(|| (width.max(height) / 240).max(1)).min(most)
}

/// A line along the inside of an area, all of it where the line is as thick as that.
fn frame(pixels: &mut RgbImage, area: Area, stroke: u32, colour: Rgb<u8>) {
    let Area { left, top, right, bottom } = area;
    let (high, low) = ((top + stroke).min(bottom), bottom.saturating_sub(stroke).max(top));
    fill(pixels, Area { bottom: high, ..area }, colour);
    fill(pixels, Area { top: low, ..area }, colour);
    fill(pixels, Area { right: (left + stroke).min(right), ..area }, colour);
    fill(pixels, Area { left: right.saturating_sub(stroke).max(left), ..area }, colour);
}

fn fill(pixels: &mut RgbImage, area: Area, colour: Rgb<u8>) {
    for y in area.top..area.bottom.min(pixels.height()) {
        for x in area.left..area.right.min(pixels.width()) {
            pixels.put_pixel(x, y, colour);
        }
    }
}

struct Tag {
    area: Area,
    ground: Rgb<u8>,
    legend: Legend,
}

/// The tags of boxes that stand in the order of confidence: the first ones choose their places first.
fn tags(drawn: &[(Area, &Drawn<'_>)], style: &Style, hand: &Hand, width: u32, height: u32) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::with_capacity(drawn.len());
    let most = width.saturating_sub(2 * hand.margin);
    if hand.height > height {
        return tags;
    }
    for (at, one) in drawn {
        let end = if style.show_confidence { percent(one.confidence, one.label) } else { String::new() };
        let Some(legend) = hand.write(one.label, &end, most).filter(|legend| legend.width > 0) else {
            continue;
        };
        let size = (legend.width + 2 * hand.margin, hand.height);
        let places = places(*at, size, width, height);
        let is_free = |place: &Area| tags.iter().all(|tag| !tag.area.meets(*place));
        if let Some(area) = places.into_iter().find(is_free) {
            tags.push(Tag { area, ground: colour::of(one.class), legend });
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

/// Where a tag of that size may lie, best first: on top of its box, within it, below it; at its left edge
/// and at its right. All within the picture.
fn places(at: Area, (across, down): (u32, u32), width: u32, height: u32) -> [Area; 6] {
    let above = if at.top >= down { at.top - down } else { at.top };
    let lefts = [at.left, at.right.saturating_sub(across)];
    let tops = [above, at.top, at.bottom];
    let place = |index: usize| {
        let left = lefts[index / 3].min(width.saturating_sub(across));
        let top = tops[index % 3].min(height.saturating_sub(down));
        Area { left, top, right: (left + across).min(width), bottom: (top + down).min(height) }
    };
    [0, 1, 2, 3, 4, 5].map(place)
}

#[cfg(test)]
mod tests;
