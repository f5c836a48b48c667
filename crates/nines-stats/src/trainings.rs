//! Ways of training compared on the same items: what one reaches with several seeds, and what it gains
//! over another.
//!
//! Two things make such a number uncertain: which prompts were asked (families are resampled), and which
//! seed trained (the seeds' own spread). Both are in the interval.

mod needed;

pub use needed::{AtBudget, LabelsNeeded};

use crate::bootstrap::{Bootstrap, standard_error};
use crate::error::{StatsError, finite, same_length};
use crate::estimate::IntervalEstimate;
use crate::normal::student_upper;
use crate::ranking::{RankingMetric, RankingSample};
use std::collections::BTreeMap;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// AUROC or average precision.
    Ranking(RankingMetric),
    /// The share of catastrophes that is rejected where at most this share of the random completions is
    /// accepted.
    RecallAt(f64),
}

impl Quantity {
    fn name(self) -> String {
        match self {
            Self::Ranking(metric) => metric.name().to_owned(),
            Self::RecallAt(acceptance) => format!("recall at {acceptance} acceptance"),
        }
    }
}

/// The items that every training is scored on.
#[derive(Debug, Clone)]
pub struct Items {
    positive: Vec<bool>,
    random: Vec<bool>,
    families: Vec<u64>,
    /// Each item's family, counted from 0.
    family: Vec<usize>,
    count: usize,
    /// Families that hold the rarer class, the fewer of both.
    fewer: usize,
}

impl Items {
    /// Takes what is true of each item (`true` = catastrophe), whether it is a random completion, and its
    /// prompt family.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] when the columns differ in length, [`StatsError::OneClass`] unless there are
    /// items of both classes.
    pub fn new(positive: &[bool], random: &[bool], families: &[u64]) -> Result<Self, StatsError> {
        same_length("labels and random marks", positive.len(), random.len())?;
        same_length("labels and families", positive.len(), families.len())?;
        let positives = positive.iter().filter(|&&p| p).count();
        if positives == 0 || positives == positive.len() {
            return Err(StatsError::OneClass {
                positives,
                negatives: positive.len() - positives,
            });
        }
        let mut index: BTreeMap<u64, (usize, [bool; 2])> = BTreeMap::new();
        let mut family = Vec::with_capacity(families.len());
        for (&of, &positive) in families.iter().zip(positive) {
            let next = index.len();
            let entry = index.entry(of).or_insert((next, [false; 2]));
            entry.1[usize::from(positive)] = true;
            family.push(entry.0);
        }
        let holding = |class: usize| index.values().filter(|(_, has)| has[class]).count();
        Ok(Self {
            positive: positive.to_vec(),
            random: random.to_vec(),
            families: families.to_vec(),
            family,
            count: index.len(),
            fewer: holding(0).min(holding(1)),
        })
    }

    /// Sorts one training's scores, in the items' order.
    ///
    /// # Errors
    /// [`StatsError::Lengths`], [`StatsError::NotFinite`].
    pub fn scored(&self, scores: &[f64]) -> Result<Scored, StatsError> {
        same_length("scores and labels", scores.len(), self.positive.len())?;
        finite("scores", scores)?;
        let sorted = |wanted: &[bool]| {
            let mut chosen: Vec<(f64, usize)> = (0..scores.len())
                .filter(|&item| wanted[item])
                .map(|item| (scores[item], self.family[item]))
                .collect();
            chosen.sort_by(|a, b| a.0.total_cmp(&b.0));
            chosen
        };
        Ok(Scored {
            ranking: RankingSample::new(scores, &self.positive, &self.families)?,
            catastrophes: sorted(&self.positive),
            random: sorted(&self.random),
        })
    }

    /// Says what a way of training reaches: the mean over its seeds, for other prompts and other seeds.
    ///
    /// # Errors
    /// As [`Self::gain`].
    pub fn reached(
        &self,
        seeds: &[Scored],
        quantity: Quantity,
        bootstrap: &Bootstrap,
    ) -> Result<IntervalEstimate, StatsError> {
        let values: Vec<_> = seeds
            .iter()
            .map(|scored| move |weights: &[f64]| scored.weighted(quantity, weights))
            .collect();
        let mut found = self.over_seeds(&values, &quantity.name(), bootstrap)?;
        (found.lower, found.upper) = (found.lower.max(0.0), found.upper.min(1.0));
        Ok(found)
    }

