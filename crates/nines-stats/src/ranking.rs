//! How well scores put catastrophes above safe items: AUROC and average precision, with intervals
//! by resampling prompt families, and the difference between two rankings of the same items.

use crate::bootstrap::{Bootstrap, standard_error};
use crate::error::{StatsError, finite, same_length};
use crate::estimate::{IntervalEstimate, remarked};
use crate::interval::exact_ends;
use crate::logistic::{logistic, logit};
use crate::normal;
use std::collections::BTreeMap;

/// A number that says how good a ranking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankingMetric {
    /// The chance that a catastrophe outscores a safe item; a tie counts ½.
    Auroc,
    /// The area under the precision-recall curve as average precision, Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over the
    /// distinct scores. Depends on the share of catastrophes: never compare it across data sets.
    AveragePrecision,
}

impl RankingMetric {
    /// Returns the metric's usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auroc => "AUROC",
            Self::AveragePrecision => "AUPRC (average precision)",
        }
    }

    /// How often intervals at 0.95 covered in simulations with 5 families of the rarer class or more.
    fn covered(self) -> &'static str {
        match self {
            Self::Auroc => "0.92 to 0.97",
            Self::AveragePrecision => "0.97 to 0.99",
        }
    }
}

/// Scored items of both classes, sorted once, with their prompt families.
#[derive(Debug, Clone)]
pub struct RankingSample {
    /// Items by falling score.
    items: Vec<Item>,
    /// Items in the caller's order, to pair samples.
    labels: Vec<(bool, u64)>,
    families: usize,
    with_positives: usize,
    with_negatives: usize,
    positives: usize,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    score: f64,
    positive: bool,
    family: usize,
}

impl RankingSample {
    /// Takes a score, the truth (`true` = catastrophe) and the family of each item.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] when the columns differ in length, [`StatsError::NotFinite`] for a
    /// score that is not finite, [`StatsError::OneClass`] unless there are items of both classes.
    ///
    /// # Example
    /// ```
    /// use nines_stats::ranking::{RankingMetric, RankingSample};
    /// let sample = RankingSample::new(&[-4.0, -1.0, 0.5], &[false, true, true], &[1, 1, 2])?;
    /// assert_eq!(sample.value(RankingMetric::Auroc), 1.0);
    /// assert!(RankingSample::new(&[0.0], &[true], &[1]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn new(scores: &[f64], positive: &[bool], families: &[u64]) -> Result<Self, StatsError> {
        same_length("scores and labels", scores.len(), positive.len())?;
        same_length("scores and families", scores.len(), families.len())?;
        let positives = positive.iter().filter(|&&p| p).count();
        if positives == 0 || positives == positive.len() {
            return Err(StatsError::OneClass {
                positives,
                negatives: positive.len() - positives,
            });
        }
        finite("scores", scores)?;
        let mut index: BTreeMap<u64, (usize, [bool; 2])> = BTreeMap::new();
        for (&family, &positive) in families.iter().zip(positive) {
            let next = index.len();
            index.entry(family).or_insert((next, [false; 2])).1[usize::from(positive)] = true;
        }
        let mut items: Vec<Item> = scores
            .iter()
            .zip(positive)
            .zip(families)
            .map(|((&score, &positive), family)| Item {
                score,
                positive,
                family: index[family].0,
            })
            .collect();
        items.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Self {
            items,
            labels: positive
                .iter()
                .copied()
                .zip(families.iter().copied())
                .collect(),
            families: index.len(),
            with_positives: index.values().filter(|(_, has)| has[1]).count(),
            with_negatives: index.values().filter(|(_, has)| has[0]).count(),
            positives,
        })
    }

    /// Returns how many catastrophes there are.
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// Returns how many items there are.
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// Returns how many families there are.
    pub fn families(&self) -> usize {
        self.families
    }

    /// Returns a metric of the ranking.
    ///
    /// # Reference
    /// AUROC: Hanley & McNeil 1982 (Mann-Whitney, ties ½). Average precision: as scikit-learn's
    /// `average_precision_score`.
    pub fn value(&self, metric: RankingMetric) -> f64 {
        self.weighted(metric, &vec![1.0; self.families])
            .unwrap_or(f64::NAN)
    }

    /// Evaluates a metric with each family counted `weights[family]` times; `None` when a class is
    /// missing.
    pub(crate) fn weighted(&self, metric: RankingMetric, weights: &[f64]) -> Option<f64> {
        let (mut positives, mut negatives) = (0.0, 0.0);
        let (mut pairs_won, mut area) = (0.0, 0.0);
        for tied in self.items.chunk_by(|a, b| a.score == b.score) {
            let (mut here, mut others) = (0.0, 0.0);
            for item in tied {
                let weight = weights[item.family];
                if item.positive {
                    here += weight;
                } else {
                    others += weight;
                }
            }
            // Every safe item is beaten by the catastrophes above it, and half by those it ties.
            pairs_won += others * (positives + 0.5 * here);
            positives += here;
            negatives += others;
            if here > 0.0 {
                area += here * positives / (positives + negatives);
            }
        }
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        Some(match metric {
            RankingMetric::Auroc => pairs_won / (positives * negatives),
            RankingMetric::AveragePrecision => area / positives,
        })
    }
}

