//! P-values of the hypothesis that a risk is above a limit.

use crate::binomial;
use crate::bounded_sum::scaled_divergence;
use crate::error::{StatsError, open_unit, part_of};

/// Returns the exact p-value of the hypothesis that a failure probability is above `max_risk`, from
/// `failures` among `n` independent items: P(Bin(n, max_risk) ≤ failures).
///
/// # Errors
/// [`StatsError::Empty`] when n is 0, [`StatsError::OutOfRange`] when there are more failures than
/// items or the limit is not in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::learn_then_test::binomial_p_value;
/// assert!((binomial_p_value(4, 2000, 0.005)? - 0.0289692396).abs() < 1e-10);
/// assert!(binomial_p_value(5, 4, 0.005).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Angelopoulos et al. (2021), arXiv:2110.01052; Clopper & Pearson (1934) inverts it.
pub fn binomial_p_value(failures: u64, n: u64, max_risk: f64) -> Result<f64, StatsError> {
    open_unit("the risk allowed", max_risk)?;
    check_items(n)?;
    part_of(
        "the number of failures",
        failures,
        n,
        "at most the number of items",
    )?;
    binomial::cdf(failures, n, max_risk)
}

/// Returns a p-value of the hypothesis that an expected loss is above `max_risk`, from the total loss
/// of `n` independent items with losses in [0, 1].
///
/// For losses of 0 or 1 [`binomial_p_value`] is exact and smaller.
///
/// # Errors
/// [`StatsError::Empty`] when n is 0, [`StatsError::OutOfRange`] unless the total lies in [0, n] and
/// the limit in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::learn_then_test::hoeffding_bentkus_p_value;
/// assert!((hoeffding_bentkus_p_value(1.0, 2000, 0.005)? - 1.2092728e-3).abs() < 1e-10);
/// assert!(hoeffding_bentkus_p_value(-1.0, 2000, 0.005).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Bates, Angelopoulos, Lei, Malik & Jordan (2021), used by "Learn then test": the smaller of
/// exp(−n·KL(min(R̂, α) ‖ α)) (Hoeffding 1963) and e·P(Bin(n, α) ≤ ⌈nR̂⌉) (Bentkus 2004).
pub fn hoeffding_bentkus_p_value(
    total_loss: f64,
    n: u64,
    max_risk: f64,
) -> Result<f64, StatsError> {
    open_unit("the risk allowed", max_risk)?;
    check_items(n)?;
    let size = n as f64;
    if !(total_loss >= 0.0 && total_loss <= size) {
        return Err(StatsError::OutOfRange {
            what: "the total loss",
            value: total_loss,
            allowed: "between 0 and the number of items",
        });
    }
    let hoeffding = if total_loss >= size * max_risk {
        1.0
    } else {
        (-scaled_divergence(total_loss, size, max_risk)).exp()
    };
    let bentkus = std::f64::consts::E * binomial::cdf(total_loss.ceil() as u64, n, max_risk)?;
    Ok(hoeffding.min(bentkus).min(1.0))
}

fn check_items(n: u64) -> Result<(), StatsError> {
    if n == 0 {
        Err(StatsError::Empty {
            what: "calibration items",
        })
    } else {
        Ok(())
    }
}
