//! From heat to boxes: peaks are taken, the warmest first, and what overlaps a warmer one is dropped.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::Object;
use super::calibrate::Calibration;
use super::net::BOX;
use super::place::Place;
use super::target::STRIDE;

/// Colder cells are not looked at.
const COLDEST: f32 = 0.02;
/// Boxes of one label that share that much are one object.
const SAME: f32 = 0.5;
/// No picture has more objects.
const MOST: usize = 300;

/// An object that was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What, and where.
    pub object: Object,
    /// The probability that the box is right, 0 to 1: that it lies on an object of its label and shares half of the
    /// area of both with it.
    pub confidence: f32,
}

/// A box and its heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    pub object: Object,
    pub logit: f32,
}

impl Peak {
    /// Out of the square and into the picture.
    pub(super) fn placed(self, place: &Place) -> Option<Self> {
        Some(Self { object: place.object(self.object)?, ..self })
    }
}

/// Heat as confidence, the surest first.
pub(super) fn calibrated(peaks: Vec<Peak>, calibrations: &[Calibration]) -> Vec<Found> {
    let confident = |Peak { object, logit }: Peak| {
        let confidence = calibrations.get(object.class).unwrap_or(&Calibration::NONE).confidence(logit);
        Found { object, confidence }
    };
    let mut found: Vec<Found> = peaks.into_iter().map(confident).collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

/// All objects in the answers for a square, in the square's pixels, the warmest first.
pub(super) fn peaks(answer: &Array2<f32>, side: usize) -> Vec<Peak> {
    let labels = answer.nrows() - BOX;
    let coldest = (COLDEST / (1.0 - COLDEST)).ln();
    let mut found: Vec<Peak> = Vec::new();
    for class in 0..labels {
        let heat = answer.row(class);
        for cell in 0..side * side {
            let logit = heat[cell];
            if logit >= coldest && neighbours(cell, side).all(|other| heat[other] <= logit) {
                found.push(Peak { object: described(answer, class, cell, side), logit });
            }
        }
    }
    found.sort_by(|a, b| b.logit.total_cmp(&a.logit));
    let mut kept: Vec<Peak> = Vec::new();
    for candidate in found {
        let known = |kept: &Peak| {
            kept.object.class == candidate.object.class && overlap(&kept.object, &candidate.object) > SAME
        };
        if kept.len() < MOST && !kept.iter().any(known) {
            kept.push(candidate);
        }
    }
    kept
}

fn neighbours(cell: usize, side: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (cell % side, cell / side);
    let span = move |middle: usize| middle.saturating_sub(1)..=(middle + 1).min(side - 1);
    span(y).flat_map(move |y| span(x).map(move |x| y * side + x))
}

fn described(answer: &Array2<f32>, class: usize, cell: usize, side: usize) -> Object {
    let labels = answer.nrows() - BOX;
    let number = |at: usize| answer[(labels + at, cell)];
    #[expect(clippy::cast_precision_loss, reason = "cells of a grid")]
    let (x, y) = ((cell % side) as f32 + 0.5 + number(0), (cell / side) as f32 + 0.5 + number(1));
    let length = |logarithm: f32| logarithm.clamp(-4.0, 6.0).exp() * STRIDE;
    let (width, height) = (length(number(2)), length(number(3)));
    Object { class, left: x * STRIDE - width / 2.0, top: y * STRIDE - height / 2.0, width, height }
}

/// Intersection over union.
pub(super) fn overlap(a: &Object, b: &Object) -> f32 {
    let shared =
        |a: f32, a_length: f32, b: f32, b_length: f32| ((a + a_length).min(b + b_length) - a.max(b)).max(0.0);
    let both = shared(a.left, a.width, b.left, b.width) * shared(a.top, a.height, b.top, b.height);
    let union = a.width * a.height + b.width * b.height - both;
    if union > 0.0 { both / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_becomes_its_box_once() {
        let mut answer = Array2::from_elem((1 + BOX, 100), -9.0);
        for (number, value) in [(1, 0.0), (2, 0.0), (3, 2.0f32.ln()), (4, 2.0f32.ln())] {
            answer.row_mut(number).fill(value);
        }
        answer[(0, 44)] = 3.0;
        answer[(0, 46)] = 1.0;
        answer[(0, 45)] = 0.5;
        let found = peaks(&answer, 10);
        assert_eq!(found.len(), 2, "the cell between the two is no peak");
        assert_eq!(found[0].object, Object { class: 0, left: 28.0, top: 28.0, width: 16.0, height: 16.0 });
    }

    #[test]
    fn overlap_is_of_areas() {
        let a = Object { class: 0, left: 0.0, top: 0.0, width: 2.0, height: 2.0 };
        assert!((overlap(&a, &Object { left: 1.0, ..a }) - 1.0 / 3.0).abs() < 1e-6);
        assert!(overlap(&a, &Object { left: 2.0, ..a }).abs() < 1e-6);
        assert!(overlap(&Object { width: 0.0, ..a }, &Object { width: 0.0, ..a }).abs() < 1e-6);
    }
}
