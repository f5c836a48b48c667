//! Quality: how often a rater prefers the filtered completion to a random unfiltered one, with ties
//! as half. One half means that the filter costs nothing.
//!
//! Most pairs need no label. When the unfiltered completion was accepted by the filter, both come
//! from the same distribution, so each is preferred with probability ½ exactly: Q = ½ + E\[R·(W − ½)\]
//! with R = 1 when the unfiltered completion was rejected and W = 1 when the filtered one is
//! preferred. Labelling only pairs with R = 1, and *counting all pairs*, takes about r² as many labels
//! as labelling pairs at random, where r is how often completions are rejected.
//!
//! - [`skip_pairs`] estimates Q from such pairs, [`known_rejection`] from rated pairs and a rejection
//!   rate known from unlabelled completions, [`bootstrap_interval`] resamples prompts,
//!   [`non_inferiority_p_value`] tests a limit.
//! - [`horvitz_thompson`] and [`hajek`] repair ratings of prompts that came from the wrong
//!   distribution; [`with_missing_mass`] says what is left open where it never looked.
//! - [`pairs_to_label`], [`quality_curve`] and [`pairs_at`] give Q at many thresholds from the same
//!   ratings.
//! - [`labels_for_error`] and [`labels_for_non_inferiority`] plan; [`Population`] gives exact values.
//! - [`position_bias`], [`two_way_interval`] and [`corrected_for_noise`] look at the raters.
//!
//! # When the shortcut is wrong
//! The symmetry needs a filtered completion that is a random accepted one. It breaks when the filter
//! picks the safest of a batch (see [`crate::selection`]), when both completions share a random seed
//! so that they are not independent, and when the side on which a completion is shown is not random.
//! A prompt without any accepted completion stays in: its filtered completion is the fallback, and its
//! unfiltered one was rejected. Preferences need not be transitive, so filters are compared only each
//! with the unfiltered generator, never through one another.

mod advantage;
mod curve;
mod known_rate;
mod plan;
mod population;
mod raters;
mod repair;
#[cfg(test)]
mod tests;
mod two_way;

pub use curve::{
    CompletionStream, Filtered, LabelledPair, NeededPair, QualityPoint, StreamPair, pairs_at,
    pairs_to_label, quality_curve,
};
pub use known_rate::{Rating, RejectionRate, known_rejection};
pub use plan::{
    Design, LabelsNeeded, NonInferiority, labels_for_error, labels_for_non_inferiority,
};
pub use population::{Population, PromptKind, UnderProposal};
pub use raters::{PositionBias, Presentation, corrected_for_noise, position_bias};
pub use repair::{RepairedQuality, WeightedPair, hajek, horvitz_thompson, with_missing_mass};
pub use two_way::{RaterPair, two_way_interval};

use crate::bisection::bracket;
use crate::bootstrap::{Bootstrap, percentile};
use crate::error::{StatsError, alpha_of, open_unit};
use crate::estimate::IntervalEstimate;
use crate::normal;
use crate::wald;
use advantage::{Advantage, Ends};

/// Which completion of a pair the rater preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The filtered one.
    Filtered,
    /// Neither; counts as half.
    Tie,
    /// The unfiltered one.
    Unfiltered,
}

impl Preference {
    /// Returns W: 1 when the filtered completion is preferred, ½ for a tie, 0 otherwise.
    pub fn score(self) -> f64 {
        match self {
            Self::Filtered => 1.0,
            Self::Tie => 0.5,
            Self::Unfiltered => 0.0,
        }
    }
}

/// What became of a pair of an unfiltered and a filtered completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairOutcome {
    /// The filter accepts the unfiltered completion (R = 0): no label is needed, and one that exists
    /// is not used.
    Accepted,
    /// The filter rejects the unfiltered completion (R = 1), and a rater compared both.
    Rated(Preference),
}

/// One pair of completions of one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The prompt's number: pairs of one prompt are not independent.
    pub prompt: u64,
    /// What became of it.
    pub outcome: PairOutcome,
}

/// An estimate of quality, with an interval that always holds and the normal one.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// The interval that covers with at least its confidence, also when all raters agree. Each of its
    /// ends alone is wrong with probability at most half of 1 − confidence, so its lower end is a
    /// one-sided bound.
    pub guaranteed: IntervalEstimate,
    /// The normal interval; `None` where the labels show no spread at all. Approximate.
    pub normal: Option<IntervalEstimate>,
    /// The standard error behind the normal interval.
    pub standard_error: Option<f64>,
}

