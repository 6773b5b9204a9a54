//! Multinomial logistic regression with L2 regularization on standardized features, fitted by
//! L-BFGS (Liu and Nocedal, 1989).

use crate::progress::Cancelled;

/// The number of past steps from which L-BFGS estimates the curvature.
const MEMORY: usize = 8;
/// A fit ends when the norm of the gradient has fallen to this share of its first value.
const GRADIENT_TOLERANCE: f64 = 1e-3;

/// The number of multiplications between two checks for cancellation, a small part of a second.
const PULSE: usize = 1 << 27;

/// Feature rows with the class of each row.
pub(super) struct TrainingRows<'a> {
    pub features: Vec<&'a [f32]>,
    pub classes: Vec<usize>,
}

/// A linear layer. `weights` has `classes` rows of `width` weights, each followed by a bias.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Softmax {
    pub width: usize,
    pub classes: usize,
    pub weights: Vec<f32>,
}

/// A step of a fit.
pub(super) struct FitStep<'a> {
    pub number: usize,
    pub loss: f32,
    pub head: &'a Softmax,
}

/// Receives each step, and `None` from time to time between steps. An error cancels the fit.
pub(super) type StepCallback<'a> = dyn FnMut(Option<FitStep<'_>>) -> Result<(), Cancelled> + 'a;

impl Softmax {
    pub(super) fn zero(width: usize, classes: usize) -> Self {
        Self { width, classes, weights: vec![0.0; classes * (width + 1)] }
    }

    pub(super) fn logits(&self, features: &[f32]) -> Vec<f32> {
        self.weights.chunks_exact(self.width + 1).map(|row| dot(row, features) + row[self.width]).collect()
    }

    /// Fits the weights, starting from their current values, for at most `most` steps.
    pub(super) fn fit(
        &mut self,
        rows: &TrainingRows,
        l2: f32,
        most: usize,
        watch: &mut StepCallback<'_>,
    ) -> Result<(), Cancelled> {
        let (mut loss, mut gradient) = self.loss(rows, l2, watch)?;
        let start = norm(&gradient).max(f64::MIN_POSITIVE);
        let mut past: Vec<(Vec<f32>, Vec<f32>)> = Vec::new();
        for number in 1..=most {
            let direction = direction(&gradient, &past);
            let here = (loss, &gradient[..]);
            let Some((next, next_loss, next_gradient)) = self.search(rows, l2, here, &direction, watch)?
            else {
                break;
            };
            let moved = difference(&next.weights, &self.weights);
            let bent = difference(&next_gradient, &gradient);
            if inner(&moved, &bent) > 1e-10 {
                if past.len() == MEMORY {
                    past.remove(0);
                }
                past.push((moved, bent));
            }
            (*self, loss, gradient) = (next, next_loss, next_gradient);
            #[expect(clippy::cast_possible_truncation, reason = "a loss to look at")]
            watch(Some(FitStep { number, loss: loss as f32, head: self }))?;
            if norm(&gradient) < GRADIENT_TOLERANCE * start {
                break;
            }
        }
        Ok(())
    }

    /// Halves the step until the loss falls by a fraction of what the slope predicts (Armijo's rule). Returns `None`
    /// if 20 halvings don't suffice.
    fn search(
        &self,
        rows: &TrainingRows,
        l2: f32,
        (loss, gradient): (f64, &[f32]),
        direction: &[f32],
        watch: &mut StepCallback<'_>,
    ) -> Result<Option<(Self, f64, Vec<f32>)>, Cancelled> {
        let slope = inner(gradient, direction);
        let mut length = 1.0f32;
        for _ in 0..20 {
            let mut next = self.clone();
            next.weights.iter_mut().zip(direction).for_each(|(w, d)| *w += length * d);
            let (next_loss, next_gradient) = next.loss(rows, l2, watch)?;
            if next_loss <= loss + 1e-4 * f64::from(length) * slope {
                return Ok(Some((next, next_loss, next_gradient)));
            }
            length *= 0.5;
        }
        Ok(None)
    }

