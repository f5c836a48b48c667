//! The gamma and chi-square distributions: both tails and quantiles, for shapes from 10⁻³ or less
//! up to 10¹⁰ and for degrees of freedom that need not be whole.

use crate::beta::{LnTails, deviance, stirling_error};
use crate::error::{StatsError, open_unit};
use crate::normal;
use crate::solve::{LogCdf, solve};
use std::f64::consts::PI;

/// The largest shape: one tail takes about ten times the root of the shape in steps.
const MAX_SHAPE: f64 = 1e10;

/// Returns ln Γ(1 + a) for 0 < a < 1, with all digits even where it is next to 0.
///
/// Stirling's formula at 16 + a minus itself at 16, each term as a difference.
fn ln_gamma_one_plus(a: f64) -> f64 {
    const FROM: f64 = 16.0;
    const S: [f64; 6] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
    ];
    let step = (a / FROM).ln_1p();
    let mut power = 1.0 / FROM;
    let mut correction = 0.0;
    for (k, s) in S.iter().enumerate() {
        correction += s * power * (-(2.0 * k as f64 + 1.0) * step).exp_m1();
        power /= FROM * FROM;
    }
    let product: f64 = (1..16).map(|j| (a / f64::from(j)).ln_1p()).sum();
    (FROM + a - 0.5) * step + a * (FROM.ln() - 1.0) + correction - product
}

/// Returns ln of x^a e^{−x} / Γ(a + 1), which is the Poisson probability of a at mean x, with ln x
/// given apart so that x may be too small to be represented.
pub(crate) fn ln_front(a: f64, x: f64, ln_x: f64) -> f64 {
    if a < 1.0 {
        return a * ln_x - x - ln_gamma_one_plus(a);
    }
    -stirling_error(a) - deviance(a, x) - 0.5 * (2.0 * PI * a).ln()
}

/// Returns what the front factor must be multiplied by to give the lower tail, for x at most a:
/// Σ xⁿ/((a+1)…(a+n)).
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while term > 0.25 * f64::EPSILON * sum * (1.0 - x / (a + n)) {
        term *= x / (a + n);
        sum += term;
        n += 1.0;
    }
    sum
}

/// Returns what the front factor must be multiplied by to give the upper tail, for x above a and
/// not small: Lentz's method on Legendre's continued fraction, whose first a terms are positive.
fn continued_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let most = 500 + 20 * a.sqrt() as u64;
    let mut f = away_from_zero(x - a + 1.0);
    let (mut c, mut d) = (f, 0.0);
    for n in 1..=most {
        let n = n as f64;
        let numerator = n * (a - n);
        let denominator = x - a + 2.0 * n + 1.0;
        d = 1.0 / away_from_zero(denominator + numerator * d);
        c = away_from_zero(denominator + numerator / c);
        let factor = c * d;
        f *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    a / f
}

/// Returns both tails of Gamma(a) at x, where `ln_x` keeps its digits when x underflows.
fn ln_tails_at(a: f64, x: f64, ln_x: f64) -> LnTails {
    if x == f64::INFINITY {
        return LnTails {
            lower: 0.0,
            upper: f64::NEG_INFINITY,
        };
    }
    if a < 1.0 && x < 1.5 {
        // Every term is of the order of a, so that ln P keeps its digits where P is next to 1.
        let (mut power, mut sum, mut n) = (1.0, 0.0, 1.0);
        while n < 40.0 {
            power *= -x / n;
            sum += power / (a + n);
            n += 1.0;
        }
        return LnTails::of_lower(a * ln_x - ln_gamma_one_plus(a) + (a * sum).ln_1p());
    }
    if x == 0.0 {
        return LnTails {
            lower: f64::NEG_INFINITY,
            upper: 0.0,
        };
    }
    if x <= a {
        LnTails::of_lower(ln_front(a, x, ln_x) + series(a, x).ln())
    } else {
        LnTails::of_upper(ln_front(a, x, ln_x) + continued_fraction(a, x).ln())
    }
}

