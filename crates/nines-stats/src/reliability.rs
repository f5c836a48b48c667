//! Nines, and what a failure rate promises over many uses.

use crate::beta::ln_gamma_half_step;
use crate::error::{StatsError, closed_unit, open_unit};
use crate::interval;

/// How many nines of reliability an experiment shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nines {
    /// −log₁₀ of the failure rate seen; `None` without failures (or without trials).
    pub point: Option<f64>,
    /// −log₁₀ of the exact one-sided upper bound: the nines that may be claimed.
    pub lower: f64,
    /// The confidence of `lower`.
    pub confidence: f64,
    /// How many independent trials.
    pub n: u64,
}

/// Returns the nines that `k` failures in `n` independent trials show.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n or the confidence is not in (0, 1).
///
/// # Example
/// ```
/// let nines = nines_stats::reliability::nines(0, 30_000, 0.95)?;
/// assert!((nines.lower - 4.0006).abs() < 1e-4);
/// assert_eq!(nines.point, None, "no failure seen is not infinitely many nines");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Clopper & Pearson 1934, one-sided.
pub fn nines(k: u64, n: u64, confidence: f64) -> Result<Nines, StatsError> {
    let bound = interval::upper_bound(k, n, confidence)?;
    Ok(Nines {
        point: (k > 0).then(|| -(k as f64 / n as f64).log10()),
        // The sum turns the −0 of "nothing shown" into 0.
        lower: -bound.upper.log10() + 0.0,
        confidence,
        n,
    })
}

/// Returns the probability that `uses` independent uses all go well at failure probability `p`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p lies in [0, 1] and the number of uses is finite and not
/// negative.
///
/// # Example
/// ```
/// assert!((nines_stats::reliability::survival(5.1293e-8, 1e6)? - 0.95).abs() < 1e-5);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// (1 − p)^M.
pub fn survival(p: f64, uses: f64) -> Result<f64, StatsError> {
    closed_unit("the failure probability", p)?;
    if !(uses >= 0.0 && uses.is_finite()) {
        return Err(StatsError::OutOfRange {
            what: "the number of uses",
            value: uses,
            allowed: "at least 0 and finite",
        });
    }
    // Not 0·∞ where every use fails and there is none.
    Ok(if uses == 0.0 {
        1.0
    } else {
        (uses * (-p).ln_1p()).exp()
    })
}

/// Returns the failure probability below which `uses` independent uses all go well with a given
/// chance.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the chance lies in (0, 1) and there is at least one use.
///
/// # Example
/// ```
/// let p = nines_stats::reliability::rate_for_survival(0.95, 1e6)?;
/// assert!((p - 5.1293e-8).abs() < 1e-12);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// 1 − chance^{1/M}.
pub fn rate_for_survival(chance: f64, uses: f64) -> Result<f64, StatsError> {
    open_unit("the chance", chance)?;
    if !(uses >= 1.0 && uses.is_finite()) {
        return Err(StatsError::OutOfRange {
            what: "the number of uses",
            value: uses,
            allowed: "at least 1 and finite",
        });
    }
    Ok(-(chance.ln() / uses).exp_m1())
}

/// Returns the predictive probability that the next `uses` all go well after `clean` clean trials,
/// with Jeffreys' prior.
///
/// # Example
/// ```
/// let p = nines_stats::reliability::clean_again(30_000, 30_000);
/// assert!((p - 0.70710825).abs() < 1e-8);
/// ```
///
/// # Reference
/// B(½, n+½+M)/B(½, n+½) ≈ √(n/(n+M)).
pub fn clean_again(clean: u64, uses: u64) -> f64 {
    (ln_gamma_half_step(clean as f64 + uses as f64) - ln_gamma_half_step(clean as f64)).exp()
}
