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
    /// The recall for which labels are counted; none before random has results at the largest budget.
    pub recall: Option<f64>,
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

/// How many labels a recall needs; an end beyond the largest budget is `None`.
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

impl Comparison {
    /// Compares the cells that there are with those of `random`. `recall` is what labels are counted for; what
    /// random reaches with the most labels unless given.
    ///
    /// # Errors
    /// [`TrainError::Sweep`] for cells that do not fit the rows; [`TrainError::Metric`].
    pub fn new(
        rows: &Rows,
        cells: &[Cell],
        (random, missing): (&str, usize),
        recall: Option<f64>,
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
        let baseline = sides.get(random);
        let recall = match recall {
            Some(recall) => Some(recall),
            None => baseline
                .map(|side| most(side, &items, bootstrap))
                .transpose()?
                .flatten(),
        };
        let mut strategies = Vec::new();
        for name in &order {
            let own = &sides[name];
            let other = baseline.filter(|_| name != random);
            strategies.push(curve(name, own, other, &items, recall, bootstrap)?);
        }
        let mut distinct = of;
        distinct.sort_unstable();
        distinct.dedup();
        Ok(Self {
            rows: broad.len(),
            catastrophes: broad.iter().filter(|&&b| b).count(),
            random: drawn.iter().filter(|&&r| r).count(),
            families: distinct.len(),
            recall,
            strategies,
            missing,
        })
    }
}

fn failed(source: StatsError) -> TrainError {
    TrainError::Metric {
        metric: "a comparison of strategies",
        source,
    }
}

/// The recall that a strategy reaches with the most labels.
fn most(side: &Sides, items: &Items, bootstrap: &Bootstrap) -> Result<Option<f64>, TrainError> {
    let Some(seeds) = side.values().next_back() else {
        return Ok(None);
    };
    let scored: Vec<Scored> = seeds.values().map(|(scored, _)| scored.clone()).collect();
    Ok(reached(items, &scored, RECALL, bootstrap)?.and_then(|recall| recall.value))
}

