//! The normal and Student distributions, as far as intervals need them.

use crate::beta;
use crate::error::{StatsError, open_unit};
use crate::solve::{LogCdf, solve};

const LN_ROOT_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// Returns ln P(Z ≤ z) of the standard normal distribution.
///
/// # Example
/// ```
/// let p = nines_stats::normal::ln_cdf(-1.959963984540054).exp();
/// assert!((p - 0.025).abs() < 1e-15);
/// ```
///
/// # Reference
/// Abramowitz & Stegun 26.2.11 (series) and 26.2.14 (Laplace's continued fraction).
pub fn ln_cdf(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    if z > 1.5 {
        return (-ln_cdf(-z).exp()).ln_1p();
    }
    let ln_density = -0.5 * z * z - LN_ROOT_TWO_PI;
    if z >= -1.5 {
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term.abs() > 1e-18 {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return (0.5 + ln_density.exp() * sum).ln();
    }
    // Mills' ratio 1/(x + 1/(x + 2/(x + …))) from the far end.
    let x = -z;
    let terms = 60 + (600.0 / (x * x)) as u32;
    let fraction = (1..=terms)
        .rev()
        .fold(0.0, |tail, k| f64::from(k) / (x + tail));
    ln_density - (x + fraction).ln()
}

/// Returns a start for quantile searches, good to a few per cent.
pub(crate) fn rough_quantile(ln_p: f64) -> f64 {
    // Inverts the tail bound exp(−z²/2)/(z√2π) crudely; the sign follows the side.
    if ln_p > -std::f64::consts::LN_2 {
        let upper = -ln_p.exp_m1();
        return if upper <= 0.0 {
            8.0
        } else {
            -rough_quantile(upper.ln())
        };
    }
    let r = (-2.0 * ln_p).sqrt();
    -(r - (2.30753 + 0.27061 * r) / (1.0 + 0.99229 * r + 0.04481 * r * r))
}

/// Returns the point below which the standard normal distribution has probability `p`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p lies in (0, 1).
///
/// # Example
/// ```
/// let z = nines_stats::normal::quantile(0.975)?;
/// assert!((z - 1.959963984540054).abs() < 1e-14);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Newton on [`ln_cdf`], from Abramowitz & Stegun 26.2.22.
pub fn quantile(p: f64) -> Result<f64, StatsError> {
    open_unit("a probability", p)?;
    if p > 0.5 {
        return quantile(1.0 - p).map(|z| -z);
    }
    if p == 0.5 {
        return Ok(0.0);
    }
    let ln_p = p.ln();
    Ok(solve(ln_p, rough_quantile(ln_p), |z| {
        let ln_cdf = ln_cdf(z);
        LogCdf {
            ln_cdf,
            slope: (-0.5 * z * z - LN_ROOT_TWO_PI - ln_cdf).exp(),
        }
    }))
}

/// Returns the point that Student's t with `freedom` degrees of freedom exceeds with probability
/// `q` ≤ ½.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless q lies in (0, ½] and `freedom` is positive.
///
/// # Example
/// ```
/// let t = nines_stats::normal::student_upper(0.025, 10.0)?;
/// assert!((t - 2.2281388519862747).abs() < 1e-12);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// x = ν/(ν + t²) is Beta(ν/2, ½) (Abramowitz & Stegun 26.7.1).
pub fn student_upper(q: f64, freedom: f64) -> Result<f64, StatsError> {
    if !(q > 0.0 && q <= 0.5) {
        return Err(StatsError::OutOfRange {
            what: "a tail probability",
            value: q,
            allowed: "above 0 and at most 0.5",
        });
    }
    if !(freedom > 0.0 && freedom.is_finite()) {
        return Err(StatsError::OutOfRange {
            what: "the degrees of freedom",
            value: freedom,
            allowed: "positive and finite",
        });
    }
    if q == 0.5 {
        return Ok(0.0);
    }
    // 1 − x is Beta(½, ν/2) with upper tail 2q, and t² = ν(1−x)/x is ν times its odds.
    let logit = beta::upper_quantile_logit(2.0 * q, 0.5, freedom / 2.0);
    Ok((freedom * logit.exp()).sqrt())
}