fn check_shape(what: &'static str, shape: f64) -> Result<(), StatsError> {
    if shape > 0.0 && shape <= MAX_SHAPE {
        Ok(())
    } else {
        Err(StatsError::OutOfRange {
            what,
            value: shape,
            allowed: "positive and at most 1e10",
        })
    }
}

/// Returns both tails of the gamma distribution with shape `a` and scale 1 at x: the regularised
/// incomplete gamma functions P(a, x) and Q(a, x), as logarithms.
///
/// For another scale divide x by it.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless 0 < a ≤ 10¹⁰ and x ≥ 0.
///
/// # Example
/// ```
/// let tails = nines_stats::gamma::ln_tails(2.0, 3.0)?;
/// assert!((tails.upper.exp() - 4.0 * (-3.0f64).exp()).abs() < 1e-15);
/// assert!(nines_stats::gamma::ln_tails(0.0, 3.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Loader, "Fast and accurate computation of binomial probabilities" (2000), for the front factor;
/// Abramowitz & Stegun 6.5.29 (series) and 6.5.31 (continued fraction); Gautschi, "A computational
/// procedure for incomplete gamma functions" (1979), for shapes below 1.
pub fn ln_tails(a: f64, x: f64) -> Result<LnTails, StatsError> {
    check_shape("the shape of the gamma distribution", a)?;
    if x.is_nan() || x < 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the point of the gamma distribution",
            value: x,
            allowed: "at least 0",
        });
    }
    Ok(ln_tails_at(a, x, x.ln()))
}

/// Returns ln of a point near the quantile: Wilson and Hilferty's cube of a normal, or the leading
/// term P ≈ x^a/Γ(a + 1) where that cube is useless.
fn ln_start(ln_p: f64, a: f64) -> f64 {
    let root = 1.0 - 1.0 / (9.0 * a) + normal::rough_quantile(ln_p) / (3.0 * a.sqrt());
    if a >= 1.0 && root > 0.3 {
        a.ln() + 3.0 * root.ln()
    } else {
        // ln x^a e^{−x}/Γ(a+1) at x = 1 is −1 − ln Γ(a + 1).
        (ln_p - ln_front(a, 1.0, 0.0) - 1.0) / a
    }
}

/// Returns the point below which Gamma(a) has probability `p` ≤ ½.
fn quantile_by_lower_tail(p: f64, a: f64) -> f64 {
    let ln_p = p.ln();
    solve(ln_p, ln_start(ln_p, a), |t| {
        let x = t.exp();
        let ln_cdf = ln_tails_at(a, x, t).lower;
        LogCdf {
            ln_cdf,
            slope: (ln_front(a, x, t) + a.ln() - ln_cdf).exp(),
        }
    })
    .exp()
}

/// Returns the point above which Gamma(a) has probability `q` ≤ ½.
fn quantile_by_upper_tail(q: f64, a: f64) -> f64 {
    let mut start = ln_start((-q).ln_1p(), a);
    if a < 1.0 && start > -1.0 {
        // Shape 1 has the larger tail, so Newton's steps come to the root from this side only.
        start = (-q.ln()).ln();
    }
    let minus_ln_x = solve(q.ln(), -start, |t| {
        let x = (-t).exp();
        let ln_cdf = ln_tails_at(a, x, -t).upper;
        LogCdf {
            ln_cdf,
            slope: (ln_front(a, x, -t) + a.ln() - ln_cdf).exp(),
        }
    });
    (-minus_ln_x).exp()
}

fn lower_quantile(p: f64, a: f64) -> f64 {
    if a == 1.0 {
        -(-p).ln_1p()
    } else if p <= 0.5 {
        quantile_by_lower_tail(p, a)
    } else {
        quantile_by_upper_tail(1.0 - p, a)
    }
}

