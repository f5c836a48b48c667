//! AdamW with decoupled weight decay, one pass over each parameter, on all cores.
//!
//! The arithmetic of an element depends on nothing but that element, and norms are summed in
//! fixed pieces in a fixed order: results do not depend on the number of threads.
//!
//! # Reference
//! Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2; the same
//! order of operations as `torch.optim.AdamW`.

use rayon::prelude::*;

/// Elements that one task handles at a time.
const PIECE: usize = 1 << 14;

/// The optimiser's fixed numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Decay of the first and second moments.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub epsilon: f64,
    /// Decoupled weight decay, for parameters that decay.
    pub weight_decay: f64,
    /// The head's learning rate, as a multiple of the others'.
    pub head_rate: f64,
    /// What the learning rate is multiplied by for each layer further below the head.
    pub layer_decay: f64,
}

/// What the optimiser remembers of one parameter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Vec<f32>,
    /// Running mean of its square.
    pub second: Vec<f32>,
}

impl Moments {
    /// Returns zero moments for a parameter of this many elements.
    pub fn zeros(elements: usize) -> Self {
        Self {
            first: vec![0.0; elements],
            second: vec![0.0; elements],
        }
    }
}

/// The numbers of one update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    /// The update's number; the first is 1.
    pub step: u64,
    /// The learning rate.
    pub learning_rate: f64,
    /// What gradients are multiplied by (clipping).
    pub scale: f32,
}

impl Update {
    /// The same with another learning rate.
    pub fn faster(self, times: f64) -> Self {
        Self {
            learning_rate: self.learning_rate * times,
            ..self
        }
    }
}

impl AdamW {
    /// Returns the factor of the learning rate for parameters so many layers below the head.
    pub fn below_head(&self, layers: usize) -> f64 {
        let layers = i32::try_from(layers).unwrap_or(i32::MAX);
        self.layer_decay.powi(layers)
    }

    /// Moves one parameter's values: f32 elements, the gradient in the same order.
    ///
    /// With g the scaled gradient: p ← p (1 - η λ); m ← β₁ m + (1 - β₁) g;
    /// v ← β₂ v + (1 - β₂) g²; p ← p - η / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε).
    pub fn update(
        &self,
        values: &mut [f32],
        gradient: &[f32],
        moments: &mut Moments,
        decays: bool,
        update: Update,
    ) {
        assert_eq!(
            values.len(),
            gradient.len(),
            "a gradient has its parameter's shape"
        );
        assert_eq!(
            values.len(),
            moments.first.len(),
            "moments have their parameter's shape"
        );
        let (b1, b2) = self.betas;
        let t = i32::try_from(update.step).unwrap_or(i32::MAX);
        let decay = if decays {
            update.learning_rate * self.weight_decay
        } else {
            0.0
        };
        let keep = (1.0 - decay) as f32;
        let step_size = (update.learning_rate / (1.0 - b1.powi(t))) as f32;
        let second_scale = (1.0 / (1.0 - b2.powi(t)).sqrt()) as f32;
        let (b1, b2, rest1, rest2) = (b1 as f32, b2 as f32, (1.0 - b1) as f32, (1.0 - b2) as f32);
        let (epsilon, scale) = (self.epsilon as f32, update.scale);
        values
            .par_chunks_mut(PIECE)
            .zip(gradient.par_chunks(PIECE))
            .zip(moments.first.par_chunks_mut(PIECE))
            .zip(moments.second.par_chunks_mut(PIECE))
            .for_each(|(((values, gradient), first), second)| {
                let elements = values.iter_mut().zip(gradient).zip(first).zip(second);
                for (((p, &g), m), v) in elements {
                    let g = g * scale;
                    *m = b1 * *m + rest1 * g;
                    *v = b2 * *v + rest2 * (g * g);
                    *p = *p * keep - step_size * *m / (v.sqrt() * second_scale + epsilon);
                }
            });
    }
}

/// Returns the sum of squares in f64, in fixed pieces and a fixed order.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let pieces: Vec<f64> = values
        .par_chunks(PIECE)
        .map(|piece| {
            let mut lanes = [0f64; 8];
            let (blocks, rest) = piece.as_chunks::<8>();
            for block in blocks {
                for (lane, &x) in lanes.iter_mut().zip(block) {
                    *lane += f64::from(x) * f64::from(x);
                }
            }
            let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            lanes.iter().sum::<f64>() + rest
        })
        .collect();
    pieces.iter().sum()
}

/// Returns what gradients of this global norm are multiplied by, as `clip_grad_norm_` does.
pub fn clip_scale(norm: f64, clip_norm: f64) -> f32 {
    (clip_norm / (norm + 1e-6)).min(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAMW: AdamW = AdamW {
        betas: (0.9, 0.999),
        epsilon: 1e-8,
        weight_decay: 0.01,
        head_rate: 1.0,
        layer_decay: 1.0,
    };

    #[test]
    fn matches_torch() {
        // torch 2.15.0, AdamW(lr=0.1, weight_decay=0.01) from [1, -2, 0.5].
        let expected = [0.832_105_9, -1.959_079_6, 0.585_247_34];
        let gradients = [[0.5, -1.0, 0.0], [0.1, 2.0, -0.3], [-0.7, 0.0, 0.2]];
        let (mut values, mut moments) = ([1.0f32, -2.0, 0.5], Moments::zeros(3));
        for (step, gradient) in (1..).zip(&gradients) {
            let update = Update {
                step,
                learning_rate: 0.1,
                scale: 1.0,
            };
            ADAMW.update(&mut values, gradient, &mut moments, true, update);
        }
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value} for {expected}");
        }
    }

    #[test]
    fn decay_is_decoupled_and_optional() {
        let update = Update {
            step: 1,
            learning_rate: 0.5,
            scale: 1.0,
        };
        let (mut decayed, mut kept) = ([2.0f32], [2.0f32]);
        ADAMW.update(&mut decayed, &[0.0], &mut Moments::zeros(1), true, update);
        ADAMW.update(&mut kept, &[0.0], &mut Moments::zeros(1), false, update);
        assert_eq!((decayed, kept), ([2.0 * 0.995], [2.0]));
    }

    #[test]
    fn norms_do_not_depend_on_the_number_of_threads() {
        let values: Vec<f32> = (0..100_003)
            .map(|i| ((i * 37) % 101) as f32 * 1e-3)
            .collect();
        let of = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool")
                .install(|| sum_of_squares(&values))
        };
        let plain: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
        assert_eq!(of(1).to_bits(), of(3).to_bits());
        assert!((of(1) / plain - 1.0).abs() < 1e-12);
        assert_eq!(clip_scale(0.5, 1.0), 1.0);
        assert!((clip_scale(4.0, 1.0) - 0.25).abs() < 1e-6);
    }
}
