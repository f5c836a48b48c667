//! Quality from prompts that came from the wrong distribution.

use super::advantage::{Ends, approximation};
use super::known_rate::RejectionRate;
use super::{PairOutcome, Parts, Preference, Quality};
use crate::bounded_sum::mean_ends;
use crate::error::{StatsError, alpha_of, closed_unit};
use crate::estimate::{IntervalEstimate, remarked};
use crate::moments;
use crate::wald::effective_count;

/// A pair with the weight of its prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightedPair {
    /// How much more often its prompt should have been drawn than it was.
    pub weight: f64,
    /// What became of the pair.
    pub outcome: PairOutcome,
}

/// An estimate of quality from weighted pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct RepairedQuality {
    /// The estimate with both intervals.
    pub quality: Quality,
    /// How many equally weighted ratings these are worth, (Σw)²/Σw² over rated pairs; a proposal that
    /// never reached the prompts that matter can have a splendid one.
    pub effective_ratings: f64,
}

/// Σ over pairs of weight·win and weight·loss in units of the largest weight, with ties as half of
/// each for a ratio and as nothing for a difference.
struct WeightedSums {
    wins: f64,
    losses: f64,
    ties: f64,
    counted_wins: u64,
    counted_losses: u64,
}

fn largest_weight(pairs: &[WeightedPair], largest: Option<f64>) -> Result<f64, StatsError> {
    if pairs.is_empty() {
        return Err(StatsError::Empty {
            what: "weighted pairs",
        });
    }
    let bad = pairs
        .iter()
        .position(|p| !(p.weight >= 0.0 && p.weight.is_finite()));
    if let Some(index) = bad {
        return Err(StatsError::ItemOutOfRange {
            what: "weights",
            index,
            value: pairs[index].weight,
            allowed: "finite and at least 0",
        });
    }
    let seen = pairs.iter().map(|p| p.weight).fold(0.0, f64::max);
    if seen <= 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the sum of the weights",
            value: seen,
            allowed: "above 0",
        });
    }
    match largest {
        None => Ok(seen),
        Some(largest) if largest >= seen && largest.is_finite() => Ok(largest),
        Some(largest) => Err(StatsError::OutOfRange {
            what: "the largest weight that a prompt could have",
            value: largest,
            allowed: "finite and at least every weight seen",
        }),
    }
}

fn sums(pairs: &[WeightedPair], largest: f64) -> WeightedSums {
    let mut sums = WeightedSums {
        wins: 0.0,
        losses: 0.0,
        ties: 0.0,
        counted_wins: 0,
        counted_losses: 0,
    };
    for pair in pairs {
        let share = pair.weight / largest;
        match pair.outcome {
            PairOutcome::Accepted => {}
            PairOutcome::Rated(Preference::Tie) => sums.ties += share,
            PairOutcome::Rated(Preference::Filtered) => {
                sums.wins += share;
                sums.counted_wins += 1;
            }
            PairOutcome::Rated(Preference::Unfiltered) => {
                sums.losses += share;
                sums.counted_losses += 1;
            }
        }
    }
    sums
}

/// Ends that are cut to what is possible.
const NOTHING_KNOWN: Ends = (f64::NEG_INFINITY, f64::INFINITY);

/// Refuses a value that is none, because the weights cannot be added or vanish beside the largest.
fn finite_value(value: f64) -> Result<f64, StatsError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(StatsError::OutOfRange {
            what: "the sum of the weights over the largest",
            value,
            allowed: "a finite number above 0",
        })
    }
}

fn effective_ratings(pairs: &[WeightedPair]) -> f64 {
    effective_count(
        pairs
            .iter()
            .filter(|p| p.outcome != PairOutcome::Accepted)
            .map(|p| p.weight),
    )
}

/// How many effective ratings a weighted normal interval needs before it is worth trusting.
const EFFECTIVE_FOR_NORMAL: f64 = 20.0;

/// Names a normal interval, with the warning that so few effective ratings, wins and losses deserve.
fn doubt(name: &str, sums: &WeightedSums, effective: f64, covered: &str) -> String {
    if effective < EFFECTIVE_FOR_NORMAL {
        format!(
            "{name} (approximate, not to be trusted: {effective:.1} effective ratings, {EFFECTIVE_FOR_NORMAL} are needed; {covered} of 0.95)"
        )
    } else {
        approximation(name, sums.counted_wins, sums.counted_losses, covered)
    }
}

fn guarantee(name: &str, largest: Option<f64>) -> String {
    match largest {
        Some(_) => format!("{name}, Hoeffding-Bentkus on weighted wins and losses (guaranteed)"),
        None => format!("{name}, all of [0, 1] (without a largest weight nothing is guaranteed)"),
    }
}

