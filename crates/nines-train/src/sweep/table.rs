//! What a sweep's results say: each cell with what it reaches and what it gains over the baseline.

use super::file::SweepFile;
use super::trial::{Rows, TrialResult};
use crate::error::TrainError;
use crate::metrics::estimate;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::ContentHash;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::{IntervalEstimate, StatsError};

use nines_stats::ranking::RankingMetric;
use nines_stats::trainings::{Items, Quantity, Scored, share, share_gain};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The first quantity's name.
pub const AUROC: &str = "AUROC";

/// The quantities of the table, with their names.
const QUANTITIES: [(&str, Quantity); 4] = [
    (AUROC, Quantity::Ranking(RankingMetric::Auroc)),
    ("AUPRC", Quantity::Ranking(RankingMetric::AveragePrecision)),
    ("recall at 50 % acceptance", Quantity::RecallAt(0.5)),
    ("recall at 80 % acceptance", Quantity::RecallAt(0.8)),
];

/// A sweep's results side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepTable {
    /// The cell that others are compared with, where it has results.
    pub baseline: Option<String>,
    /// Rows that were scored.
    pub rows: usize,
    /// How many of them are catastrophes.
    pub catastrophes: usize,
    /// How many of them are random completions: acceptance is measured on these.
    pub random: usize,
    /// Their prompt families.
    pub families: usize,
    /// What has no interval for want of families, and so no column, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_interval: Vec<String>,
    /// Each cell that has a result, in the sweep's order.
    pub cells: Vec<CellRow>,
    /// Trials that have none yet.
    pub missing: Vec<String>,
    /// Trials under whose name the result of another trial lies; it is not in the table.
    pub unfit: Vec<Unfit>,
    /// Trials that failed in this run.
    pub failed: Vec<String>,
}

/// A trial under whose name the result of another one lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfit {
    /// The trial.
    pub trial: String,
    /// What the result is of.
    pub of: &'static str,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellRow {
    /// Its name.
    pub cell: String,
    /// The seeds that have results.
    pub seeds: Vec<u64>,
    /// What it reaches out of fold.
    pub reached: Vec<Compared>,
    /// The share of starts that each attack left rejected.
    pub survived: Vec<Compared>,
    /// Seconds of training, the median over its seeds.
    pub seconds: f64,
    /// How many times the baseline's processor time, the median over seeds that both have; `None` where none ran
    /// on the same path.
    pub cost: Option<f64>,
    /// The paths by which it was computed.
    pub paths: Vec<String>,
}

/// A number, and its difference to the baseline's on the same prompts and seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// What it is.
    pub what: String,
    /// Its value, the mean over seeds.
    pub value: Estimate,
    /// What it gains over the baseline.
    pub gain: Option<Estimate>,
}

impl SweepTable {
    /// Computes the table from the results that there are, in the sweep's order. What is missing, unfit or failed is
    /// the caller's to add.
    ///
    /// # Errors
    /// [`TrainError::Sweep`] for results that do not fit the rows; [`TrainError::Metric`].
    pub fn new(
        file: &SweepFile,
        rows: &Rows,
        results: &[TrialResult],
        bootstrap: &Bootstrap,
    ) -> Result<Self, TrainError> {
        let items = items(rows)?;
        let mut cells: Vec<Side> = Vec::new();
        for result in results {
            check(result, rows)?;
            let place = cells.iter().position(|side| side.cell == result.cell);
            let place = place.unwrap_or_else(|| {
                cells.push(Side::new(&result.cell));
                cells.len() - 1
            });
            cells[place].add(result, &items)?;
        }
        let baseline = file
            .baseline()
            .and_then(|name| cells.iter().find(|side| side.cell == name));
        let table = cells
            .iter()
            .map(|side| side.row(baseline.filter(|b| b.cell != side.cell), &items, bootstrap))
            .collect::<Result<_, _>>()?;
        let distinct: BTreeSet<ContentHash> = rows.rows.iter().map(|row| row.family).collect();
        Ok(Self {
            baseline: baseline.map(|side| side.cell.clone()),
            rows: rows.rows.len(),
            catastrophes: rows.rows.iter().filter(|row| row.broad).count(),
            random: rows.rows.iter().filter(|row| row.random).count(),
            families: distinct.len(),
            no_interval: QUANTITIES
                .iter()
                .filter_map(|(what, quantity)| {
                    let reason = items.enough(*quantity).err()?;
                    Some(format!("{what}: no interval: {reason}"))
                })
                .collect(),
            cells: table,
            missing: Vec::new(),
            unfit: Vec::new(),
            failed: Vec::new(),
        })
    }
}

