//! The optimizer of the training.

use super::net::Network;

/// Adam (Kingma and Ba, 2015) with decoupled weight decay (Loshchilov and Hutter, 2019).
pub(super) struct Adam {
    mean: Network,
    square: Network,
    steps: i32,
}

impl Adam {
    pub(super) fn new(net: &Network) -> Self {
        Self { mean: net.zeros_like(), square: net.zeros_like(), steps: 0 }
    }

    pub(super) fn step(&mut self, net: &mut Network, gradient: &Network, rate: f32) {
        const DECAY: f32 = 1e-4;
        self.steps += 1;
        let (first, second) = (1.0 - 0.9f32.powi(self.steps), 1.0 - 0.999f32.powi(self.steps));
        let moments = self.mean.parts_mut().into_iter().zip(self.square.parts_mut());
        for ((weights, slopes), (mean, square)) in
            net.parts_mut().into_iter().zip(gradient.parts()).zip(moments)
        {
            for (((weight, slope), mean), square) in weights.iter_mut().zip(slopes).zip(mean).zip(square) {
                *mean = 0.9 * *mean + 0.1 * slope;
                *square = 0.999 * *square + 0.001 * slope * slope;
                *weight -= rate * ((*mean / first) / ((*square / second).sqrt() + 1e-8) + DECAY * *weight);
            }
        }
    }
}
