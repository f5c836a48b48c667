//! How many labels a way of choosing them needs until its classifier reaches something.

use super::{Items, Quantity, Scored};
use crate::bootstrap::Bootstrap;
use crate::error::StatsError;
use crate::random::Stream;

/// What trainings reach with so many labels.
#[derive(Debug, Clone)]
pub struct AtBudget {
    /// How many labels.
    pub labels: u64,
    /// One training a seed, in the seeds' order.
    pub seeds: Vec<Scored>,
}

/// How many labels are needed. An end that lies beyond the largest budget is not known: `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelsNeeded {
    /// By the mean curve; at the smallest budget where that one reaches it already.
    pub value: Option<f64>,
    /// Lower end.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// The interval's confidence.
    pub confidence: f64,
    /// How it was computed.
    pub method: String,
    /// How many seeds and prompt families it rests on.
    pub n: (u64, u64),
}

impl Items {
    /// Says how many labels are needed until the mean over seeds reaches a target: where the curve first
    /// gets there, straight lines between budgets on the scale of log labels.
    ///
    /// The interval is that of the percentiles when families and seeds are both resampled; few seeds make
    /// it too narrow. The target is held fixed: where it was measured itself, that is in no interval. What never gets there counts as beyond the largest budget, and what is there from the
    /// start as the smallest one: both ends say only what the budgets can show.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without budgets or seeds; [`StatsError::Lengths`] where budgets have different
    /// seeds; [`StatsError::OutOfRange`] for budgets that do not rise from 1 and for bootstrap settings;
    /// [`StatsError::TooFewFamilies`] when too many resamples hold one class only; [`StatsError::TooFew`] as
    /// [`Self::enough`] says.
    ///
    /// # Example
    /// ```
    /// use nines_stats::bootstrap::Bootstrap;
    /// use nines_stats::ranking::RankingMetric;
    /// use nines_stats::trainings::{AtBudget, Items, Quantity};
    /// let positive: Vec<bool> = (0..60).map(|i| i % 2 == 0).collect();
    /// let families: Vec<u64> = (0..60).map(|i| i / 2).collect();
    /// let items = Items::new(&positive, &[false; 60], &families)?;
    /// let scores = |lift: i32| -> Vec<f64> {
    ///     (0..60).map(|i| f64::from((i * 7) % 13) + f64::from(lift * ((i + 1) % 2))).collect()
    /// };
    /// let at = |labels, lift| Ok::<_, nines_stats::StatsError>(AtBudget {
    ///     labels, seeds: vec![items.scored(&scores(lift))?]
    /// });
    /// let curve = [at(50, 0)?, at(100, 3)?, at(200, 12)?];
    /// let auroc = Quantity::Ranking(RankingMetric::Auroc);
    /// let needed = items.labels_needed(&curve, auroc, 0.9, &Bootstrap::default())?;
    /// assert!(needed.value.is_some_and(|labels| labels > 100.0 && labels < 200.0));
    /// assert_eq!(items.labels_needed(&curve[..1], auroc, 0.9, &Bootstrap::default())?.value, None);
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn labels_needed(
        &self,
        curve: &[AtBudget],
        quantity: Quantity,
        target: f64,
        bootstrap: &Bootstrap,
    ) -> Result<LabelsNeeded, StatsError> {
        let seeds = check(curve)?;
        let all: Vec<usize> = (0..seeds).collect();
        let whole = vec![1.0; self.count];
        let too_few = StatsError::TooFewFamilies {
            families: self.count,
            with_positives: self.informative(quantity)?,
        };
        let Some(value) = crossing(curve, quantity, target, &all, &whole) else {
            return Err(too_few);
        };
        let replicates = self.resampled(seeds, bootstrap, |chosen, weights| {
            crossing(curve, quantity, target, chosen, weights)
        })?;
        let Some(replicates) = replicates else {
            return Err(too_few);
        };
        let (low, high) = ends(replicates.len(), bootstrap);
        Ok(LabelsNeeded {
            value: known(value),
            lower: known(replicates[low].min(value)),
            upper: known(replicates[high].max(value)),
            confidence: bootstrap.confidence,
            method: format!(
                "where the mean curve of {seeds} seed{} first reaches {target} {}, straight on log labels, the target held \
                 fixed; percentiles over {} prompt families and the seeds, {} resamples, seed {} (approximate; too narrow with few seeds)",
                if seeds == 1 { "" } else { "s" },
                quantity.name(),
                self.count,
                bootstrap.resamples,
                bootstrap.seed,
            ),
            n: (seeds as u64, self.count as u64),
        })
    }