    /// Says what the first way of training gains over the second: the mean over seeds of the difference,
    /// seed by seed and prompt by prompt.
    ///
    /// The interval is mean ± t·√(variance over families + variance over seeds / seeds). The first is
    /// that of the mean when families are resampled, the second that of the seeds' differences; the degrees
    /// of freedom are Satterthwaite's. With one seed it speaks of that seed alone, and says so. Simulated with three
    /// and five seeds that differ or do not, 0.93 to 0.98 of intervals at 0.95 held the truth.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] unless both have the same number of seeds, and at least one;
    /// [`StatsError::TooFewFamilies`] when too many resamples hold one class only;
    /// [`StatsError::OutOfRange`] for bootstrap settings out of range.
    ///
    /// # Example
    /// ```
    /// use nines_stats::bootstrap::Bootstrap;
    /// use nines_stats::ranking::RankingMetric;
    /// use nines_stats::trainings::{Items, Quantity};
    /// let positive: Vec<bool> = (0..60).map(|i| i % 2 == 0).collect();
    /// let families: Vec<u64> = (0..60).map(|i| i / 2).collect();
    /// let items = Items::new(&positive, &[false; 60], &families)?;
    /// let scores = |lift: i32, seed: i32| -> Vec<f64> {
    ///     (0..60).map(|i| f64::from((i * 7 + seed) % 13) - f64::from(lift * (i % 2))).collect()
    /// };
    /// let good = [items.scored(&scores(9, 0))?, items.scored(&scores(9, 3))?];
    /// let poor = [items.scored(&scores(0, 0))?, items.scored(&scores(0, 3))?];
    /// let auroc = Quantity::Ranking(RankingMetric::Auroc);
    /// assert!(items.gain(&good, &poor, auroc, &Bootstrap::default())?.lower > 0.0);
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Satterthwaite 1946; Bouthillier et al. 2021 on why the seed's variance belongs into it.
    pub fn gain(
        &self,
        first: &[Scored],
        second: &[Scored],
        quantity: Quantity,
        bootstrap: &Bootstrap,
    ) -> Result<IntervalEstimate, StatsError> {
        same_length("seeds of both", first.len(), second.len())?;
        let values: Vec<_> = first
            .iter()
            .zip(second)
            .map(|(a, b)| {
                move |weights: &[f64]| {
                    Some(a.weighted(quantity, weights)? - b.weighted(quantity, weights)?)
                }
            })
            .collect();
        let what = format!("difference in {}", quantity.name());
        self.over_seeds(&values, &what, bootstrap)
    }

    fn over_seeds(
        &self,
        values: &[impl Fn(&[f64]) -> Option<f64>],
        what: &str,
        bootstrap: &Bootstrap,
    ) -> Result<IntervalEstimate, StatsError> {
        over_seeds(values, self.count, self.fewer, what, bootstrap)
    }
}

/// One training's scores, sorted.
#[derive(Debug, Clone)]
pub struct Scored {
    ranking: RankingSample,
    /// Score and family, by rising score.
    catastrophes: Vec<(f64, usize)>,
    random: Vec<(f64, usize)>,
}

impl Scored {
    fn weighted(&self, quantity: Quantity, weights: &[f64]) -> Option<f64> {
        match quantity {
            Quantity::Ranking(metric) => self.ranking.weighted(metric, weights),
            Quantity::RecallAt(acceptance) => self.recall_at(acceptance, weights),
        }
    }

    fn recall_at(&self, acceptance: f64, weights: &[f64]) -> Option<f64> {
        let total = |of: &[(f64, usize)]| -> f64 { of.iter().map(|&(_, f)| weights[f]).sum() };
        let (random, catastrophes) = (total(&self.random), total(&self.catastrophes));
        if random == 0.0 || catastrophes == 0.0 {
            return None;
        }
        // The largest threshold that accepts (strictly below) at most the share asked for.
        let room = acceptance * random + 1e-9;
        let mut accepted = 0.0;
        let mut threshold = f64::INFINITY;
        for tied in self.random.chunk_by(|a, b| a.0 == b.0) {
            let here = total(tied);
            if accepted + here > room {
                threshold = tied[0].0;
                break;
            }
            accepted += here;
        }
        let caught = self.catastrophes.partition_point(|&(s, _)| s < threshold);
        Some(total(&self.catastrophes[caught..]) / catastrophes)
    }
}

/// Says how often something holds, such as that a start survived its attack: the mean over seeds, each seed
/// with the same items in the same order.
///
/// # Errors
/// As [`Items::gain`].
pub fn share(
    seeds: &[Vec<bool>],
    families: &[u64],
    bootstrap: &Bootstrap,
) -> Result<IntervalEstimate, StatsError> {
    let rows: Vec<Vec<f64>> = seeds
        .iter()
        .map(|s| s.iter().map(|&x| f64::from(u8::from(x))).collect())
        .collect();
    let mut found = mean_over(&rows, families, "share", bootstrap)?;
    (found.lower, found.upper) = (found.lower.max(0.0), found.upper.min(1.0));
    Ok(found)
}

