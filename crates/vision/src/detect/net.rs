//! The network of the detector: three maps in, a heat map for each label and boxes out; forward and backward.
//!
//! It is small enough to be written out: 1×1 projections of the three maps, summed on the finest grid, two 3×3
//! layers, and one 1×1 layer that answers. Everything is a matrix product, channels × cells.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

/// Channels inside.
pub(super) const INSIDE: usize = 64;
/// Numbers that describe a box, behind one heat for each label.
pub(super) const BOX: usize = 4;

/// The three maps of one picture, channels × cells, at strides 8, 16, 32.
pub(super) type Levels = [Array2<f32>; 3];

/// Weights, or the gradient of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Net {
    pub laterals: [Array2<f32>; 3],
    pub bias: Array1<f32>,
    pub layers: [Layer; 2],
    pub answer: Layer,
}

/// `weights · x + bias`, outputs × inputs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    pub weights: Array2<f32>,
    pub bias: Array1<f32>,
}

/// What a forward pass leaves for the way back.
pub(super) struct Trace {
    hidden: [Array2<f32>; 3],
    columns: [Array2<f32>; 2],
    /// Labels + [`BOX`] rows of answers for each cell.
    pub answer: Array2<f32>,
}

impl Net {
    /// Random weights (He et al., 2015); heat begins at one in ten, as Lin et al. (2017) advise.
    pub(super) fn random(channels: [usize; 3], labels: usize, rng: &mut ChaCha8Rng) -> Self {
        let inputs: usize = channels.iter().sum();
        let laterals = channels.map(|channels| random(INSIDE, channels, inputs, rng));
        let mut layer =
            || Layer { weights: random(INSIDE, 9 * INSIDE, 9 * INSIDE, rng), bias: Array1::zeros(INSIDE) };
        let layers = [layer(), layer()];
        let mut bias = Array1::zeros(labels + BOX);
        bias.iter_mut().take(labels).for_each(|heat| *heat = -2.19);
        let answer = Layer { weights: random(labels + BOX, INSIDE, 50 * INSIDE, rng), bias };
        Self { laterals, bias: Array1::zeros(INSIDE), layers, answer }
    }

    /// The same shapes, all zero.
    pub(super) fn zeros_like(&self) -> Self {
        let mut net = self.clone();
        net.parts_mut().into_iter().for_each(|part| part.fill(0.0));
        net
    }

    pub(super) fn parts(&self) -> Vec<&[f32]> {
        let [a, b, c] = &self.laterals;
        let layers = [&self.layers[0], &self.layers[1], &self.answer];
        let mut parts: Vec<_> = [a, b, c].into_iter().filter_map(|weights| weights.as_slice()).collect();
        parts.extend(self.bias.as_slice());
        for layer in layers {
            parts.extend(layer.weights.as_slice().into_iter().chain(layer.bias.as_slice()));
        }
        parts
    }

    pub(super) fn parts_mut(&mut self) -> Vec<&mut [f32]> {
        let [first, second] = &mut self.layers;
        let mut parts: Vec<_> =
            self.laterals.iter_mut().filter_map(|weights| weights.as_slice_mut()).collect();
        parts.extend(self.bias.as_slice_mut());
        for layer in [first, second, &mut self.answer] {
            parts.extend(layer.weights.as_slice_mut().into_iter().chain(layer.bias.as_slice_mut()));
        }
        parts
    }

    /// Answers for a picture whose finest map has `side × side` cells.
    pub(super) fn forward(&self, levels: &Levels, side: usize) -> Trace {
        let mut sum = self.laterals[0].dot(&levels[0]);
        for (level, factor) in [(1, 2), (2, 4)] {
            spread(&self.laterals[level].dot(&levels[level]), &mut sum, side, factor);
        }
        let first = rectified(sum, &self.bias);
        let around_first = columns(&first, side);
        let second = rectified(self.layers[0].weights.dot(&around_first), &self.layers[0].bias);
        let around_second = columns(&second, side);
        let third = rectified(self.layers[1].weights.dot(&around_second), &self.layers[1].bias);
        let answer = self.answer.weights.dot(&third) + self.answer.bias.view().insert_axis(Axis(1));
        Trace { hidden: [first, second, third], columns: [around_first, around_second], answer }
    }

    /// Adds to `gradient` what a change of the answers by `slope` means for each weight.
    pub(super) fn backward(
        &self,
        levels: &Levels,
        side: usize,
        trace: &Trace,
        slope: &Array2<f32>,
        gradient: &mut Net,
    ) {
        accumulate(slope, &trace.hidden[2].view(), &mut gradient.answer);
        let mut inner = self.answer.weights.t().dot(slope);
        for layer in [1, 0] {
            mask(&mut inner, &trace.hidden[layer + 1]);
            accumulate(&inner, &trace.columns[layer].view(), &mut gradient.layers[layer]);
            inner = gathered(&self.layers[layer].weights.t().dot(&inner), side);
        }
        mask(&mut inner, &trace.hidden[0]);
        gradient.bias += &inner.sum_axis(Axis(1));
        general_mat_mul(1.0, &inner, &levels[0].t(), 1.0, &mut gradient.laterals[0]);
        for (level, factor) in [(1, 2), (2, 4)] {
            general_mat_mul(
                1.0,
                &pooled(&inner, side, factor),
                &levels[level].t(),
                1.0,
                &mut gradient.laterals[level],
            );
        }
    }
}

