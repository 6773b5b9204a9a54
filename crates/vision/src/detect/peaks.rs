//! Turns heat maps into boxes: takes the peaks, the hottest first, and drops boxes that overlap a hotter one.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::Object;
use super::calibrate::Calibration;
use super::net::BOX;
use super::projection::Projection;
use super::target_map::STRIDE;

/// The lowest heat of a peak.
const HEAT_MIN: f32 = 0.02;
/// Boxes of the same label that overlap more than this are the same object.
const SAME_OBJECT_OVERLAP: f32 = 0.5;
/// The most objects per image.
const OBJECTS_MAX: usize = 300;

/// A detected object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The object's class and box.
    pub object: Object,
    /// The probability that the box is right, 0 to 1. A box is right if its intersection over union with an object of
    /// its label is at least one half.
    pub confidence: f32,
}

/// A box and the logit of its heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    pub object: Object,
    pub logit: f32,
}

impl Peak {
    /// Maps the box from the square to the image, or returns `None` if no area lies within the image.
    pub(super) fn projected(self, place: &Projection) -> Option<Self> {
        Some(Self { object: place.object(self.object)?, ..self })
    }
}

/// Turns the heat of each peak into a confidence. Returns the most confident first.
pub(super) fn to_detections(peaks: Vec<Peak>, calibrations: &[Calibration]) -> Vec<Detection> {
    let confident = |Peak { object, logit }: Peak| {
        let confidence = calibrations.get(object.class).unwrap_or(&Calibration::IDENTITY).confidence(logit);
        Detection { object, confidence }
    };
    let mut found: Vec<Detection> = peaks.into_iter().map(confident).collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

/// Finds all objects in the output for a square, in the square's pixels, the hottest first.
pub(super) fn find_peaks(answer: &Array2<f32>, side: usize) -> Vec<Peak> {
    let labels = answer.nrows() - BOX;
    let logit_min = (HEAT_MIN / (1.0 - HEAT_MIN)).ln();
    let mut found: Vec<Peak> = Vec::new();
    for class in 0..labels {
        let heat = answer.row(class);
        for cell in 0..side * side {
            let logit = heat[cell];
            if logit >= logit_min && neighbors(cell, side).all(|other| heat[other] <= logit) {
                found.push(Peak { object: box_at(answer, class, cell, side), logit });
            }
        }
    }
    found.sort_by(|a, b| b.logit.total_cmp(&a.logit));
    let mut kept: Vec<Peak> = Vec::new();
    for candidate in found {
        let known = |kept: &Peak| {
            kept.object.class == candidate.object.class
                && intersection_over_union(&kept.object, &candidate.object) > SAME_OBJECT_OVERLAP
        };
        if kept.len() < OBJECTS_MAX && !kept.iter().any(known) {
            kept.push(candidate);
        }
    }
    kept
}

fn neighbors(cell: usize, side: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (cell % side, cell / side);
    let span = move |middle: usize| middle.saturating_sub(1)..=(middle + 1).min(side - 1);
    span(y).flat_map(move |y| span(x).map(move |x| y * side + x))
}

fn box_at(answer: &Array2<f32>, class: usize, cell: usize, side: usize) -> Object {
    let labels = answer.nrows() - BOX;
    let number = |at: usize| answer[(labels + at, cell)];
    #[expect(clippy::cast_precision_loss, reason = "cells of a grid")]
    let (x, y) = ((cell % side) as f32 + 0.5 + number(0), (cell / side) as f32 + 0.5 + number(1));
    let length = |logarithm: f32| logarithm.clamp(-4.0, 6.0).exp() * STRIDE;
    let (width, height) = (length(number(2)), length(number(3)));
    Object { class, left: x * STRIDE - width / 2.0, top: y * STRIDE - height / 2.0, width, height }
}

/// Returns the intersection over union of two boxes.
pub(super) fn intersection_over_union(a: &Object, b: &Object) -> f32 {
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
    fn peak_becomes_one_box() {
        let mut answer = Array2::from_elem((1 + BOX, 100), -9.0);
        for (number, value) in [(1, 0.0), (2, 0.0), (3, 2.0f32.ln()), (4, 2.0f32.ln())] {
            answer.row_mut(number).fill(value);
        }
        answer[(0, 44)] = 3.0;
        answer[(0, 46)] = 1.0;
        answer[(0, 45)] = 0.5;
        let found = find_peaks(&answer, 10);
        assert_eq!(found.len(), 2, "the cell between the two peaks is not a peak");
        assert_eq!(found[0].object, Object { class: 0, left: 28.0, top: 28.0, width: 16.0, height: 16.0 });
    }

    #[test]
    fn intersection_over_union_compares_areas() {
        let a = Object { class: 0, left: 0.0, top: 0.0, width: 2.0, height: 2.0 };
        assert!((intersection_over_union(&a, &Object { left: 1.0, ..a }) - 1.0 / 3.0).abs() < 1e-6);
        assert!(intersection_over_union(&a, &Object { left: 2.0, ..a }).abs() < 1e-6);
        assert!(
            intersection_over_union(&Object { width: 0.0, ..a }, &Object { width: 0.0, ..a }).abs() < 1e-6
        );
    }
}
