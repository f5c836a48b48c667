//! Quantiles and means of bounded numbers, such as draws for each prompt, with intervals.

use crate::binomial;
use crate::bisection::first_count;
use crate::error::{StatsError, alpha_of, finite, open_unit};
use crate::estimate::IntervalEstimate;
use crate::interval::exact_ends;
use crate::moments::{self, squared_spread};
use crate::normal;

/// The smallest and the largest value that a number can take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Support {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

fn checked(values: &[f64], support: Support) -> Result<Vec<f64>, StatsError> {
    finite("values", values)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    for &value in [sorted.first(), sorted.last()].into_iter().flatten() {
        if !(value >= support.low && value <= support.high) {
            return Err(StatsError::OutOfRange {
                what: "a value",
                value,
                allowed: "within the stated support",
            });
        }
    }
    Ok(sorted)
}

/// Returns the q-quantile of independent values by nearest rank, with its exact interval.
///
/// The interval's ends are values seen, or the support's ends where the values are too few to bound
/// the quantile. Values that repeat (whole numbers) make it conservative, and it may be a single
/// number: then the quantile is that number with the stated confidence.
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] for a value
/// outside the support or a probability outside (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quantile::{Support, quantile};
/// let draws: Vec<f64> = (1..=20).map(f64::from).collect();
/// let support = Support { low: 1.0, high: 64.0 };
/// let median = quantile(&draws, 0.5, support, 0.95)?;
/// assert_eq!((median.value, median.lower, median.upper), (Some(10.0), 6.0, 15.0));
/// let p99 = quantile(&draws, 0.99, support, 0.95)?;
/// assert_eq!(p99.upper, 64.0, "twenty values do not bound a 99th percentile");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// David & Nagaraja 2003, §7.1: P(X₍ₗ₎ > ξ) ≤ P(Bin(n, q) ≤ l − 1).
pub fn quantile(
    values: &[f64],
    q: f64,
    support: Support,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    open_unit("the quantile's probability", q)?;
    let tail = alpha_of(confidence)? / 2.0;
    let sorted = checked(values, support)?;
    let n = sorted.len() as u64;
    // The largest rank that lies above the quantile too seldom to matter; 0: none.
    let lower_rank = first_count(0, n + 1, |rank| {
        binomial::cdf(rank - 1, n, q).map(|above| above > tail)
    })? - 1;
    // The smallest rank that lies below it too seldom to matter; n + 1: none.
    let upper_rank = first_count(0, n + 1, |rank| {
        binomial::at_least(rank, n, q).map(|below| below <= tail)
    })?;
    let at = |rank: u64| sorted[rank as usize - 1];
    let nearest = ((q * n as f64 - 1e-9).ceil() as u64).clamp(1, n);
    Ok(IntervalEstimate {
        value: Some(at(nearest)),
        lower: if lower_rank == 0 {
            support.low
        } else {
            at(lower_rank)
        },
        upper: if upper_rank > n {
            support.high
        } else {
            at(upper_rank)
        },
        confidence,
        method: format!("{q} quantile by nearest rank, order-statistic interval (exact)"),
        n,
    })
}

/// Returns the mean of independent bounded values with Student's interval, cut to the support.
/// Approximate: of skewed values it held the mean in 0.90 of experiments at 0.95 with 10 values, 0.94
/// with 100. Where all values are equal (or there is one alone) the interval is that of a proportion
/// on the support instead, which is guaranteed where they lie at the support's end.
///
/// # Errors
/// As [`quantile`]; [`StatsError::OutOfRange`] also for equal values on a support that is not finite.
///
/// # Example
/// ```
/// use nines_stats::quantile::{Support, mean};
/// let support = Support { low: 1.0, high: 8.0 };
/// let e = mean(&[1.0, 2.0, 1.0, 4.0], support, 0.95)?;
/// assert_eq!((e.value, e.lower), (Some(2.0), 1.0));
/// let same = mean(&[1.0; 50], support, 0.95)?;
/// assert!(same.lower == 1.0 && same.upper > 1.4);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Student 1908; for equal values, Clopper-Pearson on (value − low)/(high − low): at an end of the
/// support, to see nothing else is no likelier than for a yes or no with the same mean.
pub fn mean(
    values: &[f64],
    support: Support,
    confidence: f64,
) -> Result<IntervalEstimate, StatsError> {
    let tail = alpha_of(confidence)? / 2.0;
    let sorted = checked(values, support)?;
    let n = sorted.len() as f64;
    let squares = squared_spread(&sorted);
    // Exactly the value where all are equal.
    let mean = if squares > 0.0 {
        moments::mean(&sorted)
    } else {
        sorted[0]
    };
    let width = support.high - support.low;
    let (lower, upper, method) = if squares > 0.0 {
        let half = normal::student_upper(tail, n - 1.0)? * (squares / (n - 1.0) / n).sqrt();
        (
            (mean - half).max(support.low),
            (mean + half).min(support.high),
            "mean, Student's t (approximate; 0.90 of 0.95 with 10 values, 0.94 with 100)",
        )
    } else if width > 0.0 {
        if !width.is_finite() {
            return Err(StatsError::OutOfRange {
                what: "the width of the support of equal values",
                value: width,
                allowed: "finite, for nothing else bounds their mean",
            });
        }
        let share = (mean - support.low) / width;
        let (lower, upper) = exact_ends(share * n, n, tail);
        (
            support.low + lower * width,
            support.low + upper * width,
            if share == 0.0 || share == 1.0 {
                "mean of values at the end of the support, Clopper-Pearson (guaranteed)"
            } else {
                "mean of equal values (approximate; Clopper-Pearson on the support)"
            },
        )
    } else {
        (mean, mean, "the only value possible")
    };
    Ok(IntervalEstimate {
        value: Some(mean),
        lower,
        upper,
        confidence,
        method: method.to_owned(),
        n: sorted.len() as u64,
    })
}