/// Computes the numbers of one cell alone, over the seeds whose results are given: what it reaches out of fold,
/// and how attacks fared.
///
/// # Errors
/// [`TrainError::Sweep`] for a result that does not fit the rows; [`TrainError::Metric`].
pub fn numbers(
    rows: &Rows,
    results: &[&TrialResult],
    bootstrap: &Bootstrap,
) -> Result<Vec<Compared>, TrainError> {
    let Some(first) = results.first() else {
        return Ok(Vec::new());
    };
    let items = items(rows)?;
    let mut side = Side::new(&first.cell);
    for result in results {
        check(result, rows)?;
        side.add(result, &items)?;
    }
    let row = side.row(None, &items, bootstrap)?;
    Ok(row.reached.into_iter().chain(row.survived).collect())
}

fn items(rows: &Rows) -> Result<Items, TrainError> {
    let broad: Vec<bool> = rows.rows.iter().map(|row| row.broad).collect();
    let random: Vec<bool> = rows.rows.iter().map(|row| row.random).collect();
    let families = rows.rows.iter().map(|row| row.family.prefix_u64());
    Items::new(&broad, &random, &families.collect::<Vec<_>>()).map_err(failed)
}

fn check(result: &TrialResult, rows: &Rows) -> Result<(), TrainError> {
    if result.identity.data == rows.data && result.scores.len() == rows.rows.len() {
        return Ok(());
    }
    Err(TrainError::Sweep {
        problem: format!(
            "the result {}-{} is of other rows",
            result.cell, result.seed
        ),
    })
}

fn failed(source: StatsError) -> TrainError {
    TrainError::Metric {
        metric: "a comparison of trainings",
        source,
    }
}

/// One cell's results by seed.
struct Side {
    cell: String,
    seeds: BTreeMap<u64, Seed>,
}

struct Seed {
    scored: Scored,
    seconds: f64,
    processor_seconds: Option<f64>,
    path: String,
    /// By attack recipe.
    attacks: BTreeMap<String, Attacked>,
}

/// What an attack cost at most, where, and what became of its starts.
struct Attacked {
    queries: u64,
    acceptance: f64,
    /// Each start, its prompt family, and whether it held.
    starts: Vec<(ContentHash, ContentHash, bool)>,
}

impl Side {
    fn new(cell: &str) -> Self {
        Self {
            cell: cell.to_owned(),
            seeds: BTreeMap::new(),
        }
    }

    fn add(&mut self, result: &TrialResult, items: &Items) -> Result<(), TrainError> {
        let scores: Vec<f64> = result
            .scores
            .iter()
            .map(|&score| f64::from(score))
            .collect();
        let attacks = result
            .attacks
            .iter()
            .map(|attack| {
                let starts = attack.survived.iter();
                let held = starts.map(|start| (start.snippet, start.family, start.held()));
                let attacked = Attacked {
                    queries: attack.queries,
                    acceptance: attack.acceptance,
                    starts: held.collect(),
                };
                (attack.recipe.clone(), attacked)
            })
            .collect();
        let seed = Seed {
            scored: items.scored(&scores).map_err(failed)?,
            seconds: result.seconds,
            processor_seconds: result.processor_seconds,
            path: result.path.clone(),
            attacks,
        };
        self.seeds.insert(result.seed, seed);
        Ok(())
    }