/// An estimate's ends, standard error and names, before it is put together.
struct Parts {
    value: f64,
    ends: Ends,
    variance: Option<f64>,
    /// Degrees of freedom of Student's distribution; infinite for the normal one.
    freedom: f64,
    guarantee: String,
    approximation: String,
    n: u64,
}

impl Parts {
    fn assemble(self, confidence: f64) -> Result<Quality, StatsError> {
        let tail = alpha_of(confidence)? / 2.0;
        // An unbiased weighted mean of a small sample can lie outside [0, 1]; its interval holds it.
        let inside = |v: f64| v.clamp(self.value.min(0.0), self.value.max(1.0));
        let interval = |ends: Ends, method| IntervalEstimate {
            value: Some(self.value),
            lower: inside(ends.0),
            upper: inside(ends.1),
            confidence,
            method,
            n: self.n,
        };
        let standard_error = self
            .variance
            .and_then(|variance| wald::standard_error(variance, self.value));
        let normal = match standard_error {
            None => None,
            Some(se) => {
                let z = if self.freedom.is_finite() {
                    normal::student_upper(tail, self.freedom)?
                } else {
                    -normal::quantile(tail)?
                };
                let ends = (self.value - z * se, self.value + z * se);
                Some(interval(ends, self.approximation.clone()))
            }
        };
        Ok(Quality {
            guaranteed: interval(self.ends, self.guarantee.clone()),
            normal,
            standard_error,
        })
    }
}

fn advantage_of(pairs: &[Pair]) -> Result<Advantage, StatsError> {
    if pairs.is_empty() {
        return Err(StatsError::Empty {
            what: "pairs of completions",
        });
    }
    Ok(Advantage::of(pairs.iter().map(|p| (p.prompt, p.outcome))))
}

/// Returns the quality of a filter from pairs of which only those need a label whose unfiltered
/// completion was rejected: Q̂ = ½ + mean(R·(W − ½)) over *all* pairs.
///
/// Prompts must be independent draws from the distribution that Q is about, and must not be chosen by
/// what was rejected (then [`known_rejection`] or [`horvitz_thompson`]). *Every* rejected pair must be
/// rated: to rate only a random part of them, use [`known_rejection`] with all pairs as its pool, for
/// leaving unrated pairs out would count rejections too seldom. When a prompt has several pairs, as
/// many as were planned, each prompt counts once, with the mean over its pairs, and prompts are the
/// independent units. What raters have in common is not in the interval: see [`two_way_interval`].
///
/// The guaranteed interval of single pairs takes the error in two parts: Clopper-Pearson for how often
/// a pair is decided (rated, and not a tie), and for how often the filtered completion wins a decided
/// pair; given the number of decided pairs, the second is binomial, so the rectangle of both holds the
/// truth with at least the confidence, and so does the range of ½ + share·(won − ½) over it. With
/// several pairs of a prompt, the prompts' shares of wins and of losses are independent numbers in
/// \[0, 1\], each bounded by Hoeffding-Bentkus. For single pairs and a quality near ½
/// it is 1.5 times as wide as the normal interval with 70 ratings, 1.2 times with 300, and approaches
/// it with many; where raters agree with each other it stays up to twice as wide (2.1 times with 14
/// ratings). The normal interval is Student's over prompts.
///
/// # Errors
/// [`StatsError::Empty`] without pairs, [`StatsError::OutOfRange`] unless the confidence lies in
/// (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{Pair, PairOutcome::*, Preference::*, skip_pairs};
/// let outcomes = [Rated(Filtered), Accepted, Rated(Unfiltered), Rated(Tie), Accepted];
/// let pairs: Vec<Pair> = (0..).zip(outcomes).map(|(prompt, outcome)| Pair { prompt, outcome }).collect();
/// let quality = skip_pairs(&pairs, 0.95)?;
/// assert_eq!(quality.guaranteed.value, Some(0.5));
/// assert!(quality.guaranteed.lower < 0.2 && quality.guaranteed.upper > 0.8);
/// assert!(skip_pairs(&[], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Q = ½ + E\[R(W − ½)\] by exchangeability of two accepted completions; Clopper & Pearson (1934) with
/// Bonferroni's inequality; Hoeffding (1963) and Bentkus (2004) for prompts with several pairs.
pub fn skip_pairs(pairs: &[Pair], confidence: f64) -> Result<Quality, StatsError> {
    let advantage = advantage_of(pairs)?;
    let tail = alpha_of(confidence)? / 2.0;
    let ends = advantage.ends(tail);
    Parts {
        value: 0.5 + advantage.value() / 2.0,
        ends: (0.5 + ends.0 / 2.0, 0.5 + ends.1 / 2.0),
        variance: advantage.variance().map(|v| v / 4.0),
        freedom: advantage.prompts() as f64 - 1.0,
        guarantee: format!("skip-pairs mean, {}", advantage.guarantee()),
        approximation: advantage
            .approximation("skip-pairs mean, Student over prompts", "0.93 to 0.96"),
        n: advantage.prompts() as u64,
    }
    .assemble(confidence)
}

