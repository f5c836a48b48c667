//! The beta distribution: both tails and quantiles, to about 14 digits for parameters up to 10⁷ and
//! beyond.

use crate::error::{StatsError, closed_unit, open_unit};
use crate::logistic::logistic;
use crate::solve::{LogCdf, solve};
use std::f64::consts::{LN_2, PI};

/// Returns ln(n!) minus its Stirling approximation, for n > 0.
///
/// Below 16 it climbs by the recurrence δ(n) = δ(n+1) + (n+½)ln(1+1/n) − 1, from where seven terms
/// of the series give all digits.
pub(crate) fn stirling_error(n: f64) -> f64 {
    let mut n = n;
    let mut climbed = 0.0;
    while n < 16.0 {
        climbed += (n + 0.5) * (1.0 / n).ln_1p() - 1.0;
        n += 1.0;
    }
    let nn = n * n;
    const S: [f64; 7] = [
        1.0 / 12.0,
        1.0 / 360.0,
        1.0 / 1260.0,
        1.0 / 1680.0,
        1.0 / 1188.0,
        691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let series = (S[0]
        - (S[1] - (S[2] - (S[3] - (S[4] - (S[5] - S[6] / nn) / nn) / nn) / nn) / nn) / nn)
        / n;
    climbed + series
}

/// Returns the deviance term x·ln(x/m) + m − x without cancellation near x = m.
pub(crate) fn deviance(x: f64, m: f64) -> f64 {
    let difference = x - m;
    if difference.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() - difference;
    }
    let v = difference / (x + m);
    let mut sum = difference * v;
    let mut term = 2.0 * x * v;
    let vv = v * v;
    for j in 1..1000 {
        term *= vv;
        let next = sum + term / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// Returns ln of x^a (1−x)^b / (a B(a, b)), with `y` = 1 − x given apart so that neither side loses
/// its digits: Loader's saddle-point form of the binomial.
fn ln_front(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let saddle = stirling_error(n) - stirling_error(a) - stirling_error(b);
    let spread = 0.5 * (n / (2.0 * PI * a * b)).ln();
    saddle - deviance(a, n * x) - deviance(b, n * y) + spread + (b / n).ln()
}

/// Returns what the front factor must be multiplied by to give I_x(a, b), for x at most the mean.
/// Lentz's method on the even contraction of the continued fraction, in which nothing cancels when a
/// or b is large.
fn continued_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let most = 500 + 20 * a.max(b).sqrt() as u64;
    let above_mean = a * y - b * x;
    let mut f = away_from_zero(a * (1.0 + above_mean) / (a + 1.0));
    let (mut c, mut d) = (f, 0.0);
    for i in 1..=most {
        let m = i as f64;
        let odd = a + 2.0 * m;
        let step = m * (b - m) * x / (odd - 1.0);
        let numerator = (a + m - 1.0) * (a + b + m - 1.0) * x / (odd - 1.0) * step;
        let denominator = m + step + (a + m) * (above_mean + 1.0 + m * (1.0 + y)) / (odd + 1.0);
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

/// Both tails of a distribution at a point, as logarithms: neither is one minus the other, so the
/// small one keeps its digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LnTails {
    /// ln P(X ≤ x).
    pub lower: f64,
    /// ln P(X > x).
    pub upper: f64,
}

/// Returns ln(1 − e^`ln`) with the digits of whichever of the two is small.
fn complement(ln: f64) -> f64 {
    if ln > -LN_2 {
        (-ln.exp_m1()).ln()
    } else {
        (-ln.exp()).ln_1p()
    }
}

impl LnTails {
    /// Takes the lower tail, of which rounding may have made more than 1.
    pub(crate) fn of_lower(ln: f64) -> Self {
        let lower = ln.min(0.0);
        Self {
            lower,
            upper: complement(lower),
        }
    }

    /// Takes the upper tail, likewise.
    pub(crate) fn of_upper(ln: f64) -> Self {
        let upper = ln.min(0.0);
        Self {
            lower: complement(upper),
            upper,
        }
    }
}

/// Returns both tails of Beta(a, b) at x, where `y` is 1 − x given with its own digits.
pub(crate) fn ln_tails_at(a: f64, b: f64, x: f64, y: f64) -> LnTails {
    if x <= 0.0 {
        return LnTails {
            lower: f64::NEG_INFINITY,
            upper: 0.0,
        };
    }
    if y <= 0.0 {
        return LnTails {
            lower: 0.0,
            upper: f64::NEG_INFINITY,
        };
    }
    if a * y >= b * x {
        LnTails::of_lower(ln_front(a, b, x, y) + continued_fraction(a, b, x, y).ln())
    } else {
        LnTails::of_upper(ln_front(b, a, y, x) + continued_fraction(b, a, y, x).ln())
    }
}

fn check_shape(a: f64, b: f64) -> Result<(), StatsError> {
    for (what, value) in [("the beta parameter a", a), ("the beta parameter b", b)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(StatsError::OutOfRange {
                what,
                value,
                allowed: "positive and finite",
            });
        }
    }
    Ok(())
}

/// Returns both tails of Beta(a, b) at x.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless a and b are positive and x lies in [0, 1].
///
/// # Example
/// ```
/// let tails = nines_stats::beta::ln_tails(2.0, 3.0, 0.5)?;
/// assert!((tails.lower.exp() - 0.6875).abs() < 1e-15);
/// assert!(nines_stats::beta::ln_tails(0.0, 3.0, 0.5).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Loader, "Fast and accurate computation of binomial probabilities" (2000), for the front factor;
/// Didonato & Morris, "Algorithm 708" (1992), for the continued fraction; Lentz (1976) for its
/// evaluation.
pub fn ln_tails(a: f64, b: f64, x: f64) -> Result<LnTails, StatsError> {
    check_shape(a, b)?;
    closed_unit("the point of the beta distribution", x)?;
    Ok(ln_tails_at(a, b, x, 1.0 - x))
}

/// Returns the logit of the point below which Beta(a, b) has probability exp(`ln_p`).
fn quantile_logit(ln_p: f64, a: f64, b: f64) -> f64 {
    // ln of the median's logit, near enough to start from.
    let start = (a / b).ln() + (1.0 / a + 1.0 / b).sqrt() * crate::normal::rough_quantile(ln_p);
    solve(ln_p, start, |t| {
        let (x, y) = (logistic(t), logistic(-t));
        let ln_cdf = ln_tails_at(a, b, x, y).lower;
        let ln_density = ln_front(a, b, x, y) + a.ln();
        LogCdf {
            ln_cdf,
            slope: (ln_density - ln_cdf).exp(),
        }
    })
}

/// Returns the point below which Beta(a, b) has probability `p`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless a and b are positive and p lies in (0, 1).
///
/// # Example
/// ```
/// let x = nines_stats::beta::quantile(0.025, 1.0, 100.0)?;
/// assert!((x - 2.5314602e-4).abs() < 1e-10);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Newton on ln I_x(a, b) in logit x; closed forms where a or b is 1.
pub fn quantile(p: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    check_shape(a, b)?;
    open_unit("a probability", p)?;
    Ok(if p <= 0.5 {
        lower_quantile(p, a, b)
    } else {
        upper_quantile(1.0 - p, a, b)
    })
}

/// Returns the point below which Beta(a, b) has probability `p`; exact parameters are the caller's
/// care.
pub(crate) fn lower_quantile(p: f64, a: f64, b: f64) -> f64 {
    if a == 1.0 {
        return -((-p).ln_1p() / b).exp_m1();
    }
    if b == 1.0 {
        return (p.ln() / a).exp();
    }
    logistic(quantile_logit(p.ln(), a, b))
}

/// Returns the point above which Beta(a, b) has probability `q`.
pub(crate) fn upper_quantile(q: f64, a: f64, b: f64) -> f64 {
    if b == 1.0 {
        return ((-q).ln_1p() / a).exp();
    }
    if a == 1.0 {
        return -(q.ln() / b).exp_m1();
    }
    logistic(upper_quantile_logit(q, a, b))
}

/// Returns the logit of the point above which Beta(a, b) has probability `q`: it keeps the digits
/// of points next to 1.
pub(crate) fn upper_quantile_logit(q: f64, a: f64, b: f64) -> f64 {
    -quantile_logit(q.ln(), b, a)
}

/// Returns ln Γ(x + ½) − ln Γ(x + 1) for x ≥ 0, without cancellation for large x.
pub(crate) fn ln_gamma_half_step(x: f64) -> f64 {
    if x < 1.0 {
        return ln_gamma_half_step(x + 1.0) + ((x + 1.0) / (x + 0.5)).ln();
    }
    stirling_error(x - 0.5) - stirling_error(x) + x * (-0.5 / x).ln_1p() + 0.5 * (1.0 - x.ln())
}
