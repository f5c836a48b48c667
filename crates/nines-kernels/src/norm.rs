//! Layer normalisation of rows, and its gradients.

use crate::lanes::{LANES, fold, vectorised};

/// Sums a row's values in a fixed order.
#[inline(always)]
fn sum(row: &[f32], value: impl Fn(usize, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for (index, block) in blocks.iter().enumerate() {
        for (lane, &x) in block.iter().enumerate() {
            lanes[lane] += value(index * LANES + lane, x);
        }
    }
    let first = row.len() - rest.len();
    rest.iter()
        .enumerate()
        .fold(fold(lanes), |sum, (i, &x)| sum + value(first + i, x))
}

vectorised! {
    /// Normalises a row in place to mean 0 and variance 1, and returns what it was multiplied by.
    pub fn standardise(row: &mut [f32], epsilon: f32) -> f32 {
        let count = row.len() as f32;
        let mean = sum(row, |_, x| x) / count;
        let variance = sum(row, |_, x| (x - mean) * (x - mean)) / count;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for x in row {
            *x = (*x - mean) * scale;
        }
        scale
    }
}

vectorised! {
    /// Writes row * gamma + beta.
    pub fn stretch(row: &[f32], gamma: &[f32], beta: &[f32], out: &mut [f32]) {
        for (((out, &x), &gamma), &beta) in out.iter_mut().zip(row).zip(gamma).zip(beta) {
            *out = x.mul_add(gamma, beta);
        }
    }
}

vectorised! {
    /// From the gradient of a normalised and stretched row to that of the row before, in place;
    /// adds to the gradients of gamma and beta. `standard` is the normalised row before it was
    /// stretched, `scale` what it was multiplied by.
    pub fn standardise_backward(
        gradient: &mut [f32],
        standard: &[f32],
        scale: f32,
        gamma: &[f32],
        gamma_gradient: &mut [f32],
        beta_gradient: &mut [f32],
    ) {
        let count = gradient.len() as f32;
        let mean = sum(gradient, |i, g| g * gamma[i]) / count;
        let slope = sum(gradient, |i, g| g * gamma[i] * standard[i]) / count;
        let sums = gamma_gradient.iter_mut().zip(beta_gradient.iter_mut());
        let rows = gradient.iter_mut().zip(standard).zip(gamma);
        for (((g, &x), &gamma), (gamma_sum, beta_sum)) in rows.zip(sums) {
            *gamma_sum += *g * x;
            *beta_sum += *g;
            *g = scale * (*g * gamma - mean - x * slope);
        }
    }
}

vectorised! {
    /// Adds one slice to another.
    pub fn add(to: &mut [f32], what: &[f32]) {
        for (to, &what) in to.iter_mut().zip(what) {
            *to += what;
        }
    }
}

vectorised! {
    /// Multiplies one slice by another.
    pub fn scale_by(to: &mut [f32], what: &[f32]) {
        for (to, &what) in to.iter_mut().zip(what) {
            *to *= what;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0)
            .collect()
    }

    fn exact(row: &[f64], gamma: &[f32], beta: &[f32]) -> Vec<f64> {
        let n = row.len() as f64;
        let mean = row.iter().sum::<f64>() / n;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        row.iter()
            .zip(gamma)
            .zip(beta)
            .map(|((x, g), b)| {
                (x - mean) / (variance + 1e-5).sqrt() * f64::from(*g) + f64::from(*b)
            })
            .collect()
    }

    #[test]
    fn rows_and_gradients_agree_with_double_precision() {
        for width in [3, 16, 20, 45, 384] {
            let (gamma, beta, weights) = (numbers(width, 1), numbers(width, 2), numbers(width, 3));
            let row: Vec<f64> = numbers(width, 4).iter().map(|&x| f64::from(x)).collect();
            let expected = exact(&row, &gamma, &beta);
            let mut standard: Vec<f32> = row.iter().map(|&x| x as f32).collect();
            let scale = standardise(&mut standard, 1e-5);
            let mut out = vec![0.0; width];
            stretch(&standard, &gamma, &beta, &mut out);
            for (found, expected) in out.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
            let loss = |row: &[f64]| -> f64 {
                exact(row, &gamma, &beta)
                    .iter()
                    .zip(&weights)
                    .map(|(y, w)| y * f64::from(*w))
                    .sum()
            };
            let (mut gradient, mut dg, mut db) =
                (weights.clone(), vec![1.0; width], vec![2.0; width]);
            standardise_backward(&mut gradient, &standard, scale, &gamma, &mut dg, &mut db);
            for i in 0..width {
                let (mut up, mut down) = (row.clone(), row.clone());
                up[i] += 1e-6;
                down[i] -= 1e-6;
                let expected = (loss(&up) - loss(&down)) / 2e-6;
                assert!(
                    (f64::from(gradient[i]) - expected).abs() < 1e-4,
                    "{} {expected}",
                    gradient[i]
                );
                assert!((dg[i] - 1.0 - weights[i] * standard[i]).abs() < 1e-5);
                assert!((db[i] - 2.0 - weights[i]).abs() < 1e-6);
            }
        }
    }
}
