//! The exact GELU, x Φ(x), and its derivative.

use crate::lanes::{exp, vectorised};
use std::f32::consts::FRAC_1_SQRT_2;

/// Beyond this the error function is 1 to within 32-bit precision.
pub const EDGE: f32 = 3.92;
/// Numerator and denominator of erf(x) / x in x², fitted on 0..EDGE by weighted least squares;
/// within 2e-8 in exact arithmetic, 3.1e-7 in 32 bits.
#[expect(
    clippy::approx_constant,
    reason = "fitted with the other coefficients, near 2/sqrt(pi) but not it"
)]
pub const ABOVE: [f32; 6] = [
    1.128_379,
    0.192_764_16,
    0.053_060_494,
    3.868_329_3e-3,
    2.874_789e-4,
    2.034_728_4e-6,
];
pub const BELOW: [f32; 6] = [
    1.0,
    0.504_164_46,
    0.115_084_66,
    1.517_230_4e-2,
    1.188_114_4e-3,
    3.807_054_2e-5,
];

#[inline(always)]
fn polynomial(coefficients: [f32; 6], t: f32) -> f32 {
    let [c0, c1, c2, c3, c4, c5] = coefficients;
    c5.mul_add(t, c4)
        .mul_add(t, c3)
        .mul_add(t, c2)
        .mul_add(t, c1)
        .mul_add(t, c0)
}

/// The error function, to within 3.1e-7.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-EDGE, EDGE);
    let t = x * x;
    (x * polynomial(ABOVE, t) / polynomial(BELOW, t)).clamp(-1.0, 1.0)
}

/// x Φ(x) for the standard normal distribution's Φ; NaN stays NaN.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let half = 0.5 * x;
    half.mul_add(erf(x * FRAC_1_SQRT_2), half)
}

/// Φ(x) + x φ(x).
#[inline(always)]
pub fn slope(x: f32) -> f32 {
    const DENSITY: f32 = 0.398_942_3;
    let below = 0.5f32.mul_add(erf(x * FRAC_1_SQRT_2), 0.5);
    (x * DENSITY).mul_add(exp(-0.5 * x * x), below)
}

vectorised! {
    /// Replaces each value by its GELU.
    pub fn gelu_in_place(values: &mut [f32]) {
        for value in values {
            *value = gelu(*value);
        }
    }
}

vectorised! {
    /// Writes each value's GELU.
    pub fn gelu_into(values: &[f32], out: &mut [f32]) {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = gelu(value);
        }
    }
}

vectorised! {
    /// Multiplies each gradient by the derivative of the GELU at its value.
    pub fn gelu_backward(values: &[f32], gradients: &mut [f32]) {
        for (gradient, &value) in gradients.iter_mut().zip(values) {
            *gradient *= slope(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ by its series around 0 and its continued fraction beyond, in double precision.
    fn exact_phi(x: f64) -> f64 {
        let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        if x.abs() < 4.0 {
            let (mut term, mut sum) = (x, x);
            for k in 1..200 {
                term *= x * x / f64::from(2 * k + 1);
                sum += term;
            }
            return 0.5 + density * sum;
        }
        let fraction = (1..200)
            .rev()
            .fold(x.abs(), |tail, k| x.abs() + f64::from(k) / tail);
        let tail = density / fraction;
        if x > 0.0 { 1.0 - tail } else { tail }
    }

    #[test]
    fn agrees_with_double_precision() {
        let values: Vec<f32> = (-120_000..=120_000).map(|i| i as f32 / 10_000.0).collect();
        let mut slopes = vec![1.0; values.len()];
        let mut found = values.clone();
        gelu_in_place(&mut found);
        gelu_backward(&values, &mut slopes);
        let mut other = vec![0.0; values.len()];
        gelu_into(&values, &mut other);
        assert_eq!(found, other);
        for ((&x, found), slope) in values.iter().zip(found).zip(slopes) {
            let x = f64::from(x);
            let phi = exact_phi(x);
            assert!(
                (f64::from(found) - x * phi).abs() < 1e-6,
                "gelu({x}) = {found}"
            );
            let exact = phi + x * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
            assert!(
                (f64::from(slope) - exact).abs() < 1e-6,
                "slope at {x} = {slope}"
            );
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let mut values = [f32::NAN, f32::INFINITY, 0.0, 1e30];
        gelu_in_place(&mut values);
        assert!(values[0].is_nan());
        assert_eq!(values[1..], [f32::INFINITY, 0.0, 1e30]);
    }
}
