//! What strategies reach with so many labels, beside random at the same cost.

use super::cell::Cell;
use crate::error::TrainError;
use crate::metrics::estimate;
use crate::sweep::trial::Rows;
use nines_domain::estimate::Estimate;
use nines_stats::StatsError;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::ranking::RankingMetric;
use nines_stats::trainings::{AtBudget, Items, LabelsNeeded, Quantity, Scored};
use serde::Serialize;
use std::collections::BTreeMap;

/// The share of random completions that is accepted where recall is read.
pub const ACCEPTANCE: f64 = 0.8;

const RECALL: Quantity = Quantity::RecallAt(ACCEPTANCE);
const AUROC: Quantity = Quantity::Ranking(RankingMetric::Auroc);

/// Strategies side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Held-out rows that were scored.
    pub rows: usize,
    /// How many of them are catastrophes.
    pub catastrophes: usize,
    /// How many of them are random completions.
    pub random: usize,
    /// Their prompt families.
    pub families: usize,
    /// The budgets that are compared.
    pub budgets: Vec<usize>,
    /// The recall for which labels are counted; none before random has results of every seed at the largest
    /// budget. It is held fixed: that it was measured itself is in no interval.
    pub recall: Option<f64>,
    /// Why no recall is told, where there are too few families for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_interval: Option<String>,
    /// Each strategy that has results.
    pub strategies: Vec<StrategyCurve>,
    /// Trainings that have none yet.
    pub missing: usize,
}

/// One strategy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StrategyCurve {
    /// The strategy, or the mixture of them.
    pub strategy: String,
    /// What it reaches with each number of labels.
    pub points: Vec<Point>,
    /// How many labels it needs for the recall, by the seeds that have all budgets.
    pub needed: Option<Needed>,
    /// How many more than random, by the seeds for which both have all budgets; prompts and seeds are resampled
    /// for both at once.
    pub needed_over_random: Option<Needed>,
}

/// What a strategy reaches with so many labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// How many labels.
    pub labels: usize,
    /// The seeds that have results.
    pub seeds: Vec<u64>,
    /// How many of the labels are catastrophes, the mean over seeds.
    pub catastrophes: f64,
    /// Recall at [`ACCEPTANCE`].
    pub recall: Option<Estimate>,
    /// AUROC.
    pub auroc: Estimate,
    /// What the recall gains over random with as many labels, seed by seed and prompt by prompt.
    pub recall_gain: Option<Estimate>,
    /// The same of AUROC.
    pub auroc_gain: Option<Estimate>,
}

/// How many labels a recall needs, or how many more; an end beyond what the budgets can show is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Needed {
    /// By the mean curve.
    pub value: Option<f64>,
    /// Lower end.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// The interval's confidence.
    pub confidence: f64,
    /// How it was computed.
    pub method: String,
    /// Seeds.
    pub seeds: u64,
}

impl From<LabelsNeeded> for Needed {
    fn from(found: LabelsNeeded) -> Self {
        Self {
            value: found.value,
            lower: found.lower,
            upper: found.upper,
            confidence: found.confidence,
            method: found.method,
            seeds: found.n.0,
        }
    }
}

/// The scores of a strategy, by labels and seed.
type Sides = BTreeMap<usize, BTreeMap<u64, (Scored, usize)>>;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The strategy that others are compared with.
    pub random: &'a str,
    /// Budgets, rising.
    pub budgets: &'a [usize],
    /// Seeds.
    pub seeds: &'a [u64],
    /// What labels are counted for: what random reaches with the largest budget unless given.
    pub recall: Option<f64>,
    /// Trainings that have no result yet.
    pub missing: usize,
}

