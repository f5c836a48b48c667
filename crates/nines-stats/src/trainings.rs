//! Ways of training compared on the same items: what one reaches with several seeds, and what it gains
//! over another.
//!
//! Two things make such a number uncertain: which prompts were asked (families are resampled), and which
//! seed trained (the seeds' own spread). Both are in the interval.

mod needed;
mod seeds;
mod shares;

pub use needed::{AtBudget, LabelsNeeded};
pub use shares::{share, share_gain};

use crate::acceptance::FEWEST_FAMILIES;
use crate::bootstrap::Bootstrap;
use crate::error::{StatsError, finite, same_length};
use crate::estimate::IntervalEstimate;
use crate::ranking::{RankingMetric, RankingSample};
use seeds::{About, over_seeds};
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

    /// How often intervals at 0.95 held the truth, and in which simulations (the example `coverage`).
    fn simulated(self) -> &'static str {
        match self {
            Self::Ranking(RankingMetric::Auroc) => {
                "; 0.94 to 0.99 of 0.95 simulated with 100 families"
            }
            Self::Ranking(RankingMetric::AveragePrecision) => "; not simulated",
            Self::RecallAt(_) => {
                "; 0.94 to 0.99 of 0.95 simulated with 5 to 100 families of the rarer kind"
            }
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
    holding: Holding,
}

/// How many families hold an item of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holding {
    catastrophes: usize,
    safe: usize,
    random: usize,
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
        let mut index: BTreeMap<u64, (usize, [bool; 3])> = BTreeMap::new();
        let mut family = Vec::with_capacity(families.len());
        for ((&of, &positive), &random) in families.iter().zip(positive).zip(random) {
            let next = index.len();
            let (place, has) = index.entry(of).or_insert((next, [false; 3]));
            has[usize::from(positive)] = true;
            has[2] |= random;
            family.push(*place);
        }
        let holding = |kind: usize| index.values().filter(|(_, has)| has[kind]).count();
        Ok(Self {
            positive: positive.to_vec(),
            random: random.to_vec(),
            families: families.to_vec(),
            family,
            count: index.len(),
            holding: Holding {
                safe: holding(0),
                catastrophes: holding(1),
                random: holding(2),
            },
        })
    }

    /// Says whether there are families enough for an interval of a quantity.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for a recall where fewer than 5 families have random completions, or
    /// catastrophes.
    pub fn enough(&self, quantity: Quantity) -> Result<(), StatsError> {
        self.informative(quantity).map(drop)
    }

    /// How many families a quantity's rarer kind of item lies in: resampling knows its spread as well as that
    /// many allow. Recall needs catastrophes, and random completions to place its threshold.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for a recall that fewer than 5 families decide.
    fn informative(&self, quantity: Quantity) -> Result<usize, StatsError> {
        let Holding {
            catastrophes,
            safe,
            random,
        } = self.holding;
        let Quantity::RecallAt(_) = quantity else {
            return Ok(catastrophes.min(safe));
        };
        for (what, have) in [
            ("prompt families with random completions", random),
            ("prompt families with catastrophes", catastrophes),
        ] {
            if have < FEWEST_FAMILIES {
                return Err(StatsError::TooFew {
                    what,
                    have: have as u64,
                    needed: FEWEST_FAMILIES as u64,
                });
            }
        }
        Ok(catastrophes.min(random))
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
        let mut found = self.over_seeds(&values, quantity, quantity.name(), bootstrap)?;
        (found.lower, found.upper) = (found.lower.max(0.0), found.upper.min(1.0));
        Ok(found)
    }

    /// Says what the first way of training gains over the second: the mean over seeds of the difference,
    /// seed by seed and prompt by prompt.
    ///
    /// The interval is mean ± t·√(variance over families + variance over seeds / seeds). The first is
    /// that of the mean when families are resampled, the second that of the seeds' differences; the degrees
    /// of freedom are Satterthwaite's; families count as those of the rarer kind of item, which for a recall
    /// are those with catastrophes or those with random completions. With one seed it speaks of that seed alone,
    /// and says so. How often such intervals hold the truth was simulated with one, three and five seeds that
    /// differ or do not, for AUROC, recall at an acceptance of 0.8 and shares (the example `coverage`); the
    /// method says what came out.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] unless both have the same number of seeds, and at least one;
    /// [`StatsError::TooFewFamilies`] when too many resamples hold one class only; [`StatsError::TooFew`] as
    /// [`Self::enough`] says; [`StatsError::OutOfRange`] for bootstrap settings out of range.
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
        self.over_seeds(&values, quantity, what, bootstrap)
    }

    fn over_seeds(
        &self,
        values: &[impl Fn(&[f64]) -> Option<f64>],
        quantity: Quantity,
        what: String,
        bootstrap: &Bootstrap,
    ) -> Result<IntervalEstimate, StatsError> {
        let about = About {
            what,
            families: self.count,
            fewer: self.informative(quantity)?,
            simulated: quantity.simulated(),
        };
        over_seeds(values, &about, bootstrap)
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

#[cfg(test)]
mod tests;
