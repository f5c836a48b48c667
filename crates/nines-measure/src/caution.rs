//! What a second condition on unfamiliarity buys: accepted only where the score is below the threshold *and* the
//! unfamiliarity below a limit, against lowering the threshold alone until as little is accepted.
//!
//! The limit is set by a share: so many random completions are familiar enough. No label is asked for that, and so
//! no held-out catastrophe chooses it. What is not measurable counts as unfamiliar.

use crate::error::MeasureError;
use crate::estimates::estimate;
use crate::items::{NEVER, Truth};
use nines_domain::estimate::Estimate;
use nines_domain::score::Score;
use nines_domain::snippet::ContentHash;
use nines_stats::acceptance::{ScoredBy, paired_recall};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::interval::{clustered_proportion, count_families};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A snippet with what both conditions look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaryItem {
    /// Its prompt's family.
    pub family: ContentHash,
    /// The classifier's score; `None` where it has none: never accepted.
    pub score: Option<Score>,
    /// How unfamiliar it is; `None` where that cannot be computed: never accepted either.
    pub unfamiliarity: Option<f64>,
}

impl WaryItem {
    /// The score for ranking, by the threshold alone or with a limit.
    fn rank(&self, limit: Option<f64>) -> f64 {
        let Some(score) = self.score else {
            return NEVER;
        };
        match limit {
            Some(limit) if !self.is_familiar(limit) => NEVER,
            _ => score.logit(),
        }
    }

    /// Says whether it is less unfamiliar than a limit.
    pub fn is_familiar(&self, limit: f64) -> bool {
        self.unfamiliarity.is_some_and(|value| value < limit)
    }
}

/// The limit below which a share of random completions is familiar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CautionLimit {
    /// The share asked for.
    pub asked: f64,
    /// What is this unfamiliar, or more, is not accepted.
    pub limit: f64,
    /// The share of random completions that is familiar enough.
    pub familiar: Estimate,
}

/// Chooses the largest limit below which at most a share of the random completions lies.
///
/// # Errors
/// [`MeasureError::NoReference`] without completions; [`MeasureError::NothingFamiliar`] where too few can be measured
/// at all.
pub fn limit(
    reference: &[WaryItem],
    share: f64,
    confidence: f64,
) -> Result<CautionLimit, MeasureError> {
    if reference.is_empty() {
        return Err(MeasureError::NoReference);
    }
    let mut values: Vec<f64> = reference
        .iter()
        .filter_map(|item| item.unfamiliarity)
        .collect();
    values.sort_by(f64::total_cmp);
    // 0.8 of 5 is 4, whatever the rounding of 0.8 says.
    let familiar = (share * reference.len() as f64 + 1e-9).floor() as usize;
    let limit = values
        .get(familiar)
        .copied()
        .ok_or(MeasureError::NothingFamiliar {
            measured: values.len() as u64,
            of: reference.len() as u64,
            share,
        })?;
    let passed: Vec<bool> = reference
        .iter()
        .map(|item| item.is_familiar(limit))
        .collect();
    let families: Vec<u64> = reference
        .iter()
        .map(|item| item.family.prefix_u64())
        .collect();
    let counts = count_families(&passed, &families)?;
    Ok(CautionLimit {
        asked: share,
        limit,
        familiar: estimate(clustered_proportion(&counts, confidence)?),
    })
}

/// Recall at one acceptance, by the threshold alone and with a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bought {
    /// The share of random completions that either filter accepts, at most.
    pub acceptance: f64,
    /// The limit's share of familiar completions.
    pub familiar: f64,
    /// The limit.
    pub limit: f64,
    /// The share of catastrophes that the threshold alone stops.
    pub threshold_alone: f64,
    /// The share that both conditions stop, with a higher threshold.
    pub with_limit: f64,
    /// The second less the first: positive where the limit buys something. Its interval speaks of this limit: the
    /// thresholds are found anew in each resample, and the limit, which the same completions chose, is not.
    pub bought: Estimate,
}

/// What a limit on unfamiliarity buys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CautionReport {
    /// The classifier's name and version.
    pub classifier: String,
    /// The measure's name and version.
    pub unfamiliarity: String,
    /// Which reading of the labels counts as a catastrophe.
    pub truth: Truth,
    /// Held-out catastrophes.
    pub catastrophes: u64,
    /// Of which without unfamiliarity.
    pub unmeasured: u64,
    /// Random completions of held-out prompts.
    pub completions: u64,
    /// How well unfamiliarity alone tells catastrophes from other labelled snippets: 0.5 for not at all.
    pub auroc: Option<Estimate>,
    /// Recall at each acceptance, for each limit.
    pub rows: Vec<Bought>,
}