impl Comparison {
    /// Compares the cells that there are.
    ///
    /// # Errors
    /// [`TrainError::Sweep`] for cells that do not fit the rows; [`TrainError::Metric`].
    pub fn new(
        rows: &Rows,
        cells: &[Cell],
        asked: &Asked<'_>,
        bootstrap: &Bootstrap,
    ) -> Result<Self, TrainError> {
        let broad: Vec<bool> = rows.rows.iter().map(|row| row.broad).collect();
        let drawn: Vec<bool> = rows.rows.iter().map(|row| row.random).collect();
        let of: Vec<u64> = rows
            .rows
            .iter()
            .map(|row| row.family.prefix_u64())
            .collect();
        let items = Items::new(&broad, &drawn, &of).map_err(failed)?;
        let mut order: Vec<String> = Vec::new();
        let mut sides: BTreeMap<String, Sides> = BTreeMap::new();
        for cell in cells {
            if cell.scores.len() != rows.rows.len() || cell.identity.data != rows.data {
                return Err(TrainError::Sweep {
                    problem: format!(
                        "the result of {}, seed {} is of other rows",
                        cell.strategy, cell.seed
                    ),
                });
            }
            if !order.contains(&cell.strategy) {
                order.push(cell.strategy.clone());
            }
            let scores: Vec<f64> = cell.scores.iter().map(|&score| f64::from(score)).collect();
            let scored = items.scored(&scores).map_err(failed)?;
            let side = sides.entry(cell.strategy.clone()).or_default();
            let at = side.entry(cell.labels.len()).or_default();
            at.insert(cell.seed, (scored, cell.catastrophes));
        }
        let baseline = sides.get(asked.random);
        let recall = match (asked.recall, baseline) {
            (Some(recall), _) => Some(recall),
            (None, Some(side)) => most(side, asked, &items, bootstrap)?,
            (None, None) => None,
        };
        let mut strategies = Vec::new();
        for name in &order {
            let own = &sides[name];
            let other = baseline.filter(|_| name != asked.random);
            let mut strategy = curve(name, own, other, &items, bootstrap)?;
            if let Some(recall) = recall {
                let counted = Counted {
                    items: &items,
                    recall,
                    budgets: asked.budgets,
                    bootstrap,
                };
                strategy.needed = counted.needed(own)?;
                strategy.needed_over_random = match other {
                    Some(other) => counted.over(own, other)?,
                    None => None,
                };
            }
            strategies.push(strategy);
        }
        let mut distinct = of;
        distinct.sort_unstable();
        distinct.dedup();
        Ok(Self {
            rows: broad.len(),
            catastrophes: broad.iter().filter(|&&b| b).count(),
            random: drawn.iter().filter(|&&r| r).count(),
            families: distinct.len(),
            budgets: asked.budgets.to_vec(),
            recall,
            no_interval: items
                .enough(RECALL)
                .err()
                .map(|reason| format!("recall: no interval: {reason}")),
            strategies,
            missing: asked.missing,
        })
    }
}

fn failed(source: StatsError) -> TrainError {
    TrainError::Metric {
        metric: "a comparison of strategies",
        source,
    }
}

/// The recall that random reaches with the largest budget, once every seed has come so far: it moves no more.
fn most(
    side: &Sides,
    asked: &Asked<'_>,
    items: &Items,
    bootstrap: &Bootstrap,
) -> Result<Option<f64>, TrainError> {
    let Some(seeds) = asked.budgets.last().and_then(|most| side.get(most)) else {
        return Ok(None);
    };
    if !asked.seeds.iter().all(|seed| seeds.contains_key(seed)) {
        return Ok(None);
    }
    let scored: Vec<Scored> = seeds.values().map(|(scored, _)| scored.clone()).collect();
    Ok(reached(items, &scored, RECALL, bootstrap)?.and_then(|recall| recall.value))
}

/// What trainings reach; none for a recall that too few families decide.
fn reached(
    items: &Items,
    scored: &[Scored],
    quantity: Quantity,
    bootstrap: &Bootstrap,
) -> Result<Option<Estimate>, TrainError> {
    if items.enough(quantity).is_err() {
        return Ok(None);
    }
    let found = items.reached(scored, quantity, bootstrap).map_err(failed)?;
    Ok(Some(estimate(found)))
}

