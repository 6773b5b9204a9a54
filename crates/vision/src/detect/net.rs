//! The detector's network: from three feature maps to a heat map per label and to boxes, with forward and
//! backward passes.
//!
//! The network is small enough to write out: 1×1 projections of the three maps, summed on the finest grid, two 3×3
//! layers, and a 1×1 output layer. Everything is a matrix product of channels × cells.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

/// The number of hidden channels.
pub(super) const HIDDEN: usize = 64;
/// The numbers per cell that describe a box. They follow the heat of each label.
pub(super) const BOX: usize = 4;

/// The three feature maps of an image, channels × cells, at strides 8, 16, and 32.
pub(super) type Levels = [Array2<f32>; 3];

/// The weights of the network, or the gradient of each weight.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Network {
    pub laterals: [Array2<f32>; 3],
    pub bias: Array1<f32>,
    pub layers: [Layer; 2],
    pub answer: Layer,
}

/// A layer that computes `weights · x + bias`. `weights` is outputs × inputs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    pub weights: Array2<f32>,
    pub bias: Array1<f32>,
}

/// The intermediate results of a forward pass that the backward pass needs.
pub(super) struct Trace {
    hidden: [Array2<f32>; 3],
    columns: [Array2<f32>; 2],
    /// Labels + [`BOX`] rows with the output of each cell.
    pub answer: Array2<f32>,
}

impl Network {
    /// Random weights (He et al., 2015). The initial heat is 0.1, as Lin et al. (2017) advise.
    pub(super) fn random(channels: [usize; 3], labels: usize, rng: &mut ChaCha8Rng) -> Self {
        let inputs: usize = channels.iter().sum();
        let laterals = channels.map(|channels| random(HIDDEN, channels, inputs, rng));
        let mut layer =
            || Layer { weights: random(HIDDEN, 9 * HIDDEN, 9 * HIDDEN, rng), bias: Array1::zeros(HIDDEN) };
        let layers = [layer(), layer()];
        let mut bias = Array1::zeros(labels + BOX);
        bias.iter_mut().take(labels).for_each(|heat| *heat = -2.19);
        let answer = Layer { weights: random(labels + BOX, HIDDEN, 50 * HIDDEN, rng), bias };
        Self { laterals, bias: Array1::zeros(HIDDEN), layers, answer }
    }

    /// A network of the same shape, with all weights 0.
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

    /// Computes the output for an image whose finest map has `side × side` cells.
    pub(super) fn forward(&self, levels: &Levels, side: usize) -> Trace {
        let mut sum = self.laterals[0].dot(&levels[0]);
        for (level, factor) in [(1, 2), (2, 4)] {
            add_upsampled(&self.laterals[level].dot(&levels[level]), &mut sum, side, factor);
        }
        let first = relu(sum, &self.bias);
        let around_first = im2col(&first, side);
        let second = relu(self.layers[0].weights.dot(&around_first), &self.layers[0].bias);
        let around_second = im2col(&second, side);
        let third = relu(self.layers[1].weights.dot(&around_second), &self.layers[1].bias);
        let answer = self.answer.weights.dot(&third) + self.answer.bias.view().insert_axis(Axis(1));
        Trace { hidden: [first, second, third], columns: [around_first, around_second], answer }
    }

