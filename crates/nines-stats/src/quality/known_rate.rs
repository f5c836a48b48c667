//! Quality from rated pairs and a rejection rate that is known apart from them.

use super::advantage::{Advantage, Ends, PART_FOR_SHARES, scaled};
use super::{PairOutcome, Parts, Preference, Quality};
use crate::error::{StatsError, above_zero, alpha_of};
use crate::interval::exact_ends;

/// How often the filter rejects an unfiltered completion of a random prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RejectionRate {
    /// Known, from a pool so large that its error does not matter.
    Known(f64),
    /// Estimated from independent completions, one for each prompt, that need no label.
    Pool {
        /// How many were rejected.
        rejected: u64,
        /// How many there are.
        draws: u64,
    },
}

impl RejectionRate {
    pub(super) fn check(self) -> Result<(), StatsError> {
        match self {
            Self::Known(rate) => above_zero("the rejection rate", rate).map(|_| ()),
            Self::Pool { draws: 0, .. } => Err(StatsError::Empty {
                what: "the pool that shows the rejection rate",
            }),
            Self::Pool { rejected, draws } if rejected > draws => Err(StatsError::OutOfRange {
                what: "the number of rejected completions",
                value: rejected as f64,
                allowed: "at most the number of completions",
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn value(self) -> f64 {
        match self {
            Self::Known(rate) => rate,
            Self::Pool { rejected, draws } => rejected as f64 / draws as f64,
        }
    }

    pub(super) fn variance(self) -> f64 {
        match self {
            Self::Known(_) => 0.0,
            Self::Pool { draws, .. } => {
                let rate = self.value();
                rate * (1.0 - rate) / draws as f64
            }
        }
    }

    /// Returns the ends, both together wrong with probability at most `error`.
    fn ends(self, error: f64) -> Ends {
        match self {
            Self::Known(rate) => (rate, rate),
            Self::Pool { rejected, draws } => {
                exact_ends(rejected as f64, draws as f64, error / 2.0)
            }
        }
    }

    /// Returns the ends of the quality, each wrong with probability at most `tail`, from a function
    /// that gives the advantage's ends among rejected pairs.
    pub(super) fn quality_ends(self, tail: f64, advantage: impl Fn(f64) -> Ends) -> Ends {
        let (for_rate, for_ratings) = match self {
            Self::Known(_) => (0.0, tail),
            Self::Pool { .. } => (tail * PART_FOR_SHARES, tail * (1.0 - PART_FOR_SHARES)),
        };
        let (low, high) = scaled(self.ends(for_rate), advantage(for_ratings));
        (0.5 + low / 2.0, 0.5 + high / 2.0)
    }
}

/// A rater's comparison of a pair whose unfiltered completion was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rating {
    /// The prompt's number: ratings of one prompt are not independent.
    pub prompt: u64,
    /// What the rater preferred.
    pub preference: Preference,
}

/// Returns the quality of a filter from rated pairs whose unfiltered completion was rejected, and the
/// rejection rate r: Q̂ = ½ + r·(mean W − ½).
///
/// The rated prompts must be those of random rejected completions: draw a prompt and one completion,
/// and drop both unless it is rejected. Prompts that were drawn until *each* had a rejected completion
/// over-represent easy ones: use [`crate::quality::horvitz_thompson`]. Several ratings of a prompt are
/// averaged, and prompts are the independent units.
///
/// The pool may be the very completions from which the rated ones were taken, for the two errors are
/// uncorrelated and the guaranteed interval does not mind.
///
/// The guaranteed interval is that of [`crate::quality::skip_pairs`] for the rated pairs, times r; the
/// ends of an estimated r take a tenth of the error. The standard error includes the variance of an
/// estimated r.
///
/// # Errors
/// [`StatsError::Empty`] without ratings or with an empty pool, [`StatsError::OutOfRange`] for a
/// known rate outside (0, 1], more rejected than drawn, or a confidence outside (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{Preference::*, Rating, RejectionRate, known_rejection};
/// let ratings: Vec<Rating> = (0..40)
///     .map(|prompt| Rating { prompt, preference: if prompt < 16 { Filtered } else { Unfiltered } })
///     .collect();
/// let quality = known_rejection(&ratings, RejectionRate::Known(0.07), 0.95)?;
/// assert!((quality.guaranteed.value.unwrap() - 0.493).abs() < 1e-12);
/// assert!(known_rejection(&ratings, RejectionRate::Known(0.0), 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Q = ½ + r·(E\[W | R = 1\] − ½); Var = r²·Var(W)/m + (q̂ − ½)²·Var(r̂).
pub fn known_rejection(
    ratings: &[Rating],
    rate: RejectionRate,
    confidence: f64,
) -> Result<Quality, StatsError> {
    rate.check()?;
    if ratings.is_empty() {
        return Err(StatsError::Empty {
            what: "rated pairs",
        });
    }
    let tail = alpha_of(confidence)? / 2.0;
    let advantage = Advantage::of(
        ratings
            .iter()
            .map(|r| (r.prompt, PairOutcome::Rated(r.preference))),
    );
    let half = advantage.value() / 2.0;
    let r = rate.value();
    Parts {
        value: 0.5 + r * half,
        ends: rate.quality_ends(tail, |tail| advantage.ends(tail)),
        variance: advantage
            .variance()
            .filter(|&v| v > 0.0)
            .map(|v| r * r * v / 4.0 + half * half * rate.variance()),
        freedom: advantage.prompts() as f64 - 1.0,
        guarantee: format!("known rejection rate, {}", advantage.guarantee()),
        approximation: advantage
            .approximation("known rejection rate, Student over prompts", "0.94 to 0.96"),
        n: advantage.prompts() as u64,
    }
    .assemble(confidence)
}
