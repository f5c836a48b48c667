//! Quality with an interval for other prompts *and* other raters.

use super::advantage::approximation;
use super::{Pair, PairOutcome, Parts, Preference, advantage_of};
use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use std::collections::BTreeMap;

/// One pair of completions of one prompt, with its rater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaterPair {
    /// The prompt's number.
    pub prompt: u64,
    /// The rater's number; not used for a pair that needs no rating.
    pub rater: u64,
    /// What became of the pair.
    pub outcome: PairOutcome,
}

/// Returns the quality of [`crate::quality::skip_pairs`] with an interval that also allows for raters
/// with tastes of their own; `None` where the labels show no spread at all.
///
/// It is about other prompts *and* other raters like these, while the intervals of
/// [`crate::quality::skip_pairs`] are about other prompts, rated by these. Pairs must have been given
/// to raters by chance. Approximate: the variance between prompts, plus what the raters' sums vary
/// beyond their single ratings, with Student's distribution for the smaller number of the two; too
/// narrow for a handful of raters.
///
/// # Errors
/// [`StatsError::Empty`] without pairs, [`StatsError::TooFew`] for fewer than two prompts or two
/// raters, [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{PairOutcome::*, Preference::*, RaterPair, two_way_interval};
/// let pairs: Vec<RaterPair> = (0..30)
///     .map(|prompt| RaterPair {
///         prompt,
///         rater: prompt % 3,
///         outcome: if prompt % 3 == 0 { Rated(Filtered) } else { Rated(Unfiltered) },
///     })
///     .collect();
/// // Each rater always says the same: three opinions, not thirty.
/// let interval = two_way_interval(&pairs, 0.95)?.unwrap();
/// assert_eq!((interval.lower, interval.upper), (0.0, 1.0));
/// assert!(two_way_interval(&pairs[..1], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Cameron, Gelbach & Miller, "Robust inference with multiway clustering" (J. Bus. Econ. Stat. 2011):
/// V(prompt) + V(rater) − V(prompt and rater), never taken below V(prompt).
pub fn two_way_interval(
    pairs: &[RaterPair],
    confidence: f64,
) -> Result<Option<IntervalEstimate>, StatsError> {
    alpha_of(confidence)?;
    let plain: Vec<Pair> = pairs
        .iter()
        .map(|p| Pair {
            prompt: p.prompt,
            outcome: p.outcome,
        })
        .collect();
    let advantage = advantage_of(&plain)?;
    let prompts = advantage.prompts() as u64;
    let mut rows: BTreeMap<u64, f64> = BTreeMap::new();
    for pair in pairs {
        *rows.entry(pair.prompt).or_default() += 1.0;
    }
    // A pair's weight, its W − ½, and who rated it.
    let mut rated = Vec::new();
    let (mut wins, mut losses) = (0, 0);
    for pair in pairs {
        if let PairOutcome::Rated(preference) = pair.outcome {
            let weight = 1.0 / (prompts as f64 * rows[&pair.prompt]);
            rated.push((weight, preference.score() - 0.5, pair.rater, pair.prompt));
            wins += u64::from(preference == Preference::Filtered);
            losses += u64::from(preference == Preference::Unfiltered);
        }
    }
    let total: f64 = rated.iter().map(|r| r.0).sum();
    let mean = rated.iter().map(|r| r.0 * r.1).sum::<f64>() / total;
    let mut by_rater: BTreeMap<u64, f64> = BTreeMap::new();
    let mut by_both: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    for (weight, half, rater, prompt) in rated {
        // About the mean of rated pairs: how many a rater was given is no taste of theirs.
        let residual = weight * (half - mean);
        *by_rater.entry(rater).or_default() += residual;
        *by_both.entry((rater, prompt)).or_default() += residual;
    }
    let raters = by_rater.len() as u64;
    for (what, have) in [("prompts", prompts), ("raters", raters)] {
        if have < 2 {
            return Err(StatsError::TooFew {
                what,
                have,
                needed: 2,
            });
        }
    }
    let between = |sums: &mut dyn Iterator<Item = &f64>, n: u64| {
        let squares: f64 = sums.map(|s| s * s).sum();
        squares * n as f64 / (n as f64 - 1.0)
    };
    let of_raters = between(&mut by_rater.values(), raters);
    let of_both = between(&mut by_both.values(), (by_both.len() as u64).max(2));
    let of_prompts = advantage.variance().unwrap_or(0.0) / 4.0;
    let quality = Parts {
        value: 0.5 + advantage.value() / 2.0,
        ends: (0.0, 1.0),
        variance: Some(of_prompts + (of_raters - of_both).max(0.0)),
        freedom: prompts.min(raters) as f64 - 1.0,
        guarantee: String::new(),
        approximation: approximation(
            &format!("skip-pairs mean, Student over {prompts} prompts and {raters} raters"),
            wins,
            losses,
            "0.94 to 0.95",
        ),
        n: prompts.min(raters),
    }
    .assemble(confidence)?;
    Ok(quality.normal.map(|interval| IntervalEstimate {
        lower: interval.lower.max(0.0),
        upper: interval.upper.min(1.0),
        ..interval
    }))
}