    /// Says how many labels more the first way of choosing needs than the second, until the mean over seeds
    /// reaches a target: the difference of [`Self::labels_needed`], with families and seeds resampled for both
    /// at once.
    ///
    /// Where one never gets there, all that is known is that it needs more than the largest budget: the end on
    /// that side is `None`. Where neither does, both ends are.
    ///
    /// # Errors
    /// As [`Self::labels_needed`]; [`StatsError::Lengths`] where the two have different numbers of seeds.
    ///
    /// # Example
    /// ```
    /// use nines_stats::bootstrap::Bootstrap;
    /// use nines_stats::ranking::RankingMetric;
    /// use nines_stats::trainings::{AtBudget, Items, Quantity};
    /// let positive: Vec<bool> = (0..60).map(|i| i % 2 == 0).collect();
    /// let families: Vec<u64> = (0..60).map(|i| i / 2).collect();
    /// let items = Items::new(&positive, &[false; 60], &families)?;
    /// let scores = |lift: i32| -> Vec<f64> {
    ///     (0..60).map(|i| f64::from((i * 7) % 13) + f64::from(lift * ((i + 1) % 2))).collect()
    /// };
    /// let at = |labels, lift| Ok::<_, nines_stats::StatsError>(AtBudget {
    ///     labels, seeds: vec![items.scored(&scores(lift))?]
    /// });
    /// let quick = [at(50, 0)?, at(100, 12)?];
    /// let slow = [at(50, 0)?, at(100, 3)?, at(200, 12)?];
    /// let auroc = Quantity::Ranking(RankingMetric::Auroc);
    /// let more = items.labels_difference(&quick, &slow, auroc, 0.9, &Bootstrap::default())?;
    /// assert!(more.upper.is_some_and(|labels| labels < 0.0), "fewer");
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn labels_difference(
        &self,
        first: &[AtBudget],
        second: &[AtBudget],
        quantity: Quantity,
        target: f64,
        bootstrap: &Bootstrap,
    ) -> Result<LabelsNeeded, StatsError> {
        let seeds = check(first)?;
        crate::error::same_length("seeds of both", seeds, check(second)?)?;
        let too_few = StatsError::TooFewFamilies {
            families: self.count,
            with_positives: self.informative(quantity)?,
        };
        let both = |chosen: &[usize], weights: &[f64]| {
            let first = crossing(first, quantity, target, chosen, weights)?;
            Some((first, crossing(second, quantity, target, chosen, weights)?))
        };
        let all: Vec<usize> = (0..seeds).collect();
        let Some((one, other)) = both(&all, &vec![1.0; self.count]) else {
            return Err(too_few);
        };
        let (mut least, mut most) = (Vec::new(), Vec::new());
        let replicates = self.resampled(seeds, bootstrap, |chosen, weights| {
            let (first, second) = both(chosen, weights)?;
            // Of two that never get there the difference could be anything.
            let difference = first - second;
            let unknown = difference.is_nan();
            least.push(if unknown {
                f64::NEG_INFINITY
            } else {
                difference
            });
            most.push(if unknown { f64::INFINITY } else { difference });
            Some(0.0)
        })?;
        if replicates.is_none() {
            return Err(too_few);
        }
        least.sort_by(f64::total_cmp);
        most.sort_by(f64::total_cmp);
        let (low, high) = ends(least.len(), bootstrap);
        let value = one - other;
        Ok(LabelsNeeded {
            value: known(value),
            lower: known(least[low].min(value)),
            upper: known(most[high].max(value)),
            confidence: bootstrap.confidence,
            method: format!(
                "difference in labels until the mean curves of {seeds} seed{} reach {target} {}, the target held fixed; \
                 percentiles over {} prompt families and the seeds of both, {} resamples, seed {} (approximate; too narrow \
                 with few seeds)",
                if seeds == 1 { "" } else { "s" },
                quantity.name(),
                self.count,
                bootstrap.resamples,
                bootstrap.seed,
            ),
            n: (seeds as u64, self.count as u64),
        })
    }