fn curve(
    name: &str,
    own: &Sides,
    random: Option<&Sides>,
    items: &Items,
    bootstrap: &Bootstrap,
) -> Result<StrategyCurve, TrainError> {
    let mut points = Vec::new();
    for (&labels, seeds) in own {
        let all: Vec<Scored> = seeds.values().map(|(scored, _)| scored.clone()).collect();
        let other = random.and_then(|random| random.get(&labels));
        let pairs = seeds.iter().filter_map(|(seed, (own, _))| {
            let (other, _) = other?.get(seed)?;
            Some((own.clone(), other.clone()))
        });
        let (ours, theirs): (Vec<Scored>, Vec<Scored>) = pairs.unzip();
        let gain = |quantity| -> Result<Option<Estimate>, TrainError> {
            if ours.is_empty() || items.enough(quantity).is_err() {
                return Ok(None);
            }
            let found = items.gain(&ours, &theirs, quantity, bootstrap);
            Ok(Some(estimate(found.map_err(failed)?)))
        };
        let auroc = items.reached(&all, AUROC, bootstrap).map_err(failed)?;
        let catastrophes: usize = seeds.values().map(|(_, count)| count).sum();
        points.push(Point {
            labels,
            seeds: seeds.keys().copied().collect(),
            catastrophes: catastrophes as f64 / seeds.len() as f64,
            recall: reached(items, &all, RECALL, bootstrap)?,
            auroc: estimate(auroc),
            recall_gain: gain(RECALL)?,
            auroc_gain: gain(AUROC)?,
        });
    }
    Ok(StrategyCurve {
        strategy: name.to_owned(),
        points,
        needed: None,
        needed_over_random: None,
    })
}

/// How labels are counted.
struct Counted<'a> {
    items: &'a Items,
    recall: f64,
    budgets: &'a [usize],
    bootstrap: &'a Bootstrap,
}

impl Counted<'_> {
    /// How many labels a strategy needs, by the seeds that have results at every budget.
    fn needed(&self, own: &Sides) -> Result<Option<Needed>, TrainError> {
        let whole = self.whole(own);
        if whole.is_empty() || self.items.enough(RECALL).is_err() {
            return Ok(None);
        }
        let curve = self.curve(own, &whole);
        let found = self
            .items
            .labels_needed(&curve, RECALL, self.recall, self.bootstrap);
        Ok(Some(found.map_err(failed)?.into()))
    }

    /// How many more than another strategy, by the seeds for which both have results at every budget.
    fn over(&self, own: &Sides, other: &Sides) -> Result<Option<Needed>, TrainError> {
        let theirs = self.whole(other);
        let mut both = self.whole(own);
        both.retain(|seed| theirs.contains(seed));
        if both.is_empty() || self.items.enough(RECALL).is_err() {
            return Ok(None);
        }
        let (ours, theirs) = (self.curve(own, &both), self.curve(other, &both));
        let found =
            self.items
                .labels_difference(&ours, &theirs, RECALL, self.recall, self.bootstrap);
        Ok(Some(found.map_err(failed)?.into()))
    }

    /// The seeds that have results at every budget.
    fn whole(&self, own: &Sides) -> Vec<u64> {
        let mut at = self.budgets.iter().map(|budget| own.get(budget));
        let Some(Some(first)) = at.next() else {
            return Vec::new();
        };
        let mut seeds: Vec<u64> = first.keys().copied().collect();
        for at in at {
            seeds.retain(|seed| at.is_some_and(|at| at.contains_key(seed)));
        }
        seeds
    }

    fn curve(&self, own: &Sides, seeds: &[u64]) -> Vec<AtBudget> {
        let at = self.budgets.iter().filter_map(|budget| {
            let found = own.get(budget)?;
            let of = |seed| found.get(seed).map(|(scored, _)| scored.clone());
            Some(AtBudget {
                labels: *budget as u64,
                seeds: seeds.iter().filter_map(of).collect(),
            })
        });
        at.collect()
    }
}

#[cfg(test)]
mod tests;