/// Returns the interval of [`skip_pairs`] that resampling prompts gives, with all their pairs;
/// `None` where no resample differs from another.
///
/// Approximate, and too narrow with few prompts or few decided pairs: it cannot know of an outcome
/// that no prompt showed.
///
/// # Errors
/// As [`skip_pairs`]; [`StatsError::OutOfRange`] for fewer than 100 resamples,
/// [`StatsError::TooFew`] for fewer than two prompts.
///
/// # Example
/// ```
/// use nines_stats::bootstrap::Bootstrap;
/// use nines_stats::quality::{Pair, PairOutcome::*, Preference::*, bootstrap_interval};
/// let pair = |prompt, outcome| Pair { prompt, outcome };
/// let pairs = [pair(1, Rated(Filtered)), pair(1, Accepted), pair(2, Rated(Unfiltered)), pair(3, Accepted)];
/// let interval = bootstrap_interval(&pairs, &Bootstrap::default())?;
/// assert!(interval.is_some_and(|i| i.lower < i.upper));
/// assert!(bootstrap_interval(&pairs[..2], &Bootstrap::default()).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), percentile interval over clusters.
pub fn bootstrap_interval(
    pairs: &[Pair],
    bootstrap: &Bootstrap,
) -> Result<Option<IntervalEstimate>, StatsError> {
    let advantage = advantage_of(pairs)?;
    let prompts = advantage.prompts();
    if prompts < 2 {
        return Err(StatsError::TooFew {
            what: "prompts to resample",
            have: prompts as u64,
            needed: 2,
        });
    }
    let replicates = bootstrap.replicates(prompts, |weights| {
        Some(0.5 + advantage.weighted(weights) / 2.0)
    })?;
    Ok(replicates
        .map(|sorted| percentile(&sorted, bootstrap.confidence))
        .filter(|(lower, upper)| lower < upper)
        .map(|(lower, upper)| IntervalEstimate {
            value: Some(0.5 + advantage.value() / 2.0),
            lower,
            upper,
            confidence: bootstrap.confidence,
            method: advantage.approximation(
                "skip-pairs mean, percentile bootstrap over prompts",
                "0.91 to 0.95",
            ),
            n: prompts as u64,
        }))
}

/// Returns a p-value of the hypothesis that the quality is below `least`: the smallest error at which
/// the guaranteed lower end of [`skip_pairs`] reaches it.
///
/// Valid for any number of pairs fixed beforehand. It suits [`crate::learn_then_test`].
///
/// # Errors
/// [`StatsError::Empty`] without pairs, [`StatsError::OutOfRange`] unless `least` lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{Pair, PairOutcome::*, Preference::*, non_inferiority_p_value};
/// let pairs: Vec<Pair> = (0..1000)
///     .map(|prompt| Pair {
///         prompt,
///         outcome: match prompt % 20 {
///             0 => Rated(if prompt % 40 == 0 { Filtered } else { Unfiltered }),
///             _ => Accepted,
///         },
///     })
///     .collect();
/// assert!(non_inferiority_p_value(&pairs, 0.48)? < 0.01);
/// assert!(non_inferiority_p_value(&pairs, 0.5)? > 0.5);
/// assert!(non_inferiority_p_value(&pairs, 1.0).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// The lower ends nest in their error, so inverting them gives a p-value (Lehmann & Romano,
/// *Testing Statistical Hypotheses*, section 3.3).
pub fn non_inferiority_p_value(pairs: &[Pair], least: f64) -> Result<f64, StatsError> {
    open_unit("the least quality", least)?;
    let advantage = advantage_of(pairs)?;
    let short = |tail: f64| 0.5 + advantage.ends(tail).0 / 2.0 < least;
    // The largest number below 1: at 1 the ends are no longer defined.
    let most = 1.0 - f64::EPSILON;
    if short(most) {
        return Ok(1.0);
    }
    // Below this the tail's own digits end.
    let least_tail = 1e-300;
    if !short(least_tail) {
        return Ok(least_tail);
    }
    Ok(bracket(least_tail, most, short).1)
}