    /// Evaluates a statistic on seeds and families that are drawn again and again. Returns its values sorted, or
    /// `None` when too many were undefined.
    fn resampled(
        &self,
        seeds: usize,
        bootstrap: &Bootstrap,
        mut statistic: impl FnMut(&[usize], &[f64]) -> Option<f64>,
    ) -> Result<Option<Vec<f64>>, StatsError> {
        let mut drawn = 0;
        bootstrap.replicates(self.count, |weights| {
            let mut stream = Stream::new(bootstrap.seed ^ 0x7365_6564_7365_6564, drawn);
            drawn += 1;
            let chosen: Vec<usize> = (0..seeds).map(|_| stream.below(seeds)).collect();
            statistic(&chosen, weights)
        })
    }
}

/// Returns the places of an interval's ends among sorted values: outwards, and never between a number and what
/// is beyond the largest budget.
fn ends(values: usize, bootstrap: &Bootstrap) -> (usize, usize) {
    let tail = (1.0 - bootstrap.confidence) / 2.0;
    let last = values.saturating_sub(1) as f64;
    (
        (tail * last).floor() as usize,
        ((1.0 - tail) * last).ceil() as usize,
    )
}

/// Leaves out what lies beyond the largest budget.
fn known(labels: f64) -> Option<f64> {
    Some(labels).filter(|labels| labels.is_finite())
}

/// Checks budgets, and returns how many seeds each has.
fn check(curve: &[AtBudget]) -> Result<usize, StatsError> {
    let first = curve.first().ok_or(StatsError::Empty { what: "budgets" })?;
    let seeds = first.seeds.len();
    if seeds == 0 {
        return Err(StatsError::Empty { what: "seeds" });
    }
    let mut before = 0;
    for at in curve {
        crate::error::same_length("seeds of all budgets", at.seeds.len(), seeds)?;
        if at.labels <= before {
            return Err(StatsError::OutOfRange {
                what: "a budget",
                value: at.labels as f64,
                allowed: "at least 1, and more than the one before",
            });
        }
        before = at.labels;
    }
    Ok(seeds)
}

/// Where the mean curve of some seeds first reaches the target; infinite where it never does, `None` where
/// it is not defined.
fn crossing(
    curve: &[AtBudget],
    quantity: Quantity,
    target: f64,
    seeds: &[usize],
    weights: &[f64],
) -> Option<f64> {
    let mut before: Option<(f64, f64)> = None;
    let mut found = f64::INFINITY;
    for at in curve {
        let mut sum = 0.0;
        for &seed in seeds {
            sum += at.seeds[seed].weighted(quantity, weights)?;
        }
        let (labels, value) = ((at.labels as f64).ln(), sum / seeds.len() as f64);
        if found.is_infinite() && value >= target {
            found = match before {
                None => labels.exp(),
                Some((from, low)) => {
                    (from + (labels - from) * (target - low) / (value - low)).exp()
                }
            };
        }
        before = Some((labels, value));
    }
    Some(found)
}

#[cfg(test)]
mod tests;
