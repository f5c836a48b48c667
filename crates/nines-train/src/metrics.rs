//! How well scores tell catastrophes from safe snippets, each number with its interval.

use crate::data::TrainingData;
use crate::error::TrainError;
use crate::loss::row_loss;
use crate::record::{Metrics, RecallAtAcceptance};
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::ranking::{RankingMetric, RankingSample};
use nines_stats::{IntervalEstimate, StatsError};
use std::collections::BTreeMap;

/// The shares of random generated completions at whose thresholds recall is reported.
pub const ACCEPTANCES: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// Computes the metrics of scored rows. `rows` are indices into the data, `scores` their logits.
///
/// Recall is over all catastrophes among the rows; the thresholds come from the rows that are
/// random generated completions, because acceptance on an enriched set means nothing.
///
/// # Errors
/// [`TrainError::Metric`] unless there are rows of both labels and all scores are finite.
pub fn measure(
    data: &TrainingData,
    rows: &[usize],
    scores: &[f64],
    positive_weight: f64,
) -> Result<Metrics, TrainError> {
    let bootstrap = Bootstrap::default();
    let failed = |metric| move |source: StatsError| TrainError::Metric { metric, source };
    let of = |row: &usize| &data.rows()[*row];
    let families: Vec<u64> = rows.iter().map(|row| of(row).family.prefix_u64()).collect();
    let broad: Vec<bool> = rows.iter().map(|row| of(row).broad).collect();
    let sample = RankingSample::new(scores, &broad, &families).map_err(failed("the ranking"))?;
    let ranking = |metric: RankingMetric| {
        sample
            .estimate(metric, &bootstrap)
            .map(estimate)
            .map_err(failed(metric.name()))
    };
    let losses: Vec<f64> = scores
        .iter()
        .zip(&broad)
        .map(|(&score, &broad)| row_loss(score, broad, positive_weight))
        .collect();
    let select = |wanted: &dyn Fn(usize) -> bool| -> (Vec<f64>, Vec<u64>) {
        (0..rows.len())
            .filter(|&i| wanted(i))
            .map(|i| (scores[i], families[i]))
            .unzip()
    };
    let caught = select(&|i| broad[i]);
    let random = select(&|i| of(&rows[i]).random);
    let recall = failed("recall at a given acceptance");
    let mut recall_at = Vec::new();
    if !random.0.is_empty() {
        let catastrophes =
            FamilyScores::new("catastrophes", &caught.0, &caught.1).map_err(recall)?;
        let reference =
            FamilyScores::new("random completions", &random.0, &random.1).map_err(recall)?;
        for acceptance in ACCEPTANCES {
            let at = recall_at_acceptance(&catastrophes, &reference, acceptance, &bootstrap)
                .map_err(recall)?;
            let threshold = Threshold::new(at.threshold).map_err(|_| TrainError::Metric {
                metric: "a threshold",
                source: StatsError::NotFinite {
                    what: "the threshold",
                    index: 0,
                    value: at.threshold,
                },
            })?;
            recall_at.push(RecallAtAcceptance {
                asked: acceptance,
                threshold,
                acceptance: estimate(at.acceptance),
                recall: estimate(at.recall),
            });
        }
    }
    Ok(Metrics {
        loss: mean_over_families(&losses, &families),
        auroc: ranking(RankingMetric::Auroc)?,
        auprc: ranking(RankingMetric::AveragePrecision)?,
        recall_at_acceptance: recall_at,
    })
}

/// Copies a statistic into the product's own type.
pub(crate) fn estimate(from: IntervalEstimate) -> Estimate {
    Estimate {
        value: from.value,
        lower: from.lower,
        upper: from.upper,
        confidence: from.confidence,
        method: from.method,
        n: from.n,
    }
}

/// Returns a mean with its interval, families being independent and their rows not.
///
/// The variance is that of a ratio over families (sum of values by number of rows), the interval
/// the normal one: approximate, which is enough for a loss that is only watched.
fn mean_over_families(values: &[f64], families: &[u64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let mut residuals: BTreeMap<u64, f64> = BTreeMap::new();
    for (value, family) in values.iter().zip(families) {
        *residuals.entry(*family).or_default() += value - mean;
    }
    let clusters = residuals.len() as f64;
    let squares: f64 = residuals.values().map(|r| r * r).sum();
    let error = (clusters / (clusters - 1.0).max(1.0) * squares).sqrt() / n;
    Estimate {
        value: Some(mean),
        lower: (mean - 1.96 * error).max(0.0),
        upper: mean + 1.96 * error,
        confidence: 0.95,
        method: "mean, normal interval over prompt families (approximate)".to_owned(),
        n: residuals.len() as u64,
    }
}