/// Returns the quality from pairs whose prompts were drawn from another distribution, with known
/// weights: Q̂ = ½ + (1/n)·Σ wᵢRᵢ(Wᵢ − ½), unbiased.
///
/// The weight depends on how the pairs were made. With ρ the distribution of the prompts drawn, p the
/// right one and a the acceptance of a prompt: if each prompt was drawn from again until an
/// unfiltered completion was rejected, w = p·(1 − a)/ρ and all pairs are rated; if one pair was made a
/// prompt, w = p/ρ and pairs with an accepted completion are kept as [`PairOutcome::Accepted`]. ρ must
/// be positive wherever p·(1 − a) is; for the rest see [`with_missing_mass`]. Pairs are independent
/// draws of prompts, one pair each; a prompt of a small frame may well be drawn twice.
///
/// `largest` is the largest weight that any prompt could have had, seen or not; without it nothing
/// bounds what was not seen, and the guaranteed interval is \[0, 1\]. Otherwise weighted wins and
/// weighted losses, over the largest weight, are independent numbers in \[0, 1\], whose means
/// Hoeffding-Bentkus bounds each at half of the error. A few large weights make both intervals wide,
/// and the normal one untrustworthy.
///
/// # Errors
/// [`StatsError::Empty`] without pairs, [`StatsError::ItemOutOfRange`] for a weight that is negative
/// or not finite, [`StatsError::OutOfRange`] when all weights are 0, for a largest weight below one
/// seen or a confidence outside (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{PairOutcome::*, Preference::*, WeightedPair, horvitz_thompson};
/// let pairs = [
///     WeightedPair { weight: 0.5, outcome: Rated(Filtered) },
///     WeightedPair { weight: 0.1, outcome: Rated(Unfiltered) },
///     WeightedPair { weight: 0.2, outcome: Rated(Tie) },
///     WeightedPair { weight: 0.2, outcome: Accepted },
/// ];
/// let repaired = horvitz_thompson(&pairs, Some(0.5), 0.95)?;
/// assert!((repaired.quality.guaranteed.value.unwrap() - 0.55).abs() < 1e-15);
/// assert!(horvitz_thompson(&pairs, Some(0.4), 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Hansen & Hurwitz (1943); Horvitz & Thompson (1952); Hoeffding (1963) and Bentkus (2004).
pub fn horvitz_thompson(
    pairs: &[WeightedPair],
    largest: Option<f64>,
    confidence: f64,
) -> Result<RepairedQuality, StatsError> {
    let unit = largest_weight(pairs, largest)?;
    let tail = alpha_of(confidence)? / 2.0;
    let n = pairs.len() as f64;
    let sums = sums(pairs, unit);
    let term = |pair: &WeightedPair| match pair.outcome {
        PairOutcome::Accepted => 0.0,
        PairOutcome::Rated(preference) => pair.weight * (preference.score() - 0.5),
    };
    let terms: Vec<f64> = pairs.iter().map(term).collect();
    let ends = if largest.is_some() {
        let wins = mean_ends(sums.wins.min(n), n, tail / 2.0);
        let losses = mean_ends(sums.losses.min(n), n, tail / 2.0);
        (
            0.5 + unit * (wins.0 - losses.1) / 2.0,
            0.5 + unit * (wins.1 - losses.0) / 2.0,
        )
    } else {
        NOTHING_KNOWN
    };
    let effective = effective_ratings(pairs);
    Ok(RepairedQuality {
        quality: Parts {
            value: finite_value(0.5 + moments::mean(&terms))?,
            ends,
            variance: (pairs.len() > 1).then(|| moments::variance(&terms) / n),
            freedom: n - 1.0,
            guarantee: guarantee("Horvitz-Thompson", largest),
            approximation: doubt(
                "Horvitz-Thompson, Student over pairs",
                &sums,
                effective,
                "0.95",
            ),
            n: pairs.len() as u64,
        }
        .assemble(confidence)?,
        effective_ratings: effective,
    })
}

