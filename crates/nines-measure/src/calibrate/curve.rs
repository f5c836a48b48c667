//! The risk-coverage curve with intervals, at every distinct score.

use crate::items::{Columns, NEVER};
use nines_domain::score::sigmoid;
use nines_stats::StatsError;
use nines_stats::interval::{FamilyCount, clustered_proportion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A share with the ends of its interval; method, confidence and n are the calibration's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The share seen.
    pub value: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// What happens when completions below a threshold are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Accept below this logit.
    pub logit: f64,
    /// The same as a probability.
    pub p: f64,
    /// The share of catastrophes rejected; `None` without catastrophes.
    pub recall: Option<Band>,
    /// The share of random completions accepted; `None` without any.
    pub acceptance: Option<Band>,
}

/// Counts, family by family, the items below a rising threshold.
struct Below {
    items: Vec<(f64, usize)>,
    families: Vec<FamilyCount>,
    passed: usize,
}

impl Below {
    fn new(columns: &Columns) -> Self {
        let mut index = BTreeMap::new();
        let mut families: Vec<FamilyCount> = Vec::new();
        let mut items = Vec::with_capacity(columns.scores.len());
        for (&score, &family) in columns.scores.iter().zip(&columns.families) {
            let place = *index.entry(family).or_insert(families.len());
            if place == families.len() {
                families.push(FamilyCount::default());
            }
            families[place].trials += 1;
            items.push((score, place));
        }
        items.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            items,
            families,
            passed: 0,
        }
    }

    /// The share of items below the threshold, which must not fall from call to call.
    fn share(&mut self, threshold: f64, confidence: f64) -> Result<Option<Band>, StatsError> {
        while let Some(&(_, family)) = self
            .items
            .get(self.passed)
            .filter(|(score, _)| *score < threshold)
        {
            self.families[family].successes += 1;
            self.passed += 1;
        }
        if self.items.is_empty() {
            return Ok(None);
        }
        let e = clustered_proportion(&self.families, confidence)?;
        Ok(e.value.map(|value| Band {
            value,
            lower: e.lower,
            upper: e.upper,
        }))
    }
}

/// Returns the curve over every distinct score of catastrophes and random completions.
pub(super) fn curve(
    catastrophes: &Columns,
    random: &Columns,
    confidence: f64,
) -> Result<Vec<CurvePoint>, StatsError> {
    let mut thresholds: Vec<f64> = [&catastrophes.scores[..], &random.scores[..]].concat();
    thresholds.retain(|&t| t < NEVER);
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let (mut missed, mut accepted) = (Below::new(catastrophes), Below::new(random));
    thresholds
        .into_iter()
        .map(|logit| {
            let missed = missed.share(logit, confidence)?;
            Ok(CurvePoint {
                logit,
                p: sigmoid(logit),
                recall: missed.map(|band| Band {
                    value: 1.0 - band.value,
                    lower: 1.0 - band.upper,
                    upper: 1.0 - band.lower,
                }),
                acceptance: accepted.share(logit, confidence)?,
            })
        })
        .collect()
}