/// What trainings reach; none for a recall without random completions.
fn reached(
    items: &Items,
    scored: &[Scored],
    quantity: Quantity,
    bootstrap: &Bootstrap,
) -> Result<Option<Estimate>, TrainError> {
    match items.reached(scored, quantity, bootstrap) {
        Ok(found) => Ok(Some(estimate(found))),
        Err(StatsError::TooFewFamilies { .. }) if quantity == RECALL => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn curve(
    name: &str,
    own: &Sides,
    random: Option<&Sides>,
    items: &Items,
    recall: Option<f64>,
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
            if ours.is_empty() {
                return Ok(None);
            }
            match items.gain(&ours, &theirs, quantity, bootstrap) {
                Ok(found) => Ok(Some(estimate(found))),
                Err(StatsError::TooFewFamilies { .. }) if quantity == RECALL => Ok(None),
                Err(error) => Err(failed(error)),
            }
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
    let needed = match recall {
        Some(recall) => needed(own, items, recall, bootstrap)?,
        None => None,
    };
    Ok(StrategyCurve {
        strategy: name.to_owned(),
        points,
        needed,
    })
}

/// How many labels a strategy needs for a recall, by the seeds that have results at every budget.
fn needed(
    own: &Sides,
    items: &Items,
    recall: f64,
    bootstrap: &Bootstrap,
) -> Result<Option<Needed>, TrainError> {
    let Some(first) = own.values().next() else {
        return Ok(None);
    };
    let whole = first
        .keys()
        .filter(|seed| own.values().all(|at| at.contains_key(seed)));
    let whole: Vec<u64> = whole.copied().collect();
    if whole.is_empty() {
        return Ok(None);
    }
    let curve: Vec<AtBudget> = own
        .iter()
        .map(|(&labels, seeds)| AtBudget {
            labels: labels as u64,
            seeds: whole.iter().map(|seed| seeds[seed].0.clone()).collect(),
        })
        .collect();
    match items.labels_needed(&curve, RECALL, recall, bootstrap) {
        Ok(found) => Ok(Some(found.into())),
        Err(StatsError::TooFewFamilies { .. }) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::active_learning::CellIdentity;
    use crate::config::TrainConfig;
    use crate::sweep::trial::Row;
    use nines_domain::snippet::ContentHash;

    fn rows() -> Rows {
        let row = |i: u64| Row {
            snippet: ContentHash::of_fields("row", &[&i.to_string()]),
            family: ContentHash::of_fields("family", &[&(i / 4).to_string()]),
            broad: i.is_multiple_of(4),
            random: i % 4 == 1,
            source: "test".to_owned(),
        };
        Rows {
            data: "rows".to_owned(),
            rows: (0..240).map(row).collect(),
        }
    }

    /// A cell whose scores are as good as `lift` says.
    fn cell(strategy: &str, seed: u64, labels: usize, lift: f64) -> Cell {
        let noise = |i: u64| ((i * 37 + seed * 11) % 101) as f64 / 50.0;
        Cell {
            strategy: strategy.to_owned(),
            seed,
            identity: CellIdentity {
                recipe: TrainConfig::default(),
                steps: 1,
                base: "base".to_owned(),
                base_digest: "digest".to_owned(),
                data: "rows".to_owned(),
                budgets: vec![50, 100],
                focus: 1.0,
                committee: 2,
            },
            path: "cpu/f32".to_owned(),
            seconds: 1.0,
            labels: (0..labels as u64)
                .map(|i| ContentHash::of_fields("label", &[&i.to_string()]))
                .collect(),
            catastrophes: labels / 4,
            scores: (0..240)
                .map(|i| (noise(i) + if i % 4 == 0 { lift } else { 0.0 }) as f32)
                .collect(),
            pool: None,
            next: Vec::new(),
        }
    }

    #[test]
    fn strategies_are_compared_at_equal_cost() {
        let mut cells = Vec::new();
        for seed in 0..3 {
            for (labels, lift, better) in [(50, 0.1, 0.2), (100, 0.5, 1.8)] {
                cells.push(cell("near-threshold", seed, labels, better));
                cells.push(cell("random", seed, labels, lift));
            }
        }
        let bootstrap = Bootstrap {
            resamples: 300,
            ..Bootstrap::default()
        };
        let found =
            Comparison::new(&rows(), &cells, ("random", 0), None, &bootstrap).expect("compared");
        assert_eq!(
            (found.rows, found.catastrophes, found.random, found.families),
            (240, 60, 60, 60)
        );
        let [near, random] = &found.strategies[..] else {
            panic!("two strategies: {found:?}");
        };
        assert_eq!(near.strategy, "near-threshold");
        let gain = near.points[1].auroc_gain.as_ref().expect("a gain");
        assert!(gain.lower > 0.0, "{gain:?}");
        assert!(
            random.points[1].auroc_gain.is_none(),
            "random gains nothing over itself"
        );
        assert_eq!(near.points[1].catastrophes, 25.0);
        // Random needs all of its labels for what it reaches with them, the other fewer.
        let of = |curve: &StrategyCurve| {
            curve
                .needed
                .as_ref()
                .expect("counted")
                .value
                .expect("reached")
        };
        assert!((of(random) - 100.0).abs() < 1e-6, "{}", of(random));
        assert!(of(near) < 90.0, "{}", of(near));
        let far = Comparison::new(&rows(), &cells, ("random", 2), Some(0.999), &bootstrap)
            .expect("compared");
        assert_eq!(
            far.strategies[1].needed.as_ref().expect("counted").value,
            None
        );
        assert_eq!(far.missing, 2);
    }

    #[test]
    fn a_cell_of_other_rows_is_refused() {
        let mut other = cell("random", 0, 50, 0.1);
        other.identity.data = "others".to_owned();
        let refused = Comparison::new(
            &rows(),
            &[other],
            ("random", 0),
            None,
            &Bootstrap::default(),
        );
        assert!(
            refused
                .expect_err("refused")
                .to_string()
                .contains("of other rows")
        );
    }
}
