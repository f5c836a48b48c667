//! Guaranteed upper bounds for sums of independent terms between 0 and 1, whatever their
//! distributions: weighted failures, capped draws, shares.

mod hoeffding_bentkus;

pub(crate) use hoeffding_bentkus::{mean_ends, scaled_divergence};

use crate::error::{StatsError, alpha_of, countable};
use crate::estimate::IntervalEstimate;
use crate::gamma::ln_front;

/// The counts below `s` of X ~ Poisson(mean), in units of P(X = s − 1).
struct Below {
    ln_unit: f64,
    /// P(X < s).
    probability: f64,
    /// E(s − X)₊.
    shortfall: f64,
}

impl Below {
    /// Adds probabilities from the largest count down, all of one sign: no digit cancels. What is
    /// left out lies below a geometric series, and about 8·√mean terms are not.
    fn of(s: u64, mean: f64) -> Self {
        let (size, per_mean) = (s as f64, 1.0 / mean);
        let (mut ratio, mut probability, mut shortfall) = (1.0, 0.0, 0.0);
        let mut i = 1.0;
        loop {
            probability += ratio;
            shortfall += i * ratio;
            let factor = (size - i) * per_mean;
            ratio *= factor;
            i += 1.0;
            let room = 1.0 - factor;
            let matters = room <= 0.0 || ratio * (i * room + 1.0) > 1e-17 * shortfall * room * room;
            if i > size || !matters {
                break;
            }
        }
        Self {
            ln_unit: ln_front(size - 1.0, mean, mean.ln()),
            probability,
            shortfall,
        }
    }
}

/// Returns the mean at which Bentkus's bound with this `s` is α: E(s − X)₊ = α·(s − sum).
///
/// The logarithm of the shortfall falls ever more steeply in the mean (its slope is
/// −1/E(s − X | X < s)), so that Newton's steps come from above after the first.
fn mean_at(s: u64, sum: f64, ln_alpha: f64, start: f64) -> f64 {
    let target = ln_alpha + (s as f64 - sum).ln();
    let mut mean = start;
    for attempt in 0..200 {
        let below = Below::of(s, mean);
        let excess = below.ln_unit + below.shortfall.ln() - target;
        let step = excess * below.shortfall / below.probability;
        if attempt > 0 && step >= -4e-16 * mean {
            break;
        }
        mean += step;
    }
    mean
}

/// Returns the `s` above `sum` at which E(s − X)₊/(s − sum) is least, looking from `near` outwards: it
/// falls to its minimum and rises from there.
fn best_size(sum: f64, mean: f64, near: u64) -> u64 {
    let least = sum.floor() as u64 + 1;
    // From here on all of X lies below s, and the quotient rises towards 1.
    let most = (mean + 30.0 * mean.sqrt() + 12.0) as u64;
    // The shortfall grows by P(X ≤ s) from s to s + 1.
    let rises = |s: u64| {
        let below = Below::of(s, mean);
        let growth = below.probability + mean / s as f64;
        s >= most || growth * (s as f64 - sum) >= below.shortfall
    };
    let (mut falling, mut rising, mut step) = (least - 1, near.max(least), 1);
    if rises(rising) {
        while rising > least {
            let next = rising.saturating_sub(step).max(least);
            if !rises(next) {
                falling = next;
                break;
            }
            rising = next;
            step *= 2;
        }
    } else {
        loop {
            falling = rising;
            rising += step;
            step *= 2;
            if rises(rising) {
                break;
            }
        }
    }
    while rising - falling > 1 {
        let middle = falling + (rising - falling) / 2;
        if rises(middle) {
            rising = middle;
        } else {
            falling = middle;
        }
    }
    rising
}

/// Returns the least mean at which Bentkus's bound on P(T ≤ sum) where E T = mean, the least
/// E(s − X)₊/(s − sum) over whole numbers s > sum, is α.
///
/// In turn the best s for a mean and the mean for that s: each mean is a valid bound and the next is
/// smaller, until s stays.
fn least_mean(sum: f64, ln_alpha: f64) -> f64 {
    let mut s = (sum + sum.sqrt()).floor() as u64 + 1;
    // Far enough from 0 that no quotient overflows.
    let mut mean = mean_at(s, sum, ln_alpha, sum + 1e-3);
    loop {
        let next = best_size(sum, mean, s);
        if next == s {
            return mean;
        }
        let smaller = mean_at(next, sum, ln_alpha, mean);
        if smaller.is_nan() || smaller >= mean {
            return mean;
        }
        (s, mean) = (next, smaller);
    }
}

/// Returns ln(1/α) for no sum, and otherwise the largest mean that Bentkus's bound leaves possible.
/// The sum must lie in [0, n].
pub(crate) fn sum_end(sum: f64, n: u64, alpha: f64) -> f64 {
    let ln_alpha = alpha.ln();
    let upper = if sum == 0.0 {
        -ln_alpha
    } else {
        // At the sum itself Jensen's inequality puts the bound at 1 or more: less is rounding.
        least_mean(sum, ln_alpha).max(sum)
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
/// beforehand: to look again and again, use [`crate::anytime`]. It takes time in proportion to the root
/// of the sum, some milliseconds at 10⁷ and seconds at 10¹².
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