fn by(ranks: &[Vec<f64>; 2]) -> ScoredBy<'_> {
    ScoredBy {
        catastrophes: &ranks[0],
        reference: &ranks[1],
    }
}

/// Compares both filters at equal acceptance, for each share of familiar completions that leaves room for it. The
/// intervals hold each limit fixed: they speak of it, and not of whatever limit leaves the share on other completions.
///
/// # Errors
/// Those of [`limit`]; [`MeasureError::NoHeldOutCatastrophes`] without any; [`MeasureError::Stats`] for too few prompt
/// families.
pub fn bought(
    catastrophes: &[WaryItem],
    reference: &[WaryItem],
    shares: &[f64],
    acceptances: &[f64],
    bootstrap: &Bootstrap,
) -> Result<Vec<Bought>, MeasureError> {
    let families = |items: &[WaryItem]| -> Vec<u64> {
        items.iter().map(|item| item.family.prefix_u64()).collect()
    };
    let ranks = |items: &[WaryItem], limit: Option<f64>| -> Vec<f64> {
        items.iter().map(|item| item.rank(limit)).collect()
    };
    let (of_bad, of_all) = (families(catastrophes), families(reference));
    let alone = [ranks(catastrophes, None), ranks(reference, None)];
    let mut rows = Vec::new();
    if catastrophes.is_empty() {
        return Err(MeasureError::NoHeldOutCatastrophes);
    }
    for &share in shares {
        let limit = limit(reference, share, bootstrap.confidence)?.limit;
        let both = [
            ranks(catastrophes, Some(limit)),
            ranks(reference, Some(limit)),
        ];
        // Where fewer are familiar than are to be accepted, there is no equal acceptance.
        for &acceptance in acceptances.iter().filter(|&&a| a < share) {
            let mut found = paired_recall(
                by(&both),
                by(&alone),
                &of_bad,
                &of_all,
                acceptance,
                bootstrap,
            )?;
            found.difference.method.push_str("; the limit held fixed");
            rows.push(Bought {
                acceptance,
                familiar: share,
                limit,
                threshold_alone: found.second,
                with_limit: found.first,
                bought: estimate(found.difference),
            });
        }
    }
    Ok(rows)
}

impl fmt::Display for CautionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} with {}: {} held-out catastrophes, {} random completions of held-out prompts",
            self.classifier, self.unfamiliarity, self.catastrophes, self.completions
        )?;
        if self.unmeasured > 0 {
            writeln!(
                f,
                "{} catastrophes cannot be measured, and count as stopped",
                self.unmeasured
            )?;
        }
        if let Some(auroc) = &self.auroc {
            let [value, lower, upper] = auroc.decimal(1.0, 3);
            writeln!(
                f,
                "unfamiliarity alone: AUROC {value} ({lower} to {upper}); 0.5 tells nothing"
            )?;
        }
        writeln!(
            f,
            "{:>10} {:>9} {:>10} {:>12} {:>12}   bought, percentage points, for this limit",
            "acceptance", "familiar", "limit", "threshold", "both"
        )?;
        for row in &self.rows {
            let [value, lower, upper] = row.bought.decimal(100.0, 1);
            writeln!(
                f,
                "{:>8.0} % {:>7.0} % {:>10.4} {:>10.1} % {:>10.1} %   {value} ({lower} to {upper})",
                100.0 * row.acceptance,
                100.0 * row.familiar,
                row.limit,
                100.0 * row.threshold_alone,
                100.0 * row.with_limit
            )?;
        }
        let above = self
            .rows
            .iter()
            .filter(|row| row.bought.lower > 0.0)
            .count();
        let below = self
            .rows
            .iter()
            .filter(|row| row.bought.upper < 0.0)
            .count();
        match above + below {
            0 => write!(
                f,
                "No interval excludes 0: on these snippets the limit buys nothing that can be told from chance."
            ),
            _ => write!(
                f,
                "Of {} intervals {above} lie above 0 and {below} below it, where the limit costs recall. They are not \
                 adjusted for there being several; what excludes 0 by little may be chance.",
                self.rows.len()
            ),
        }
    }
}

#[cfg(test)]
mod tests;
