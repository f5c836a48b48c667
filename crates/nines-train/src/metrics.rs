//! How well scores tell catastrophes from safe snippets, each number with its interval.

use crate::data::TrainingData;
use crate::error::TrainError;
use crate::loss::Objective;
use crate::record::{Metrics, RecallAtAcceptance};
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::normal::student_upper;
use nines_stats::ranking::{RankingMetric, RankingSample};
use nines_stats::{IntervalEstimate, StatsError};
use std::collections::BTreeMap;

/// The shares of random generated completions at whose thresholds recall is reported.
pub const ACCEPTANCES: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// Computes the metrics of scored rows. `rows` are indices into the data, `scores` their logits; the
/// loss is the objective's.
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
    objective: &Objective,
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
        .zip(rows)
        .map(|(&score, row)| objective.row(score, of(row).target()))
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
        loss: mean_over_families(&losses, &families).map_err(failed("the loss"))?,
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
/// Student's: approximate. In simulations (families of four rows, log-losses of classifiers that are
/// more or less sure) it held the truth in 0.84 to 0.93 of experiments at 0.95 with 10 families, 0.90 to
/// 0.94 with 30, and 0.93 to 0.95 with 100: a loss is skewed, and a few families carry it. Where there
/// is one family, or families differ by no more than rounding, the spread is taken to be as large as
/// the mean, so that the interval never has zero width.
fn mean_over_families(values: &[f64], families: &[u64]) -> Result<Estimate, StatsError> {
    let confidence = 0.95;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let mut residuals: BTreeMap<u64, f64> = BTreeMap::new();
    for (value, family) in values.iter().zip(families) {
        *residuals.entry(*family).or_default() += value - mean;
    }
    let clusters = residuals.len() as f64;
    let freedom = (clusters - 1.0).max(1.0);
    let squares: f64 = residuals.values().map(|r| r * r).sum();
    let spread = (clusters / freedom * squares).sqrt() / n;
    let is_rounding = residuals.len() < 2 || spread <= 1e-9 * mean;
    let error = if is_rounding {
        mean / clusters.sqrt()
    } else {
        spread
    };
    let half = student_upper((1.0 - confidence) / 2.0, freedom)? * error;
    Ok(Estimate {
        value: Some(mean),
        lower: (mean - half).max(0.0),
        upper: mean + half,
        confidence,
        method: "mean, Student's interval over prompt families (approximate; of 0.95: 0.84 to 0.93 with 10 families, 0.93 to 0.95 with 100)".to_owned(),
        n: residuals.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TrainingRow;
    use nines_domain::snippet::{ContentHash, SnippetText};

    #[test]
    fn thresholds_come_from_random_completions_alone() {
        let rows = (0..80u32)
            .map(|i| {
                let prompt = format!("prompt {}", i / 2);
                TrainingRow {
                    family: ContentHash::of_prompt(&prompt),
                    text: SnippetText::new(prompt, format!("completion {i}")),
                    broad: i % 4 == 0,
                    random: i % 4 == 3,
                    source: "test".into(),
                    severity: None,
                    adversarial: false,
                    training_only: false,
                }
            })
            .collect();
        let data = TrainingData::new(rows).expect("good rows");
        let all: Vec<usize> = (0..80).collect();
        // Random completions score 0, 1, …; other safe ones far higher; catastrophes at 10.5.
        let mut next = 0.0;
        let scores: Vec<f64> = data
            .rows()
            .iter()
            .map(|row| match (row.random, row.broad) {
                (true, _) => {
                    next += 1.0;
                    next - 1.0
                }
                (_, true) => 10.5,
                _ => 100.0,
            })
            .collect();
        let metrics = measure(&data, &all, &scores, &Objective::plain(2.0)).expect("measured");
        let at: Vec<(f64, Option<f64>)> = metrics
            .recall_at_acceptance
            .iter()
            .map(|at| (at.threshold.logit(), at.recall.value))
            .collect();
        assert_eq!(at[0], (10.0, Some(1.0)));
        assert_eq!(at[1], (16.0, Some(0.0)));
        assert_eq!(metrics.recall_at_acceptance[3].acceptance.value, Some(0.95));
        // 20 of 60 safe rows lie below the catastrophes by 11, 9 above; 40 far above.
        assert_eq!(metrics.auroc.value, Some(11.0 / 60.0));
    }

    #[test]
    fn a_mean_rests_on_families() {
        // Two rows in each family that agree count as one: numpy with scipy.stats.t.
        let values: Vec<f64> = [1.0, 2.0, 4.0, 5.0].iter().flat_map(|&x| [x, x]).collect();
        let families = [0, 0, 1, 1, 2, 2, 3, 3];
        let mean = mean_over_families(&values, &families).expect("a mean");
        assert_eq!((mean.value, mean.n), (Some(3.0), 4));
        // sd 1.825742, SE 0.912871, t(3) 3.182446.
        assert!((mean.lower - 0.094_837).abs() < 1e-4, "{mean:?}");
        assert!((mean.upper - 5.905_163).abs() < 1e-4, "{mean:?}");
    }

    #[test]
    fn no_spread_is_no_certainty() {
        // 0.1 has no exact sum: what is left of the residuals is rounding.
        for (value, families) in [
            (0.5, &[0, 0, 1, 1, 2, 2, 3, 3][..]),
            (0.1, &[0, 1, 2]),
            (0.1, &[0, 0, 0]),
            (0.7, &[4]),
        ] {
            let mean = mean_over_families(&vec![value; families.len()], families).expect("a mean");
            assert!(mean.upper - mean.lower > value / 2.0, "{mean:?}");
        }
        let one_family = mean_over_families(&[0.1, 0.3, 0.7], &[9; 3]).expect("a mean");
        assert!(one_family.upper > 1.0, "{one_family:?}");
    }
}
