//! Upper bounds of a rare rate by mixtures of likelihood ratios.

use crate::beta::{ln_gamma_half_step, stirling_error};
use crate::bisection::{bracket, first_count_from, past};
use crate::error::{StatsError, alpha_of, open_unit, part_of};
use crate::estimate::IntervalEstimate;
use std::f64::consts::{PI, TAU};

/// What the bettor expects of the rate. It must be chosen before the first label.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Prior {
    /// Beta(½, ½): no opinion.
    Jeffreys,
    /// Beta(½, ½), mixed with the rate 0 of this weight in (0, 1): without failures the bound is
    /// only that of ln(1/(α·weight)) in place of ln(1/α), and slightly looser with failures.
    ZeroAtom(f64),
    /// [`Prior::ZeroAtom`] of weight ½.
    #[default]
    Even,
}

impl Prior {
    fn atom(self) -> Result<f64, StatsError> {
        match self {
            Self::Jeffreys => Ok(0.0),
            Self::ZeroAtom(weight) => open_unit("the weight of the rate 0", weight),
            Self::Even => Ok(0.5),
        }
    }
}

/// Returns ln B(k+½, n−k+½)/B(½, ½) = ln Γ(k+½)Γ(n−k+½)/(n!·π).
fn ln_beta_ratio(k: u64, n: u64) -> f64 {
    let (fewer, more, all) = (k.min(n - k) as f64, k.max(n - k) as f64, n as f64);
    if fewer == 0.0 {
        return ln_gamma_half_step(all) - 0.5 * PI.ln();
    }
    // Loader's form of the binomial coefficient, in which nothing large cancels.
    let ln_ways = stirling_error(all) - stirling_error(fewer) - stirling_error(more)
        + fewer * (all / fewer).ln()
        + more * (fewer / more).ln_1p()
        + 0.5 * (all / (TAU * fewer * more)).ln();
    ln_gamma_half_step(fewer) + ln_gamma_half_step(more) - PI.ln() - ln_ways
}

/// Returns ln(eˣ + eʸ).
fn ln_add(x: f64, y: f64) -> f64 {
    let (low, high) = if x < y { (x, y) } else { (y, x) };
    if high == f64::NEG_INFINITY {
        high
    } else {
        high + (low - high).exp().ln_1p()
    }
}

/// Returns the logarithm of the mixture's part that does not depend on the rate tested.
fn ln_numerator(k: u64, n: u64, prior: Prior) -> Result<f64, StatsError> {
    part_of("a count of failures", k, n, "at most the number of labels")?;
    let atom = prior.atom()?;
    let spread = (-atom).ln_1p() + ln_beta_ratio(k, n);
    Ok(if k == 0 {
        ln_add(atom.ln(), spread)
    } else {
        spread
    })
}

fn ln_likelihood(k: u64, n: u64, p: f64) -> f64 {
    let failures = if k == 0 { 0.0 } else { k as f64 * p.ln() };
    let clean = if k == n {
        0.0
    } else {
        (n - k) as f64 * (-p).ln_1p()
    };
    failures + clean
}

/// Returns the logarithm of the evidence against the rate `p` after `k` failures in `n` labels: the
/// capital of a bettor who started with 1. It may be looked at after every label; if p is the rate, it
/// ever reaches ln(1/α) with probability at most α.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n, unless p lies in (0, 1), or for an atom's weight outside
/// (0, 1).
///
/// # Example
/// ```
/// use nines_stats::anytime::mixture::{Prior, ln_evidence};
/// assert!(ln_evidence(0, 3678, 1e-3, Prior::Even)? >= 20f64.ln());
/// assert!(ln_evidence(0, 3677, 1e-3, Prior::Even)? < 20f64.ln());
/// assert!(ln_evidence(2, 1, 1e-3, Prior::Even).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Robbins, "Statistical methods related to the law of the iterated logarithm" (1970), for mixtures;
/// Ville (1939).
pub fn ln_evidence(k: u64, n: u64, p: f64, prior: Prior) -> Result<f64, StatsError> {
    open_unit("the rate tested", p)?;
    Ok(ln_numerator(k, n, prior)? - ln_likelihood(k, n, p))
}

/// Returns an upper bound for the rate that holds at all numbers of labels at once: with the stated
/// confidence no bound along the way is ever below it.
///
/// The smallest bound seen so far may be kept. The prior must be chosen beforehand.
///
/// # Errors
/// [`StatsError::OutOfRange`] when k > n, the confidence is not in (0, 1), or an atom's weight is not.
///
/// # Example
/// ```
/// use nines_stats::anytime::mixture::{Prior, upper_bound};
/// let e = upper_bound(0, 3000, Prior::Even, 0.95)?;
/// assert!((e.upper - 1.2254592e-3).abs() < 1e-10);
/// assert!(upper_bound(0, 3000, Prior::ZeroAtom(1.0), 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`ln_evidence`]; the largest p whose evidence is below 1/α.
pub fn upper_bound(
    k: u64,
    n: u64,
    prior: Prior,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let limit = -alpha_of(confidence)?.ln();
    let numerator = ln_numerator(k, n, prior)?;
    let upper = if k == n {
        1.0
    } else {
        // The evidence is least at k/n and grows above it. The odds keep digits next to 1.
        let possible = |odds: f64| {
            let failures = if k == 0 {
                0.0
            } else {
                -(k as f64) * (1.0 / odds).ln_1p()
            };
            numerator - failures + (n - k) as f64 * odds.ln_1p() < limit
        };
        let seen = k as f64 / (n - k) as f64;
        let odds = bracket(seen, past(2.0 * seen + 1.0 / n as f64, possible), possible).1;
        odds / (1.0 + odds)
    };
    Ok(IntervalEstimate {
        value: (n > 0).then(|| k as f64 / n as f64),
        lower: 0.0,
        upper,
        confidence,
        method: match prior {
            Prior::Jeffreys => "Beta mixture (anytime-valid, one-sided upper)",
            _ => "Beta and zero-atom mixture (anytime-valid, one-sided upper)",
        }
        .to_owned(),
        n,
    })
}

/// Returns how many labels without a failure show a rate of at most `p` at whatever moment they are
/// reached: the smallest n whose evidence against p is 1/α.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless p and the confidence lie in (0, 1) (and an atom's weight), or
/// when more than 2⁵³ labels would be needed.
///
/// # Example
/// ```
/// use nines_stats::anytime::mixture::{Prior, clean_labels_needed};
/// assert_eq!(clean_labels_needed(1e-3, Prior::Even, 0.95)?, 3678);
/// assert!(clean_labels_needed(0.0, Prior::Even, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`ln_evidence`]. With an atom it is at most ⌈ln(1/(α·weight))/−ln(1−p)⌉.
pub fn clean_labels_needed(p: f64, prior: Prior, confidence: f64) -> Result<u64, StatsError> {
    open_unit("the rate to show", p)?;
    let limit = -alpha_of(confidence)?.ln();
    let enough = |n: u64| ln_evidence(0, n, p, prior).map(|e| e >= limit);
    first_count_from(1, enough)?.ok_or(StatsError::OutOfRange {
        what: "the rate to show",
        value: p,
        allowed: "large enough to be shown with 2^53 labels",
    })
}