/// Fewer families than this on either side say too little about their own spread to be resampled:
/// the interval is then the exact one of that many independent pairs.
const FEWEST_FAMILIES: usize = 4;

/// Below this standard error resampling has seen no spread at all, only rounding.
const NO_SPREAD: f64 = 1e-9;

impl RankingSample {
    /// Returns a metric with its interval by resampling prompt families.
    ///
    /// The interval is value ± t·(bootstrap standard error) on the logit scale, with as many degrees
    /// of freedom as the rarer class has families, less one. Approximate: simulated coverage of the
    /// nominal 95 % lies between 0.92 and 0.97 (AUROC) or 0.97 and 0.99 (average precision) from 5
    /// families with catastrophes up (`docs/coverage.md`); the plain percentile interval has 0.81 to
    /// 0.95 there. Where resampling says nothing (a perfect or a constant ranking, fewer than 4
    /// families on one side), the interval is the exact binomial one of as many independent pairs of
    /// families as there are, which is wide, as it should be.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for a confidence outside (0, 1) or fewer than 100 resamples.
    ///
    /// # Example
    /// ```
    /// use nines_stats::bootstrap::Bootstrap;
    /// use nines_stats::ranking::{RankingMetric, RankingSample};
    /// let scores: Vec<f64> = (0..40).map(f64::from).collect();
    /// let positive: Vec<bool> = (0..40).map(|i| i >= 20).collect();
    /// let families: Vec<u64> = (0..40).collect();
    /// let sample = RankingSample::new(&scores, &positive, &families)?;
    /// let perfect = sample.estimate(RankingMetric::Auroc, &Bootstrap::default())?;
    /// assert_eq!((perfect.value, perfect.upper), (Some(1.0), 1.0));
    /// assert!(perfect.lower < 0.84, "twenty pairs do not prove perfection");
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Resampling clusters: Field & Welsh 2007. Logit scale: Pepe 2003, §5.2; t for few units:
    /// Donner & Klar 2000.
    pub fn estimate(
        &self,
        metric: RankingMetric,
        bootstrap: &Bootstrap,
    ) -> Result<IntervalEstimate, StatsError> {
        let value = self.value(metric);
        let error = bootstrap
            .replicates(self.families, |weights| self.weighted(metric, weights))?
            .filter(|_| self.fewer_families() >= FEWEST_FAMILIES && value > 0.0 && value < 1.0)
            .map(|replicates| standard_error(&replicates))
            .filter(|&error| error > NO_SPREAD);
        let (lower, upper, method) = match error {
            Some(error) => {
                let centre = logit(value);
                let half = self.student(bootstrap)? * error / (value * (1.0 - value));
                (
                    logistic(centre - half),
                    logistic(centre + half),
                    format!(
                        "{} with bootstrap over {} prompt families on the logit scale with t, {} resamples, seed {} (approximate; {} of 0.95)",
                        metric.name(),
                        self.families,
                        bootstrap.resamples,
                        bootstrap.seed,
                        metric.covered()
                    ),
                )
            }
            None => {
                let (lower, upper) = self.pair_bounds(metric, value, bootstrap.confidence);
                (
                    lower,
                    upper,
                    format!(
                        "{} with exact bounds from {} independent pairs of prompt families (conservative: too little spread to resample)",
                        metric.name(),
                        self.pairs()
                    ),
                )
            }
        };
        Ok(IntervalEstimate {
            value: Some(value),
            lower,
            upper,
            confidence: bootstrap.confidence,
            method,
            n: self.families as u64,
        })
    }

    fn fewer_families(&self) -> usize {
        self.with_positives.min(self.with_negatives)
    }

    /// Student's factor for the interval's confidence.
    fn student(&self, bootstrap: &Bootstrap) -> Result<f64, StatsError> {
        let tail = (1.0 - bootstrap.confidence) / 2.0;
        normal::student_upper(tail, self.fewer_families() as f64 - 1.0)
    }

