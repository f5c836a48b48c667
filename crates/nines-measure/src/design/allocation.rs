//! How likely each stratum's answers are drawn.

use crate::error::MeasureError;
use serde::{Deserialize, Serialize};

/// Where labels go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allocation {
    /// Every answer is equally likely: the cheapest guarantee.
    Proportional,
    /// Where the classifier expects catastrophes: the narrowest estimate if it is calibrated, and by
    /// far the widest guarantee.
    Neyman,
    /// Half and half: the guarantee costs at most twice the labels, and the estimate gains most of
    /// what there is to gain.
    #[default]
    Mixed,
}

/// What a plan knows of a stratum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratumPlan {
    /// Answers of the frame in it.
    pub size: u64,
    /// The probability with which they are drawn already.
    pub drawn: f64,
    /// The rate of catastrophes expected: by the classifier, and by labels where there are some.
    pub expected: f64,
}

/// The probabilities that a plan asks for, and what to expect of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// For each stratum, the probability with which its answers are drawn; never less than before.
    pub probabilities: Vec<f64>,
    /// How many labels that is in expectation, those given already included.
    pub labels: f64,
    /// The upper bound that needs no assumption, if no label is a catastrophe.
    pub bound_without_catastrophes: f64,
    /// The estimate's standard deviation if the expected rates are right.
    pub expected_deviation: f64,
    /// The leak if the expected rates are right.
    pub expected_leak: f64,
}

/// Plans about `labels` labels in all over the strata of a frame of `requests` requests
/// (abstentions, which need no label, included).
///
/// # Errors
/// [`MeasureError::EmptyFrame`] when no request was answered.
pub fn plan(
    strata: &[StratumPlan],
    requests: u64,
    labels: f64,
    allocation: Allocation,
    confidence: f64,
) -> Result<Plan, MeasureError> {
    let answered: u64 = strata.iter().map(|s| s.size).sum();
    if answered == 0 || requests == 0 {
        return Err(MeasureError::EmptyFrame);
    }
    let by_size: Vec<f64> = strata.iter().map(|s| s.size as f64).collect();
    let by_risk: Vec<f64> = strata
        .iter()
        .map(|s| s.size as f64 * (s.expected * (1.0 - s.expected)).sqrt())
        .collect();
    let spread =
        |weights: &[f64], labels: f64| -> Vec<f64> { probabilities(weights, strata, labels) };
    let wanted = match allocation {
        Allocation::Proportional => spread(&by_size, labels),
        Allocation::Neyman => spread(&by_risk, labels),
        Allocation::Mixed => {
            let flat = spread(&by_size, labels / 2.0);
            let risky = spread(&by_risk, labels / 2.0);
            flat.iter()
                .zip(&risky)
                .map(|(a, b)| (a + b).min(1.0))
                .collect()
        }
    };
    let probabilities: Vec<f64> = strata
        .iter()
        .zip(wanted)
        .map(|(stratum, wanted)| stratum.drawn.max(wanted))
        .collect();
    let n = requests as f64;
    let occupied = || {
        strata
            .iter()
            .zip(&probabilities)
            .filter(|(s, _)| s.size > 0)
    };
    let least = occupied().map(|(_, p)| *p).fold(1.0, f64::min);
    let variance: f64 = occupied()
        .map(|(s, p)| s.size as f64 * s.expected / (p * n * n))
        .sum();
    Ok(Plan {
        labels: occupied().map(|(s, p)| s.size as f64 * p).sum(),
        bound_without_catastrophes: -(1.0 - confidence).ln() / (n * least),
        expected_deviation: variance.sqrt(),
        expected_leak: strata.iter().map(|s| s.size as f64 * s.expected / n).sum(),
        probabilities,
    })
}

/// Spreads labels over strata in proportion to weights; what a stratum cannot take goes to the
/// others.
fn probabilities(weights: &[f64], strata: &[StratumPlan], labels: f64) -> Vec<f64> {
    let mut found = vec![0.0; strata.len()];
    let mut open: Vec<usize> = (0..strata.len()).filter(|&h| weights[h] > 0.0).collect();
    let mut left = labels;
    loop {
        let total: f64 = open.iter().map(|&h| weights[h]).sum();
        let share = |h: usize| left * weights[h] / total / strata[h].size as f64;
        let full: Vec<usize> = open.iter().copied().filter(|&h| share(h) >= 1.0).collect();
        if full.is_empty() {
            for &h in &open {
                found[h] = share(h).max(f64::MIN_POSITIVE);
            }
            return found;
        }
        for h in full {
            found[h] = 1.0;
            left -= strata[h].size as f64;
            open.retain(|&other| other != h);
        }
        if open.is_empty() || left <= 0.0 {
            return found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRATA: [StratumPlan; 3] = [
        StratumPlan {
            size: 8000,
            drawn: 0.0,
            expected: 1e-6,
        },
        StratumPlan {
            size: 1500,
            drawn: 0.0,
            expected: 1e-4,
        },
        StratumPlan {
            size: 300,
            drawn: 0.0,
            expected: 1e-2,
        },
    ];

    #[test]
    fn proportional_labels_give_the_lowest_guarantee_and_neyman_the_least_spread() {
        let plans = [
            Allocation::Proportional,
            Allocation::Mixed,
            Allocation::Neyman,
        ]
        .map(|a| plan(&STRATA, 10_000, 600.0, a, 0.95).expect("planned"));
        for plan in &plans {
            assert!((plan.labels - 600.0).abs() < 1.0, "{plan:?}");
            assert!((plan.expected_leak - (8e-3 + 0.15 + 3.0) / 1e4).abs() < 1e-9);
        }
        let bounds = plans.each_ref().map(|p| p.bound_without_catastrophes);
        assert!(bounds.is_sorted(), "{bounds:?}");
        assert!((bounds[0] - 20f64.ln() * 0.98 / 600.0).abs() < 1e-6);
        // Half of the labels are proportional, so the guarantee is at most twice as dear.
        assert!(bounds[1] <= 2.0 * bounds[0] * 1.0001);
        let spreads = plans.each_ref().map(|p| p.expected_deviation);
        assert!(
            spreads[2] < spreads[1] && spreads[1] < spreads[0],
            "{spreads:?}"
        );
    }

    #[test]
    fn what_was_drawn_stays_drawn_and_no_stratum_gives_more_than_it_has() {
        let mut strata = STRATA;
        strata[0].drawn = 0.5;
        let more = plan(&strata, 10_000, 5000.0, Allocation::Neyman, 0.95).expect("planned");
        assert_eq!(more.probabilities[0], 0.5_f64.max(more.probabilities[0]));
        assert_eq!(more.probabilities[2], 1.0);
        assert!(more.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
        let all = plan(&STRATA, 10_000, 1e6, Allocation::Mixed, 0.95).expect("planned");
        assert_eq!(all.probabilities, [1.0, 1.0, 1.0]);
        assert!(plan(&[], 10, 5.0, Allocation::Mixed, 0.95).is_err());
    }
}
