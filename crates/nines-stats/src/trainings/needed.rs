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
    /// it too narrow. What never gets there counts as beyond the largest budget, and what is there from the
    /// start as the smallest one: both ends say only what the budgets can show.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without budgets or seeds; [`StatsError::Lengths`] where budgets have different
    /// seeds; [`StatsError::OutOfRange`] for budgets that do not rise from 1 and for bootstrap settings;
    /// [`StatsError::TooFewFamilies`] when too many resamples hold one class only.
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
            with_positives: self.fewer,
        };
        let Some(value) = crossing(curve, quantity, target, &all, &whole) else {
            return Err(too_few);
        };
        let mut drawn = 0;
        let replicates = bootstrap.replicates(self.count, |weights| {
            let mut stream = Stream::new(bootstrap.seed ^ 0x7365_6564_7365_6564, drawn);
            drawn += 1;
            let chosen: Vec<usize> = (0..seeds).map(|_| stream.below(seeds)).collect();
            crossing(curve, quantity, target, &chosen, weights)
        })?;
        let Some(replicates) = replicates else {
            return Err(too_few);
        };
        let tail = (1.0 - bootstrap.confidence) / 2.0;
        let last = (replicates.len() - 1) as f64;
        // Outwards, and never between a number and what is beyond the largest budget.
        let (low, high) = ((tail * last).floor(), ((1.0 - tail) * last).ceil());
        let known = |labels: f64| Some(labels).filter(|labels| labels.is_finite());
        Ok(LabelsNeeded {
            value: known(value),
            lower: known(replicates[low as usize].min(value)),
            upper: known(replicates[high as usize].max(value)),
            confidence: bootstrap.confidence,
            method: format!(
                "where the mean curve of {seeds} seed{} first reaches {target} {}, straight on log labels; percentiles \
                 over {} prompt families and the seeds, {} resamples, seed {} (approximate; too narrow with few seeds)",
                if seeds == 1 { "" } else { "s" },
                quantity.name(),
                self.count,
                bootstrap.resamples,
                bootstrap.seed,
            ),
            n: (seeds as u64, self.count as u64),
        })
    }
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
mod tests {
    use super::*;
    use crate::ranking::RankingMetric;

    const AUROC: Quantity = Quantity::Ranking(RankingMetric::Auroc);

    fn items() -> Items {
        let positive: Vec<bool> = (0..400).map(|i| i % 4 == 0).collect();
        let random: Vec<bool> = (0..400).map(|i| i % 4 == 1).collect();
        let families: Vec<u64> = (0..400).map(|i| i / 4).collect();
        Items::new(&positive, &random, &families).expect("items")
    }

    fn at(items: &Items, labels: u64, lift: f64, seeds: u64) -> AtBudget {
        let scored = |seed| {
            let mut stream = Stream::new(seed, 3);
            let scores: Vec<f64> = (0..400)
                .map(|i| stream.normal() + if i % 4 == 0 { lift } else { 0.0 })
                .collect();
            items.scored(&scores).expect("scored")
        };
        AtBudget {
            labels,
            seeds: (0..seeds).map(scored).collect(),
        }
    }

    #[test]
    fn the_curve_is_read_on_log_labels() {
        let items = items();
        let curve = [at(&items, 100, 0.0, 3), at(&items, 400, 3.0, 3)];
        let mean = |at: &AtBudget| {
            let whole = vec![1.0; 100];
            let all = at.seeds.iter().filter_map(|s| s.weighted(AUROC, &whole));
            all.sum::<f64>() / at.seeds.len() as f64
        };
        let middle = f64::midpoint(mean(&curve[0]), mean(&curve[1]));
        let found = items
            .labels_needed(&curve, AUROC, middle, &Bootstrap::default())
            .expect("found");
        let value = found.value.expect("reached");
        assert!((value - 200.0).abs() < 1e-6, "{value}");
        let (lower, upper) = (found.lower.expect("known"), found.upper.expect("known"));
        assert!(lower < 200.0 && 200.0 < upper, "{found:?}");
        assert_eq!(found.n, (3, 100));
    }

    #[test]
    fn what_is_beyond_the_budgets_is_not_made_up() {
        let items = items();
        let curve = [at(&items, 50, 0.0, 2), at(&items, 100, 0.5, 2)];
        let of = |target| {
            items
                .labels_needed(&curve, AUROC, target, &Bootstrap::default())
                .expect("found")
        };
        let never = of(0.999);
        assert_eq!((never.value, never.lower, never.upper), (None, None, None));
        let already = of(0.1);
        assert_eq!(already.value, Some(50f64.ln().exp()));
        assert_eq!(already.upper, already.value);
    }

    #[test]
    fn curves_that_do_not_fit_are_refused() {
        let items = items();
        let of = |curve: &[AtBudget]| {
            items
                .labels_needed(curve, AUROC, 0.7, &Bootstrap::default())
                .is_err()
        };
        assert!(of(&[]));
        assert!(of(&[at(&items, 50, 0.0, 2), at(&items, 50, 1.0, 2)]));
        assert!(of(&[at(&items, 50, 0.0, 2), at(&items, 80, 1.0, 1)]));
        assert!(of(&[at(&items, 0, 0.0, 2)]));
    }
}