    /// Returns the mean cross-entropy plus `l2 / 2 · |weights|²` (without the biases), and its gradient.
    fn loss(
        &self,
        rows: &TrainingRows,
        l2: f32,
        watch: &mut StepCallback<'_>,
    ) -> Result<(f64, Vec<f32>), Cancelled> {
        let pulse = (PULSE / self.weights.len().max(1)).max(1);
        let mut gradient = vec![0.0f32; self.weights.len()];
        let mut total = 0.0f64;
        #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^24")]
        let share = 1.0 / rows.classes.len().max(1) as f32;
        for (number, (features, class)) in rows.features.iter().zip(&rows.classes).enumerate() {
            if number % pulse == pulse - 1 {
                watch(None)?;
            }
            let mut probabilities = self.logits(features);
            softmax(&mut probabilities, 1.0);
            total -= f64::from(probabilities[*class].max(1e-12).ln());
            probabilities[*class] -= 1.0;
            for (row, probability) in gradient.chunks_exact_mut(self.width + 1).zip(&probabilities) {
                let pull = probability * share;
                row.iter_mut().zip(*features).for_each(|(g, x)| *g += pull * x);
                row[self.width] += pull;
            }
        }
        let mut squares = 0.0f64;
        for (weights, gradient) in
            self.weights.chunks_exact(self.width + 1).zip(gradient.chunks_exact_mut(self.width + 1))
        {
            squares += inner(&weights[..self.width], &weights[..self.width]);
            weights[..self.width].iter().zip(gradient).for_each(|(w, g)| *g += l2 * w);
        }
        Ok((total * f64::from(share) + 0.5 * f64::from(l2) * squares, gradient))
    }
}

/// Turns logits into probabilities, in place.
pub(super) fn softmax(logits: &mut [f32], temperature: f32) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for logit in logits.iter_mut() {
        *logit = ((*logit - most) / temperature).exp();
    }
    let sum: f32 = logits.iter().sum();
    for probability in logits.iter_mut() {
        *probability /= sum;
    }
}

/// Returns the search direction by the two-loop recursion of L-BFGS.
fn direction(gradient: &[f32], past: &[(Vec<f32>, Vec<f32>)]) -> Vec<f32> {
    let mut q: Vec<f32> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(past.len());
    for (moved, bent) in past.iter().rev() {
        let share = inner(moved, &q) / inner(moved, bent);
        add(&mut q, bent, -share);
        shares.push(share);
    }
    let scale = past.last().map_or(1.0, |(moved, bent)| inner(moved, bent) / inner(bent, bent));
    #[expect(clippy::cast_possible_truncation, reason = "back to the width of the weights")]
    for value in &mut q {
        *value *= scale as f32;
    }
    for ((moved, bent), share) in past.iter().zip(shares.into_iter().rev()) {
        let back = inner(bent, &q) / inner(moved, bent);
        add(&mut q, moved, share - back);
    }
    q
}

#[expect(clippy::cast_possible_truncation, reason = "back to the width of the weights")]
fn add(to: &mut [f32], from: &[f32], share: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += share as f32 * from);
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn inner(a: &[f32], b: &[f32]) -> f64 {
    a.chunks(1024).zip(b.chunks(1024)).map(|(a, b)| f64::from(dot(a, b))).sum()
}

fn norm(a: &[f32]) -> f64 {
    inner(a, a).sqrt()
}

/// Sums sixteen lanes separately, so that the compiler can use SIMD registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a, b) = (&a[..a.len().min(b.len())], &b[..a.len().min(b.len())]);
    let (mut left, mut right) = (a.chunks_exact(16), b.chunks_exact(16));
    for (a, b) in left.by_ref().zip(right.by_ref()) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests;