/// Says how much more often it holds for the first than for the second, seed by seed and item by item.
///
/// # Errors
/// As [`Items::gain`].
pub fn share_gain(
    first: &[Vec<bool>],
    second: &[Vec<bool>],
    families: &[u64],
    bootstrap: &Bootstrap,
) -> Result<IntervalEstimate, StatsError> {
    same_length("seeds of both", first.len(), second.len())?;
    let rows: Vec<Vec<f64>> = first
        .iter()
        .zip(second)
        .map(|(a, b)| {
            let of = |x: bool| f64::from(u8::from(x));
            a.iter().zip(b).map(|(&a, &b)| of(a) - of(b)).collect()
        })
        .collect();
    for (a, b) in first.iter().zip(second) {
        same_length("items of both", a.len(), b.len())?;
    }
    mean_over(&rows, families, "difference in shares", bootstrap)
}

fn mean_over(
    seeds: &[Vec<f64>],
    families: &[u64],
    what: &str,
    bootstrap: &Bootstrap,
) -> Result<IntervalEstimate, StatsError> {
    let mut index: BTreeMap<u64, usize> = BTreeMap::new();
    let family: Vec<usize> = families
        .iter()
        .map(|&of| {
            let next = index.len();
            *index.entry(of).or_insert(next)
        })
        .collect();
    let family = &family;
    for row in seeds {
        same_length("items and families", row.len(), families.len())?;
    }
    let values: Vec<_> = seeds
        .iter()
        .map(|row| {
            move |weights: &[f64]| {
                let (mut sum, mut count) = (0.0, 0.0);
                for (&x, &f) in row.iter().zip(family) {
                    sum += weights[f] * x;
                    count += weights[f];
                }
                (count > 0.0).then(|| sum / count)
            }
        })
        .collect();
    over_seeds(&values, index.len(), index.len(), what, bootstrap)
}

/// Below this error resampling has seen no spread at all, only rounding.
const NO_SPREAD: f64 = 1e-12;

/// Joins what families and what seeds say of the mean of one value a seed. `fewer` is the number of families
/// that the rarer kind of item has.
fn over_seeds(
    values: &[impl Fn(&[f64]) -> Option<f64>],
    families: usize,
    fewer: usize,
    what: &str,
    bootstrap: &Bootstrap,
) -> Result<IntervalEstimate, StatsError> {
    if values.is_empty() {
        return Err(StatsError::Empty { what: "seeds" });
    }
    let too_few = StatsError::TooFewFamilies {
        families,
        with_positives: fewer,
    };
    let k = values.len() as f64;
    let mean_of = |weights: &[f64]| -> Option<f64> {
        let mut sum = 0.0;
        for value in values {
            sum += value(weights)?;
        }
        Some(sum / k)
    };
    let whole = vec![1.0; families];
    let Some(value) = mean_of(&whole) else {
        return Err(too_few);
    };
    if fewer < 2 {
        return Err(too_few);
    }
    let Some(replicates) = bootstrap.replicates(families, mean_of)? else {
        return Err(too_few);
    };
    let over_families = standard_error(&replicates).powi(2);
    let freedom_families = fewer as f64 - 1.0;
    let singles: Vec<f64> = values.iter().filter_map(|value| value(&whole)).collect();
    let over_seeds = if singles.len() > 1 {
        let squares: f64 = singles.iter().map(|x| (x - value).powi(2)).sum();
        squares / (k - 1.0) / k
    } else {
        0.0
    };
    let variance = over_families + over_seeds;
    let mut method = format!(
        "{what}, mean of {} with bootstrap over {families} prompt families{}, {} resamples, seed {} (approximate; 0.93 to 0.98 of 0.95)",
        if singles.len() == 1 {
            "1 seed".to_owned()
        } else {
            format!("{} seeds", singles.len())
        },
        if singles.len() == 1 {
            "; says nothing of other seeds"
        } else {
            " and the seeds' variance, t by Satterthwaite"
        },
        bootstrap.resamples,
        bootstrap.seed,
    );
    let tail = (1.0 - bootstrap.confidence) / 2.0;
    let half = if variance.sqrt() <= NO_SPREAD {
        // Neither families nor seeds differ at all: as many families without a difference bound how often one
        // could.
        method = crate::estimate::remarked(&method, "exact bound, since nothing differs");
        crate::interval::exact_ends(0.0, fewer as f64, tail).1
    } else {
        let mut parts = over_families.powi(2) / freedom_families;
        if singles.len() > 1 {
            parts += over_seeds.powi(2) / (k - 1.0);
        }
        student_upper(tail, variance.powi(2) / parts)? * variance.sqrt()
    };
    Ok(IntervalEstimate {
        value: Some(value),
        lower: value - half,
        upper: value + half,
        confidence: bootstrap.confidence,
        method,
        n: families as u64,
    })
}

#[cfg(test)]
mod tests;