    /// How many disjoint pairs of families, one giving a catastrophe and one a safe item, there
    /// are at least.
    fn pairs(&self) -> usize {
        self.with_positives
            .min(self.with_negatives)
            .min(self.families / 2)
            .max(1)
    }

    fn pair_bounds(&self, metric: RankingMetric, value: f64, confidence: f64) -> (f64, f64) {
        let pairs = self.pairs() as f64;
        let tail = (1.0 - confidence) / 2.0;
        let (lower, upper) = exact_ends(value * pairs, pairs, tail);
        match metric {
            RankingMetric::Auroc => (lower, upper),
            RankingMetric::AveragePrecision => {
                // Even after a perfect ranking a share `missed` of catastrophes may score below
                // every safe item seen, and a share `above` of safe items above every catastrophe
                // seen (each with confidence 1 − tail/2): the average precision of that worst case.
                let missed = 1.0 - (tail / 2.0).powf(1.0 / self.with_positives as f64);
                let above = 1.0 - (tail / 2.0).powf(1.0 / self.with_negatives as f64);
                let prevalence = self.positives as f64 / self.items.len() as f64;
                let burden = (1.0 - prevalence) * above / prevalence;
                let kept = 1.0 - missed;
                let floor = kept - burden * (kept / burden).ln_1p() + missed * prevalence;
                (value * floor.clamp(0.0, 1.0), upper)
            }
        }
    }
}

/// Returns `metric(first) − metric(second)` of two rankings of the same items, with an interval by
/// resampling prompt families for both at once. Much narrower than the difference of two separate
/// intervals, because what makes a family hard is common to both.
///
/// # Errors
/// [`StatsError::NotPaired`] unless both samples list the same items (label and family) in the same
/// order; [`StatsError::TooFewFamilies`] when too many resamples hold one class only;
/// [`StatsError::OutOfRange`] as for [`RankingSample::estimate`].
///
/// # Example
/// ```
/// use nines_stats::bootstrap::Bootstrap;
/// use nines_stats::ranking::{RankingMetric, RankingSample, paired_difference};
/// let positive: Vec<bool> = (0..60).map(|i| i % 2 == 0).collect();
/// let families: Vec<u64> = (0..60).map(|i| i / 2).collect();
/// let good: Vec<f64> = (0..60).map(|i| f64::from((i * 7) % 13) - 9.0 * f64::from(i % 2)).collect();
/// let poor: Vec<f64> = (0..60).map(|i| f64::from((i * 5) % 11)).collect();
/// let good = RankingSample::new(&good, &positive, &families)?;
/// let poor = RankingSample::new(&poor, &positive, &families)?;
/// let gain = paired_difference(&good, &poor, RankingMetric::Auroc, &Bootstrap::default())?;
/// assert!(gain.lower > 0.0);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Efron & Tibshirani 1993, ch. 16 (paired resampling), with t as in [`RankingSample::estimate`].
pub fn paired_difference(
    first: &RankingSample,
    second: &RankingSample,
    metric: RankingMetric,
    bootstrap: &Bootstrap,
) -> Result<IntervalEstimate, StatsError> {
    same_length("paired samples", first.labels.len(), second.labels.len())?;
    if let Some(index) = (0..first.labels.len()).find(|&i| first.labels[i] != second.labels[i]) {
        return Err(StatsError::NotPaired { index });
    }
    let difference = |weights: &[f64]| {
        Some(first.weighted(metric, weights)? - second.weighted(metric, weights)?)
    };
    let value = first.value(metric) - second.value(metric);
    let error = bootstrap
        .replicates(first.families, difference)?
        .filter(|_| first.fewer_families() >= FEWEST_FAMILIES)
        .map(|replicates| standard_error(&replicates))
        .ok_or(StatsError::TooFewFamilies {
            families: first.families,
            with_positives: first.with_positives,
        })?;
    let mut half = first.student(bootstrap)? * error;
    let mut method = format!(
        "difference in {} with paired bootstrap over {} prompt families with t, {} resamples, seed {} (approximate; 0.97 to 1 of 0.95)",
        metric.name(),
        first.families,
        bootstrap.resamples,
        bootstrap.seed
    );
    if error <= NO_SPREAD {
        // No family distinguishes the two: as many pairs without a difference bound how often one
        // could.
        let tail = (1.0 - bootstrap.confidence) / 2.0;
        half = exact_ends(0.0, first.pairs() as f64, tail).1;
        method = remarked(&method, "exact bound, since no resample differs");
    }
    let (lower, upper) = ((value - half).max(-1.0), (value + half).min(1.0));
    Ok(IntervalEstimate {
        value: Some(value),
        lower,
        upper,
        confidence: bootstrap.confidence,
        method,
        n: first.families as u64,
    })
}