fn accumulate(slope: &Array2<f32>, inputs: &ArrayView2<'_, f32>, gradient: &mut Layer) {
    general_mat_mul(1.0, slope, &inputs.t(), 1.0, &mut gradient.weights);
    gradient.bias += &slope.sum_axis(Axis(1));
}

/// Uniform with the deviation that keeps signals as loud as they were.
fn random(outputs: usize, inputs: usize, fan: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
    #[expect(clippy::cast_precision_loss, reason = "24 bits of randomness, and sizes of a few hundred")]
    Array2::from_shape_simple_fn((outputs, inputs), || {
        let unit = (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
        unit * (6.0 / fan as f32).sqrt()
    })
}

fn rectified(mut x: Array2<f32>, bias: &Array1<f32>) -> Array2<f32> {
    for (mut row, bias) in x.rows_mut().into_iter().zip(bias) {
        row.mapv_inplace(|x| (x + bias).max(0.0));
    }
    x
}

fn mask(slope: &mut Array2<f32>, output: &Array2<f32>) {
    slope.zip_mut_with(output, |slope, output| *slope = if *output > 0.0 { *slope } else { 0.0 });
}

/// Adds a coarse map to the finest grid, each cell to the `factor × factor` it covers.
fn spread(coarse: &Array2<f32>, fine: &mut Array2<f32>, side: usize, factor: usize) {
    let short = side / factor;
    for (coarse, mut fine) in coarse.rows().into_iter().zip(fine.rows_mut()) {
        for cell in 0..side * side {
            fine[cell] += coarse[(cell / side / factor) * short + cell % side / factor];
        }
    }
}

/// The other way: each coarse cell gets the sum of what it covers.
fn pooled(fine: &Array2<f32>, side: usize, factor: usize) -> Array2<f32> {
    let short = side / factor;
    let mut coarse = Array2::zeros((fine.nrows(), short * short));
    for (mut coarse, fine) in coarse.rows_mut().into_iter().zip(fine.rows()) {
        for cell in 0..side * side {
            coarse[(cell / side / factor) * short + cell % side / factor] += fine[cell];
        }
    }
    coarse
}

/// The nine shifted copies of a map that make a 3×3 layer a matrix product; zeros beyond the edge.
fn columns(x: &Array2<f32>, side: usize) -> Array2<f32> {
    let mut columns = Array2::zeros((9 * x.nrows(), side * side));
    for (row, mut column) in columns.rows_mut().into_iter().enumerate() {
        let (source, Some(to)) = (x.row(row % x.nrows()), column.as_slice_mut()) else { continue };
        let Some(from) = source.as_slice() else { continue };
        shifted(row / x.nrows(), side, |here, there, length| {
            to[here..here + length].copy_from_slice(&from[there..there + length]);
        });
    }
    columns
}

/// The other way: what came back for the copies is added where they came from.
fn gathered(columns: &Array2<f32>, side: usize) -> Array2<f32> {
    let channels = columns.nrows() / 9;
    let mut x = Array2::zeros((channels, side * side));
    for (row, column) in columns.rows().into_iter().enumerate() {
        let (mut target, Some(from)) = (x.row_mut(row % channels), column.as_slice()) else { continue };
        let Some(to) = target.as_slice_mut() else { continue };
        shifted(row / channels, side, |here, there, length| {
            to[there..there + length]
                .iter_mut()
                .zip(&from[here..here + length])
                .for_each(|(to, from)| *to += from);
        });
    }
    x
}

/// For each row of cells, where a copy that is shifted to neighbour 0..9 begins, where its source does, and how
/// many cells they share.
fn shifted(neighbour: usize, side: usize, mut run: impl FnMut(usize, usize, usize)) {
    let (down, right) = (neighbour / 3, neighbour % 3);
    let (inset, lead) = (usize::from(right == 0), usize::from(right == 2));
    for y in 0..side {
        if (1..=side).contains(&(y + down)) {
            run(y * side + inset, (y + down - 1) * side + lead, side - usize::from(right != 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_gradient_is_the_slope_of_the_answers() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let side = 4;
        let mut net = Net::random([5, 6, 7], 2, &mut rng);
        net.answer.weights = random(6, INSIDE, INSIDE, &mut rng);
        let levels = [random(5, 16, 6, &mut rng), random(6, 4, 6, &mut rng), random(7, 1, 6, &mut rng)];
        let slope = random(6, 16, 6, &mut rng);
        let value = |net: &Net| f64::from((&net.forward(&levels, side).answer * &slope).sum());
        let mut gradient = net.zeros_like();
        net.backward(&levels, side, &net.forward(&levels, side), &slope, &mut gradient);
        for part in 0..net.parts().len() {
            let length = net.parts()[part].len();
            let (mut seen, mut wanted) = (0.0, 0.0);
            for at in (0..length).step_by(length.div_ceil(9)) {
                let moved = |by: f32| {
                    let mut net = net.clone();
                    net.parts_mut()[part][at] += by;
                    value(&net)
                };
                let slope = (moved(2e-3) - moved(-2e-3)) / 4e-3;
                let told = f64::from(gradient.parts()[part][at]);
                seen += (slope - told).abs();
                wanted += slope.abs();
            }
            assert!(seen < 0.05 * wanted + 1e-2, "part {part}: off by {seen} of {wanted}");
        }
    }
}