/// Returns the quality from rated pairs with weights known only up to a factor, and the rejection
/// rate r: Q̂ = ½ + r·(q̂ − ½) with q̂ = Σ vᵢWᵢ/Σ vᵢ and v = p·(1 − a)/ρ in any unit.
///
/// As [`horvitz_thompson`] for pairs that were all made until the unfiltered completion was rejected.
/// Slightly biased in small samples, often less spread. `largest`, in the unit of the weights, is the
/// largest that any prompt could have had.
///
/// The guaranteed interval bounds the means of weighted wins A and losses B (a tie is half of each)
/// by Hoeffding-Bentkus and takes q = A/(A + B) at its extremes; the ends of an estimated r take a
/// tenth of the error. The standard error is the ratio's, with r's own variance added.
///
/// # Errors
/// As [`horvitz_thompson`] and [`crate::quality::known_rejection`];
/// [`StatsError::Missing`] for a pair that was not rated.
///
/// # Example
/// ```
/// use nines_stats::quality::{PairOutcome::*, Preference::*, RejectionRate, WeightedPair, hajek};
/// let pairs = [
///     WeightedPair { weight: 50.0, outcome: Rated(Unfiltered) },
///     WeightedPair { weight: 25.0, outcome: Rated(Filtered) },
///     WeightedPair { weight: 25.0, outcome: Rated(Tie) },
/// ];
/// let rate = RejectionRate::Pool { rejected: 200, draws: 1000 };
/// let repaired = hajek(&pairs, rate, Some(50.0), 0.95)?;
/// assert!((repaired.quality.guaranteed.value.unwrap() - 0.475).abs() < 1e-15);
/// assert!(hajek(&[], rate, Some(50.0), 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Hájek (1971); ratio variance: Cochran, *Sampling Techniques* (1977), section 6.
pub fn hajek(
    pairs: &[WeightedPair],
    rate: RejectionRate,
    largest: Option<f64>,
    confidence: f64,
) -> Result<RepairedQuality, StatsError> {
    rate.check()?;
    let unit = largest_weight(pairs, largest)?;
    let tail = alpha_of(confidence)? / 2.0;
    let unrated = pairs
        .iter()
        .position(|p| p.outcome == PairOutcome::Accepted);
    if let Some(index) = unrated {
        return Err(StatsError::Missing {
            what: "ratings of pairs that were drawn until a rejection",
            index,
        });
    }
    let n = pairs.len() as f64;
    let sums = sums(pairs, unit);
    let won = sums.wins + sums.ties / 2.0;
    let lost = sums.losses + sums.ties / 2.0;
    let total = won + lost;
    let q = won / total;
    let squares: f64 = pairs
        .iter()
        .map(|p| match p.outcome {
            PairOutcome::Accepted => 0.0,
            PairOutcome::Rated(preference) => (p.weight / unit * (preference.score() - q)).powi(2),
        })
        .sum();
    let r = rate.value();
    let half = q - 0.5;
    let ends = if largest.is_some() {
        rate.quality_ends(tail, |tail| ratio_ends(won, lost, n, tail))
    } else {
        NOTHING_KNOWN
    };
    let effective = effective_ratings(pairs);
    Ok(RepairedQuality {
        quality: Parts {
            value: finite_value(0.5 + r * half)?,
            ends,
            variance: (squares > 0.0)
                .then(|| r * r * squares / (total * total) + half * half * rate.variance()),
            freedom: f64::INFINITY,
            guarantee: guarantee("Hajek ratio", largest),
            approximation: doubt("Hajek ratio, normal", &sums, effective, "0.94 to 0.95"),
            n: pairs.len() as u64,
        }
        .assemble(confidence)?,
        effective_ratings: effective,
    })
}

/// Returns the ends of the advantage (A − B)/(A + B) from the sums of n independent numbers in [0, 1]
/// with means A and B.
fn ratio_ends(won: f64, lost: f64, n: f64, tail: f64) -> Ends {
    let won = mean_ends(won.min(n), n, tail / 2.0);
    let lost = mean_ends(lost.min(n), n, tail / 2.0);
    let advantage = |a: f64, b: f64| (a - b) / (a + b);
    (advantage(won.0, lost.1), advantage(won.1, lost.0))
}

/// Returns what is known of the quality when the prompts drawn never include a part of those where
/// the filter rejects: the interval widened by μ/2 on either side, without a value.
///
/// μ = `mass` is the probability, over the right prompts, that a completion is rejected *and* its
/// prompt could never have been drawn. `covered` is [`horvitz_thompson`]'s estimate, or [`hajek`]'s with
/// the rejection rate of the covered prompts only (r − μ). No number of labels narrows the rest: only
/// drawing those prompts does.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the mass lies in [0, 1].
///
/// # Example
/// ```
/// use nines_stats::quality::with_missing_mass;
/// let covered = nines_stats::interval::clopper_pearson(480, 1000, 0.95)?;
/// let open = with_missing_mass(&covered, 0.02)?;
/// assert_eq!(open.value, None);
/// assert!((covered.lower - open.lower - 0.01).abs() < 1e-15);
/// assert!(with_missing_mass(&covered, -0.1).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Manski, *Partial Identification of Probability Distributions* (2003): |W − ½| ≤ ½ on the mass
/// missed.
pub fn with_missing_mass(
    covered: &IntervalEstimate,
    mass: f64,
) -> Result<IntervalEstimate, StatsError> {
    closed_unit("the rejected mass that no prompt drawn can reach", mass)?;
    if mass == 0.0 {
        return Ok(covered.clone());
    }
    Ok(IntervalEstimate {
        value: None,
        // Where a weighted mean already left [0, 1], to cut it there could turn the ends around.
        lower: (covered.lower - mass / 2.0).max(covered.lower.min(0.0)),
        upper: (covered.upper + mass / 2.0).min(covered.upper.max(1.0)),
        method: remarked(
            &covered.method,
            &format!("widened by what a missed mass of {mass} leaves open"),
        ),
        ..covered.clone()
    })
}
