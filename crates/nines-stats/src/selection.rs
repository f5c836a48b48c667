//! Which accepted completion to give out: the first, or the safest of a batch.
//!
//! The first accepted completion, and equally a random accepted one of a batch, is a draw from the
//! accepted distribution, so batches change nothing while the order is kept. Choosing the *safest*
//! does: less risk as long as the risk rises with the score, at the price of a distribution pulled
//! further from the generator's, towards whatever the classifier likes best. What is calibrated or
//! compared for the first accepted completion (thresholds, [`crate::quality`]) does not hold for the
//! safest.
//!
//! Scores are taken as quantiles u of the generator's own scores, so that completions are uniform on
//! [0, 1] and the filter accepts u ≤ a.

mod quadrature;
#[cfg(test)]
mod tests;

use crate::binomial;
use crate::error::{StatsError, above_zero, closed_unit};
use quadrature::integrate;
use std::cell::Cell;

/// The risk of an answer under both ways of choosing it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelectionRisks {
    /// P(catastrophe) of the first accepted completion.
    pub first: f64,
    /// P(catastrophe) of the safest completion of a batch, when it is accepted.
    pub safest: f64,
    /// P(at least one of a batch is accepted).
    pub batch_accepted: f64,
}

impl SelectionRisks {
    /// Returns how many times less often the safest completion is a catastrophe; infinite when it
    /// never is, and 1 when neither is.
    pub fn gain(&self) -> f64 {
        if self.first == self.safest {
            1.0
        } else {
            self.first / self.safest
        }
    }
}

fn check(acceptance: f64, batch: u64) -> Result<(), StatsError> {
    above_zero("the acceptance", acceptance)?;
    check_batch(batch)
}

fn check_batch(batch: u64) -> Result<(), StatsError> {
    if batch >= 1 {
        Ok(())
    } else {
        Err(StatsError::OutOfRange {
            what: "the batch",
            value: 0.0,
            allowed: "at least 1 completion",
        })
    }
}

/// Returns the risks of the first accepted completion and of the safest of a batch, when a completion
/// at quantile u of the generator's scores is a catastrophe with probability `risk(u)`.
///
/// The risk is that of one prompt, or of prompts that all behave alike: over different prompts,
/// average the results. Numeric integration, to about 10 digits for a risk that is smooth or has
/// jumps; a spike narrower than a thousandth of the accepted range can be missed.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the acceptance lies in (0, 1], the batch is at least 1, and the
/// risk in [0, 1] at every point looked at; [`StatsError::NoProgress`] for a risk too wild to
/// integrate.
///
/// # Example
/// ```
/// use nines_stats::selection::risks;
/// let r = risks(|u| 1e-3 * u, 0.4, 10)?;
/// assert!((r.first - 2e-4).abs() < 1e-15 && (r.safest - 8.86969449e-5).abs() < 1e-13);
/// assert!(risks(|u| 2.0 * u, 0.9, 10).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// (1/a)∫₀ᵃ p(u) du, and ∫₀ᵃ p(u)·n(1−u)ⁿ⁻¹ du/(1 − (1−a)ⁿ): the density of the smallest of n
/// (David & Nagaraja 2003, section 2.1).
pub fn risks(
    risk: impl Fn(f64) -> f64,
    acceptance: f64,
    batch: u64,
) -> Result<SelectionRisks, StatsError> {
    let batch_accepted = batch_accepted(acceptance, batch)?;
    let bad = Cell::new(None);
    let checked = |u: f64| {
        let p = risk(u);
        if !(0.0..=1.0).contains(&p) {
            bad.set(Some(p));
            return 0.0;
        }
        p
    };
    let first = integrate(&checked, acceptance);
    // In F = 1 − (1−u)ⁿ the safest completion is uniform.
    let quantile = |share: f64| -((-share).ln_1p() / batch as f64).exp_m1();
    let safest = integrate(
        &|share: f64| checked(quantile(share).clamp(0.0, acceptance)),
        batch_accepted,
    );
    if let Some(value) = bad.get() {
        return Err(StatsError::OutOfRange {
            what: "the risk of a completion",
            value,
            allowed: "between 0 and 1",
        });
    }
    Ok(SelectionRisks {
        first: (first? / acceptance).min(1.0),
        safest: (safest? / batch_accepted).min(1.0),
        batch_accepted,
    })
}

