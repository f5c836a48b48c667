//! Strata of accepted answers by score.

use nines_domain::score::Score;
use serde::{Deserialize, Serialize};

/// Where one stratum ends and the next begins, in logits, rising. Stratum 0 has the lowest scores,
/// the last one lies next to the threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strata {
    /// The cut points; one fewer than there are strata.
    pub cuts: Vec<f64>,
}

impl Strata {
    /// Returns how many strata there are.
    pub fn count(&self) -> usize {
        self.cuts.len() + 1
    }

    /// Returns the stratum of a score.
    pub fn of(&self, score: Score) -> usize {
        self.cuts.partition_point(|&cut| cut <= score.logit())
    }
}

/// Chooses cut points from the scores of accepted answers: strata that hold equal parts of Σ √p,
/// where p is the classifier's own probability. That is where labels are best spent if the classifier
/// is calibrated; whether it is changes how narrow an estimate is, never whether it is right.
///
/// Fewer strata come out where scores are equal or few.
///
/// # Reference
/// Dalenius & Hodges, "Minimum variance stratification" (1959), with the standard deviation of rare
/// events, √p, for the density.
pub fn cut_points(scores: &[Score], strata: usize) -> Strata {
    let mut logits: Vec<f64> = scores.iter().map(|s| s.logit()).collect();
    logits.sort_by(f64::total_cmp);
    let weight = |logit: f64| 1.0 / (1.0 + (-logit).exp()).sqrt();
    let total: f64 = logits.iter().map(|&l| weight(l)).sum();
    let mut cuts: Vec<f64> = Vec::new();
    let mut sum = 0.0;
    for pair in logits.windows(2) {
        sum += weight(pair[0]);
        let due = (cuts.len() + 1) as f64 * total / strata.max(1) as f64;
        if cuts.len() + 1 < strata && sum >= due && pair[1] > pair[0] {
            cuts.push(f64::midpoint(pair[0], pair[1]));
        }
    }
    Strata { cuts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(logits: impl IntoIterator<Item = f64>) -> Vec<Score> {
        logits
            .into_iter()
            .map(|l| Score::new(l).expect("finite"))
            .collect()
    }

    #[test]
    fn strata_near_the_threshold_are_smaller() {
        let all = scores((0..10_000).map(|i| -10.0 + 6.0 * f64::from(i) / 10_000.0));
        let strata = cut_points(&all, 4);
        assert_eq!(strata.count(), 4);
        let mut sizes = [0; 4];
        for score in &all {
            sizes[strata.of(*score)] += 1;
        }
        assert!(sizes.is_sorted_by(|a, b| a > b), "{sizes:?}");
    }

    #[test]
    fn equal_scores_share_a_stratum() {
        assert_eq!(cut_points(&scores([1.0, 1.0, 1.0]), 3).count(), 1);
        assert_eq!(cut_points(&[], 3).count(), 1);
        let two = cut_points(&scores([1.0, 1.0, 2.0, 2.0]), 4);
        assert_eq!(two.cuts, [1.5]);
        assert_eq!(two.of(Score::new(1.5).expect("finite")), 1);
    }
}
