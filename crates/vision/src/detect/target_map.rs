//! The target output of the network, and the loss against it: a focal loss on heat and an L1 loss on boxes
//! (Zhou et al., "Objects as Points", 2019).

use ndarray::Array2;

use super::Object;
use super::net::BOX;

/// The number of the square's pixels along a side of a cell.
pub(super) const STRIDE: f32 = 8.0;
/// The weight of the box loss relative to the heat loss.
const BOX_WEIGHT: f32 = 0.5;
/// Cells with at least this heat are trained to predict the box.
const NEAR: f32 = 0.6;

/// A box in the square's pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TargetBox {
    pub class: usize,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

impl From<TargetBox> for Object {
    fn from(TargetBox { class, left, top, width, height }: TargetBox) -> Self {
        Self { class, left, top, width, height }
    }
}

/// The heat of each label and cell, and the box that each cell near a center predicts.
pub(super) struct TargetMap {
    heat: Array2<f32>,
    boxes: Vec<(usize, [f32; BOX])>,
    centers: usize,
}

impl TargetMap {
    /// Writes small boxes last, so that they win the cells they share with large boxes.
    pub(super) fn new(targets: &[TargetBox], labels: usize, side: usize) -> Self {
        let mut heat = Array2::<f32>::zeros((labels, side * side));
        let mut owner: Vec<Option<(f32, [f32; BOX])>> = vec![None; side * side];
        let mut sorted = targets.to_vec();
        sorted.sort_by(|a, b| (b.width * b.height).total_cmp(&(a.width * a.height)));
        for target in &sorted {
            around(target, side, |cell, warmth, shape| {
                let heat = &mut heat[(target.class, cell)];
                *heat = heat.max(warmth);
                if warmth >= NEAR && owner[cell].is_none_or(|(before, _)| warmth >= before) {
                    owner[cell] = Some((warmth, shape));
                }
            });
        }
        let boxes =
            owner.into_iter().enumerate().filter_map(|(cell, owner)| Some((cell, owner?.1))).collect();
        Self { heat, boxes, centers: targets.len() }
    }

    /// Returns the loss of an output and its gradient.
    pub(super) fn loss(&self, answer: &Array2<f32>) -> (f32, Array2<f32>) {
        let labels = self.heat.nrows();
        let mut slope = Array2::zeros(answer.raw_dim());
        #[expect(clippy::cast_precision_loss, reason = "a few hundred boxes")]
        let (per_center, per_box) =
            (1.0 / self.centers.max(1) as f32, BOX_WEIGHT / self.boxes.len().max(1) as f32);
        let mut loss = 0.0;
        for ((at, heat), logit) in self.heat.indexed_iter().zip(answer.iter()) {
            let (cost, bend) = focal(*heat, *logit);
            loss += cost * per_center;
            slope[at] = bend * per_center;
        }
        for (cell, shape) in &self.boxes {
            for (number, wanted) in shape.iter().enumerate() {
                let error = answer[(labels + number, *cell)] - wanted;
                loss += error.abs() * per_box;
                slope[(labels + number, *cell)] = error.signum() * per_box;
            }
        }
        (loss, slope)
    }
}

/// Calls `paint` with each cell near the target's center, the heat of the cell, and the box relative to the cell: the
/// offset of the center in cells, and the logarithms of width and height in cells.
fn around(target: &TargetBox, side: usize, mut paint: impl FnMut(usize, f32, [f32; BOX])) {
    let (width, height) = (target.width / STRIDE, target.height / STRIDE);
    let (x, y) = (target.left / STRIDE + width / 2.0, target.top / STRIDE + height / 2.0);
    // The Gaussian is as wide as the box, but at least a cell.
    let (wide, high) = ((width / 6.0).max(0.5), (height / 6.0).max(0.5));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cells of a grid"
    )]
    let (middle, index) =
        (|cell: usize| cell as f32 + 0.5, |place: f32| (place.max(0.0) as usize).min(side - 1));
    let (column, row) = (index(x), index(y));
    let shape =
        |i: usize, j: usize| [x - middle(i), y - middle(j), width.max(0.1).ln(), height.max(0.1).ln()];
    for j in index(y - 3.0 * high)..=index(y + 3.0 * high) {
        for i in index(x - 3.0 * wide)..=index(x + 3.0 * wide) {
            let far =
                ((middle(i) - middle(column)) / wide).powi(2) + ((middle(j) - middle(row)) / high).powi(2);
            paint(j * side + i, (-far / 2.0).exp(), shape(i, j));
        }
    }
}

/// Returns the focal loss of a cell and its derivative. Only a heat of 1 is a center.
fn focal(heat: f32, logit: f32) -> (f32, f32) {
    let p = (1.0 / (1.0 + (-logit).exp())).clamp(1e-6, 1.0 - 1e-6);
    let rest = 1.0 - p;
    if heat > 0.999 {
        return (-rest * rest * p.ln(), 2.0 * p * rest * rest * p.ln() - rest.powi(3));
    }
    let weight = (1.0 - heat).powi(4);
    (-weight * p * p * rest.ln(), weight * (p.powi(3) - 2.0 * p * p * rest * rest.ln()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn focal_derivative_matches_finite_differences() {
        for heat in [0.0, 0.4, 1.0] {
            for logit in [-4.0f32, -1.0, 0.0, 2.0] {
                let slope = (focal(heat, logit + 1e-2).0 - focal(heat, logit - 1e-2).0) / 2e-2;
                assert!((slope - focal(heat, logit).1).abs() < 1e-2, "{heat} {logit}");
            }
        }
    }

    #[test]
    fn center_has_full_heat_and_the_box() {
        let target = TargetBox { class: 1, left: 40.0, top: 80.0, width: 32.0, height: 16.0 };
        let goal = TargetMap::new(&[target], 2, 40);
        let center = 11 * 40 + 7;
        assert!((goal.heat[(1, center)] - 1.0).abs() < 1e-6);
        assert!(goal.heat.row(0).iter().all(|heat| *heat == 0.0));
        let shape = goal.boxes.iter().find(|(cell, _)| *cell == center).unwrap().1;
        let wanted = [-0.5, -0.5, 4.0f32.ln(), 2.0f32.ln()];
        assert!(shape.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{shape:?}");
    }
}