/// Returns the risks of the first accepted completion and of the safest of a batch in closed form,
/// when the risk is `slope` times the quantile of the score.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the slope lies in [0, 1], the acceptance in (0, 1] and the
/// batch is at least 1.
///
/// # Example
/// ```
/// use nines_stats::selection::linear_risks;
/// let r = linear_risks(1e-3, 0.4, 10)?;
/// assert!((r.gain() - 2.2549).abs() < 5e-5);
/// assert!(linear_risks(1e-3, 0.0, 10).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// c·\[1 − (1−a)ⁿ(1+na)\]/((n+1)(1 − (1−a)ⁿ)); the bracket is P(Bin(n+1, a) ≥ 2), which keeps its
/// digits for small na.
pub fn linear_risks(slope: f64, acceptance: f64, batch: u64) -> Result<SelectionRisks, StatsError> {
    closed_unit("the slope of the risk", slope)?;
    let batch_accepted = batch_accepted(acceptance, batch)?;
    let two = if acceptance >= 1.0 {
        1.0
    } else {
        binomial::at_least(2, batch.saturating_add(1), acceptance)?
    };
    Ok(SelectionRisks {
        first: slope * acceptance / 2.0,
        safest: slope * two / ((batch as f64 + 1.0) * batch_accepted),
        batch_accepted,
    })
}

/// Returns the probability that at least one of `batch` independent completions is accepted.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the acceptance lies in (0, 1] and the batch is at least 1.
///
/// # Example
/// ```
/// use nines_stats::selection::batch_accepted;
/// assert!((batch_accepted(0.4, 10)? - 0.9939533824).abs() < 1e-15);
/// assert!(batch_accepted(0.4, 0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// 1 − (1−a)ⁿ.
pub fn batch_accepted(acceptance: f64, batch: u64) -> Result<f64, StatsError> {
    check(acceptance, batch)?;
    Ok(-(batch as f64 * (-acceptance).ln_1p()).exp_m1())
}

/// Returns KL(first accepted ‖ generator) in nats, exactly: −ln a.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the acceptance lies in (0, 1].
///
/// # Example
/// ```
/// use nines_stats::selection::divergence_of_first;
/// assert!((divergence_of_first(0.4)? - 0.916290731874155).abs() < 1e-15);
/// assert!(divergence_of_first(0.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// The density of the accepted over the generator's is 1/a.
pub fn divergence_of_first(acceptance: f64) -> Result<f64, StatsError> {
    check(acceptance, 1)?;
    Ok(-acceptance.ln() + 0.0)
}

/// Returns an upper bound of KL(safest of a batch ‖ generator) in nats, where the safest is given out
/// *whatever its score*: ln n − (n−1)/n.
///
/// Equality for continuous scores; less where completions tie. With a filter that may refuse the whole
/// batch it is no bound: see [`divergence_of_safest_accepted`].
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the batch is at least 1.
///
/// # Example
/// ```
/// use nines_stats::selection::divergence_of_safest;
/// assert!((divergence_of_safest(10)? - 1.402585092994046).abs() < 1e-14);
/// assert!(divergence_of_safest(0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Beirami et al., "Theoretical guarantees on the best-of-n alignment policy" (2024),
/// arXiv:2401.01879: an upper bound, not in general an equality.
pub fn divergence_of_safest(batch: u64) -> Result<f64, StatsError> {
    check_batch(batch)?;
    let n = batch as f64;
    Ok(n.ln() - (n - 1.0) / n)
}

/// Returns an upper bound of KL(safest of a batch, given that it is accepted ‖ generator) in nats.
///
/// Equality for continuous scores; less where completions tie. It is at least
/// [`divergence_of_safest`], since only batches with an accepted completion count, and is
/// [`divergence_of_first`] for a batch of one.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the acceptance lies in (0, 1] and the batch is at least 1.
///
/// # Example
/// ```
/// use nines_stats::selection::{divergence_of_first, divergence_of_safest_accepted};
/// assert!((divergence_of_safest_accepted(0.4, 10)? - 1.43661808218).abs() < 1e-11);
/// assert!((divergence_of_safest_accepted(0.4, 1)? - divergence_of_first(0.4)?).abs() < 1e-14);
/// assert!(divergence_of_safest_accepted(1.5, 10).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// ∫₀ᵃ f ln f du for f = n(1−u)ⁿ⁻¹/P with P = 1 − (1−a)ⁿ, which is
/// ln n − (n−1)/n − ln P − (n−1)(1−a)ⁿ ln(1−a)/P; ties only merge points, which lowers a divergence.
pub fn divergence_of_safest_accepted(acceptance: f64, batch: u64) -> Result<f64, StatsError> {
    let accepted = batch_accepted(acceptance, batch)?;
    let n = batch as f64;
    let ln_rejected = (-acceptance).ln_1p();
    let cut = if acceptance >= 1.0 {
        0.0
    } else {
        (n - 1.0) * (n * ln_rejected).exp() * -ln_rejected / accepted
    };
    Ok(divergence_of_safest(batch)? - accepted.ln() + cut)
}