fn upper_quantile_of(q: f64, a: f64) -> f64 {
    if a == 1.0 {
        -q.ln()
    } else if q <= 0.5 {
        quantile_by_upper_tail(q, a)
    } else {
        quantile_by_lower_tail(1.0 - q, a)
    }
}

/// Returns the point below which the gamma distribution with shape `a` and scale 1 has probability
/// `p`; 0 where that point is too small to be represented.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p lies in (0, 1) and 0 < a ≤ 10¹⁰.
///
/// # Example
/// ```
/// let x = nines_stats::gamma::quantile(0.5, 2.0)?;
/// assert!((x - 1.6783469900166606).abs() < 1e-14);
/// assert!(nines_stats::gamma::quantile(1.0, 2.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Newton on ln P(a, x) in ln x, from Wilson & Hilferty 1931; −ln(1 − p) for shape 1.
pub fn quantile(p: f64, a: f64) -> Result<f64, StatsError> {
    check_shape("the shape of the gamma distribution", a)?;
    Ok(lower_quantile(open_unit("a probability", p)?, a))
}

/// Returns the point above which the gamma distribution with shape `a` and scale 1 has probability
/// `q`: all digits for a `q` so small that 1 − q has lost them.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless q lies in (0, 1) and 0 < a ≤ 10¹⁰.
///
/// # Example
/// ```
/// let x = nines_stats::gamma::upper_quantile(1e-20, 1.0)?;
/// assert!((x - 46.051701859880914).abs() < 1e-13);
/// assert!(nines_stats::gamma::upper_quantile(0.0, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`quantile`], on ln Q(a, x).
pub fn upper_quantile(q: f64, a: f64) -> Result<f64, StatsError> {
    check_shape("the shape of the gamma distribution", a)?;
    Ok(upper_quantile_of(open_unit("a probability", q)?, a))
}

/// Returns the ends of the exact interval of a Poisson mean of which `k` events were counted, with
/// `tail` outside on each side.
pub(crate) fn poisson_mean_ends(k: f64, tail: f64) -> Result<(f64, f64), StatsError> {
    let lower = if k > 0.0 { quantile(tail, k)? } else { 0.0 };
    Ok((lower, upper_quantile(tail, k + 1.0)?))
}

/// Returns the point below which chi-square with `df` degrees of freedom, whole or not, has
/// probability `p`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p lies in (0, 1) and 0 < df ≤ 2·10¹⁰.
///
/// # Example
/// ```
/// let x = nines_stats::gamma::chi_square_quantile(0.025, 60.0)?;
/// assert!((x - 40.48174804).abs() < 1e-8);
/// assert!(nines_stats::gamma::chi_square_quantile(0.025, 0.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Chi-square with ν degrees of freedom is twice Gamma(ν/2) (Abramowitz & Stegun 26.4.19).
pub fn chi_square_quantile(p: f64, df: f64) -> Result<f64, StatsError> {
    check_shape("half the degrees of freedom", df / 2.0)?;
    Ok(2.0 * lower_quantile(open_unit("a probability", p)?, df / 2.0))
}

/// Returns the point above which chi-square with `df` degrees of freedom, whole or not, has
/// probability `q`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless q lies in (0, 1) and 0 < df ≤ 2·10¹⁰.
///
/// # Example
/// ```
/// let x = nines_stats::gamma::chi_square_upper_quantile(0.05, 2.0)?;
/// assert!((x - 2.0 * 20f64.ln()).abs() < 1e-14);
/// assert!(nines_stats::gamma::chi_square_upper_quantile(0.05, f64::NAN).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`chi_square_quantile`].
pub fn chi_square_upper_quantile(q: f64, df: f64) -> Result<f64, StatsError> {
    check_shape("half the degrees of freedom", df / 2.0)?;
    Ok(2.0 * upper_quantile_of(open_unit("a probability", q)?, df / 2.0))
}

#[cfg(test)]
mod tests;
