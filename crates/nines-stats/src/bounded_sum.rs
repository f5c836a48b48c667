//! Guaranteed upper bounds for sums of independent terms between 0 and 1, whatever their
//! distributions: weighted failures, capped draws, shares.

mod hoeffding_bentkus;

pub(crate) use hoeffding_bentkus::{mean_ends, scaled_divergence};

use crate::bisection::{bracket, first_count, past};
use crate::error::{StatsError, alpha_of, countable};
use crate::estimate::IntervalEstimate;
use crate::gamma::ln_front;
use std::convert::Infallible;

/// Returns ln E(s − X)₊ for X ~ Poisson(mean).
fn ln_expected_shortfall(s: u64, mean: f64) -> f64 {
    // From the largest count down, each in units of its probability.
    let (mut ratio, mut sum) = (1.0, 0.0);
    for i in 1..=s {
        let term = i as f64 * ratio;
        sum += term;
        let factor = (s - i) as f64 / mean;
        ratio *= factor;
        // Terms rise until i is about the root of the mean; from where they fall, a geometric series
        // bounds what is left.
        let falling = factor * (i as f64 + 1.0) / i as f64;
        if falling < 1.0 && term * falling <= 1e-17 * sum * (1.0 - falling) {
            break;
        }
    }
    let last = (s - 1) as f64;
    let ln_mass = if s == 1 {
        -mean
    } else {
        ln_front(last, mean, mean.ln())
    };
    ln_mass + sum.ln()
}

/// Returns ln of Bentkus's bound on P(T ≤ sum) where E T = mean: the least E(s − X)₊/(s − sum) over
/// whole numbers s > sum, which falls to its minimum and rises from there.
fn ln_tail(sum: f64, mean: f64) -> f64 {
    let bound = |s: u64| ln_expected_shortfall(s, mean) - (s as f64 - sum).ln();
    let first = sum.floor() as u64 + 1;
    let rises = |s: u64| bound(s + 1) >= bound(s);
    if rises(first) {
        return bound(first);
    }
    let mut step = 1;
    while !rises(first + step) {
        step *= 2;
    }
    let Ok(least) = first_count(first + step / 2, first + step, |s| {
        Ok::<bool, Infallible>(rises(s))
    });
    bound(least)
}

/// Returns ln(1/α) for no sum, and otherwise the largest mean that Bentkus's bound leaves possible.
/// The sum must lie in [0, n].
pub(crate) fn sum_end(sum: f64, n: u64, alpha: f64) -> f64 {
    let ln_alpha = alpha.ln();
    let upper = if sum == 0.0 {
        -ln_alpha
    } else {
        let possible = |mean: f64| ln_tail(sum, mean) > ln_alpha;
        // At the sum itself Jensen's inequality puts the bound at 1 or more.
        bracket(sum, past(2.0 * sum + 1.0, possible), possible).1
    };
    upper.min(n as f64)
}

/// Returns a guaranteed upper bound for the expected sum of `n` independent terms in [0, 1], from
/// the `sum` seen; it needs nothing else of the terms, not even that they share a distribution.
///
/// It is −ln(1 − confidence) when every term is 0, which no bound without further assumptions can
/// beat by more than the difference between a binomial and a Poisson; for whole sums it lies at most
/// 8 % above the exact Poisson bound at confidence 0.95. One rule covers zero and more failures, so
/// nothing is chosen after looking. The terms must be independent (one prompt each), and `n` fixed
/// beforehand: to look again and again, use [`crate::anytime`].
///
/// # Errors
/// [`StatsError::Empty`] when n is 0, [`StatsError::OutOfRange`] unless the sum lies in [0, n], the
/// confidence in (0, 1), or for more than 2⁵³ terms.
///
/// # Example
/// ```
/// use nines_stats::bounded_sum::expected_sum_upper;
/// let clean = expected_sum_upper(0.0, 10_000, 0.95)?;
/// assert!((clean.upper - 20f64.ln()).abs() < 1e-12);
/// let one = expected_sum_upper(1.0, 10_000, 0.95)?;
/// assert!((one.upper - 4.9318605).abs() < 1e-7);
/// assert!(expected_sum_upper(3.5, 3, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Hoeffding, "Probability inequalities for sums of bounded random variables" (1963), for the convex
/// order T ≤ Poisson(E T); Bentkus, "On Hoeffding's inequalities" (Ann. Probab. 2004), for the tail
/// bound P(T ≤ t) ≤ inf_s E(s − X)₊/(s − t).
pub fn expected_sum_upper(
    sum: f64,
    n: u64,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let alpha = alpha_of(confidence)?;
    countable("the number of terms", n)?;
    if n == 0 {
        return Err(StatsError::Empty {
            what: "a bounded sum",
        });
    }
    if !(sum >= 0.0 && sum <= n as f64) {
        return Err(StatsError::OutOfRange {
            what: "a sum of terms between 0 and 1",
            value: sum,
            allowed: "between 0 and the number of terms",
        });
    }
    Ok(IntervalEstimate {
        value: Some(sum),
        lower: 0.0,
        upper: sum_end(sum, n, alpha),
        confidence,
        method: "Bentkus (guaranteed, one-sided upper)".to_owned(),
        n,
    })
}

#[cfg(test)]
mod tests;