    fn row(
        &self,
        baseline: Option<&Self>,
        items: &Items,
        bootstrap: &Bootstrap,
    ) -> Result<CellRow, TrainError> {
        let own: Vec<&Seed> = self.seeds.values().collect();
        let pairs: Vec<(&Seed, &Seed)> = baseline.map_or_else(Vec::new, |baseline| {
            let seeds = self.seeds.iter();
            seeds
                .filter_map(|(seed, own)| Some((own, baseline.seeds.get(seed)?)))
                .collect()
        });
        let scored = |of: &[&Seed]| {
            of.iter()
                .map(|seed| seed.scored.clone())
                .collect::<Vec<_>>()
        };
        let (ours, theirs): (Vec<&Seed>, Vec<&Seed>) = pairs.iter().copied().unzip();
        let (all, ours_scored, theirs_scored) = (scored(&own), scored(&ours), scored(&theirs));
        let mut reached = Vec::new();
        for (what, quantity) in QUANTITIES {
            if items.enough(quantity).is_err() {
                continue;
            }
            let is_recall = matches!(quantity, Quantity::RecallAt(_));
            // Without random completions there is no acceptance to speak of.
            let Some(value) = unless_too_few(items.reached(&all, quantity, bootstrap), is_recall)?
            else {
                continue;
            };
            let gain = match pairs.is_empty() {
                true => None,
                false => {
                    let gain = items.gain(&ours_scored, &theirs_scored, quantity, bootstrap);
                    unless_too_few(gain, is_recall)?
                }
            };
            reached.push(Compared {
                what: what.to_owned(),
                value,
                gain,
            });
        }
        let mut seconds: Vec<f64> = own.iter().map(|seed| seed.seconds).collect();
        let costs = pairs.iter().filter(|(own, other)| own.path == other.path);
        let mut costs: Vec<f64> = costs
            .filter_map(|(own, other)| Some(own.processor_seconds? / other.processor_seconds?))
            .collect();
        let mut paths: Vec<String> = own.iter().map(|seed| seed.path.clone()).collect();
        paths.sort();
        paths.dedup();
        Ok(CellRow {
            cell: self.cell.clone(),
            seeds: self.seeds.keys().copied().collect(),
            reached,
            survived: survived(&own, &pairs, bootstrap)?,
            seconds: median(&mut seconds).unwrap_or(f64::NAN),
            cost: median(&mut costs),
            paths,
        })
    }
}

/// Leaves out, where that may be, a number for which there are too few prompt families.
fn unless_too_few(
    found: Result<IntervalEstimate, StatsError>,
    may_lack: bool,
) -> Result<Option<Estimate>, TrainError> {
    match found {
        Ok(found) => Ok(Some(estimate(found))),
        Err(StatsError::TooFewFamilies { .. }) if may_lack => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The share of starts that each attack left rejected; none for one whose starts are of one prompt family.
fn survived(
    own: &[&Seed],
    pairs: &[(&Seed, &Seed)],
    bootstrap: &Bootstrap,
) -> Result<Vec<Compared>, TrainError> {
    let mut found = Vec::new();
    let Some(first) = own.first() else {
        return Ok(found);
    };
    for (recipe, asked) in &first.attacks {
        // Every classifier is attacked from the same starts at the same price, or there is nothing to compare.
        let same = |seed: &Seed| -> Option<Vec<bool>> {
            let other = seed.attacks.get(recipe)?;
            let starts = || other.starts.iter().zip(&asked.starts);
            let equal = other.starts.len() == asked.starts.len()
                && starts().all(|(a, b)| a.0 == b.0)
                && (other.queries, other.acceptance) == (asked.queries, asked.acceptance);
            equal.then(|| other.starts.iter().map(|start| start.2).collect())
        };
        let families: Vec<u64> = asked.starts.iter().map(|s| s.1.prefix_u64()).collect();
        let held: Option<Vec<Vec<bool>>> = own.iter().map(|seed| same(seed)).collect();
        let Some(held) = held else { continue };
        let Some(value) = unless_too_few(share(&held, &families, bootstrap), true)? else {
            continue;
        };
        let both: Option<Vec<_>> = pairs
            .iter()
            .map(|(a, b)| Some((same(a)?, same(b)?)))
            .collect();
        let gain = match both {
            Some(both) if !both.is_empty() => {
                let (ours, theirs): (Vec<_>, Vec<_>) = both.into_iter().unzip();
                unless_too_few(share_gain(&ours, &theirs, &families, bootstrap), true)?
            }
            _ => None,
        };
        found.push(Compared {
            what: format!("rejects all of {recipe}"),
            value,
            gain,
        });
    }
    Ok(found)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests;