    /// Adds to `gradient` the gradient of each weight, given the gradient `slope` of the output.
    pub(super) fn backward(
        &self,
        levels: &Levels,
        side: usize,
        trace: &Trace,
        slope: &Array2<f32>,
        gradient: &mut Network,
    ) {
        accumulate(slope, &trace.hidden[2].view(), &mut gradient.answer);
        let mut inner = self.answer.weights.t().dot(slope);
        for layer in [1, 0] {
            mask_gradient(&mut inner, &trace.hidden[layer + 1]);
            accumulate(&inner, &trace.columns[layer].view(), &mut gradient.layers[layer]);
            inner = col2im(&self.layers[layer].weights.t().dot(&inner), side);
        }
        mask_gradient(&mut inner, &trace.hidden[0]);
        gradient.bias += &inner.sum_axis(Axis(1));
        general_mat_mul(1.0, &inner, &levels[0].t(), 1.0, &mut gradient.laterals[0]);
        for (level, factor) in [(1, 2), (2, 4)] {
            general_mat_mul(
                1.0,
                &sum_pooled(&inner, side, factor),
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

/// Uniform random weights whose deviation keeps the scale of the signals.
fn random(outputs: usize, inputs: usize, fan: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
    #[expect(clippy::cast_precision_loss, reason = "24 bits of randomness, and sizes of a few hundred")]
    Array2::from_shape_simple_fn((outputs, inputs), || {
        let unit = (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
        unit * (6.0 / fan as f32).sqrt()
    })
}

fn relu(mut x: Array2<f32>, bias: &Array1<f32>) -> Array2<f32> {
    for (mut row, bias) in x.rows_mut().into_iter().zip(bias) {
        row.mapv_inplace(|x| (x + bias).max(0.0));
    }
    x
}

fn mask_gradient(slope: &mut Array2<f32>, output: &Array2<f32>) {
    slope.zip_mut_with(output, |slope, output| *slope = if *output > 0.0 { *slope } else { 0.0 });
}

/// Adds a coarse map to a finer one: each coarse cell to the `factor × factor` cells that it covers.
fn add_upsampled(coarse: &Array2<f32>, fine: &mut Array2<f32>, side: usize, factor: usize) {
    let short = side / factor;
    for (coarse, mut fine) in coarse.rows().into_iter().zip(fine.rows_mut()) {
        for cell in 0..side * side {
            fine[cell] += coarse[(cell / side / factor) * short + cell % side / factor];
        }
    }
}

/// The transpose of [`add_upsampled`]: sums the fine cells that each coarse cell covers.
fn sum_pooled(fine: &Array2<f32>, side: usize, factor: usize) -> Array2<f32> {
    let short = side / factor;
    let mut coarse = Array2::zeros((fine.nrows(), short * short));
    for (mut coarse, fine) in coarse.rows_mut().into_iter().zip(fine.rows()) {
        for cell in 0..side * side {
            coarse[(cell / side / factor) * short + cell % side / factor] += fine[cell];
        }
    }
    coarse
}

/// The nine shifted copies of a map that turn a 3×3 convolution into a matrix product (im2col). Cells outside are 0.
fn im2col(x: &Array2<f32>, side: usize) -> Array2<f32> {
    let mut columns = Array2::zeros((9 * x.nrows(), side * side));
    for (row, mut column) in columns.rows_mut().into_iter().enumerate() {
        let (source, Some(to)) = (x.row(row % x.nrows()), column.as_slice_mut()) else { continue };
        let Some(from) = source.as_slice() else { continue };
        for_shifted_rows(row / x.nrows(), side, |here, there, length| {
            to[here..here + length].copy_from_slice(&from[there..there + length]);
        });
    }
    columns
}

/// The transpose of [`im2col`]: adds each copy back to the cells that it came from.
fn col2im(columns: &Array2<f32>, side: usize) -> Array2<f32> {
    let channels = columns.nrows() / 9;
    let mut x = Array2::zeros((channels, side * side));
    for (row, column) in columns.rows().into_iter().enumerate() {
        let (mut target, Some(from)) = (x.row_mut(row % channels), column.as_slice()) else { continue };
        let Some(to) = target.as_slice_mut() else { continue };
        for_shifted_rows(row / channels, side, |here, there, length| {
            to[there..there + length]
                .iter_mut()
                .zip(&from[here..here + length])
                .for_each(|(to, from)| *to += from);
        });
    }
    x
}

/// Calls `run` for each row of cells with the start of the copy shifted to neighbor 0..9, the start of its source,
/// and the number of cells.
fn for_shifted_rows(neighbor: usize, side: usize, mut run: impl FnMut(usize, usize, usize)) {
    let (down, right) = (neighbor / 3, neighbor % 3);
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
    fn gradient_matches_finite_differences() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let side = 4;
        let mut net = Network::random([5, 6, 7], 2, &mut rng);
        net.answer.weights = random(6, HIDDEN, HIDDEN, &mut rng);
        let levels = [random(5, 16, 6, &mut rng), random(6, 4, 6, &mut rng), random(7, 1, 6, &mut rng)];
        let slope = random(6, 16, 6, &mut rng);
        let value = |net: &Network| f64::from((&net.forward(&levels, side).answer * &slope).sum());
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
                let measured = f64::from(gradient.parts()[part][at]);
                seen += (slope - measured).abs();
                wanted += slope.abs();
            }
            assert!(seen < 0.05 * wanted + 1e-2, "part {part}: off by {seen} of {wanted}");
        }
    }
}
