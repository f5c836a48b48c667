//! The binomial distribution's tails.

use crate::beta::ln_tails_at;
use crate::error::{StatsError, closed_unit};

/// Returns P(X ≤ k) for X ~ Binomial(n, p).
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p lies in [0, 1].
///
/// # Example
/// ```
/// use nines_stats::binomial::cdf;
/// assert!((cdf(4, 2000, 0.005)? - 0.0289692396).abs() < 1e-10);
/// assert_eq!(cdf(5, 5, 0.3)?, 1.0);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// P(X ≤ k) = P(Beta(k+1, n−k) > p) (Abramowitz & Stegun 26.5.24).
pub fn cdf(k: u64, n: u64, p: f64) -> Result<f64, StatsError> {
    closed_unit("a probability", p)?;
    if k >= n {
        return Ok(1.0);
    }
    Ok(ln_tails_at((k + 1) as f64, (n - k) as f64, p, 1.0 - p)
        .upper
        .exp())
}

/// Returns P(X ≥ k) for X ~ Binomial(n, p).
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p lies in [0, 1].
///
/// # Example
/// ```
/// assert!((nines_stats::binomial::at_least(1, 10, 0.1)? - 0.6513215599).abs() < 1e-10);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// P(X ≥ k) = P(Beta(k, n−k+1) ≤ p) (Abramowitz & Stegun 26.5.24).
pub fn at_least(k: u64, n: u64, p: f64) -> Result<f64, StatsError> {
    closed_unit("a probability", p)?;
    if k == 0 {
        return Ok(1.0);
    }
    if k > n {
        return Ok(0.0);
    }
    Ok(ln_tails_at(k as f64, (n - k + 1) as f64, p, 1.0 - p)
        .lower
        .exp())
}
