//! Two filters on the same items: what one catches more than the other at the same acceptance.

use super::FamilyScores;
use crate::bootstrap::{Bootstrap, standard_error};
use crate::error::{StatsError, open_unit, same_length};
use crate::estimate::IntervalEstimate;
use crate::interval::exact_ends;
use crate::normal::student_upper;
use std::collections::BTreeMap;

/// Below this a standard error is rounding, not spread.
const NO_SPREAD: f64 = 1e-12;

/// Recall of two scores at one acceptance, and their difference.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedRecall {
    /// The share of the reference that either accepts, at most.
    pub acceptance: f64,
    /// The share of catastrophes that the first rejects.
    pub first: f64,
    /// The same for the second.
    pub second: f64,
    /// First less second.
    pub difference: IntervalEstimate,
}

/// The scores of one filter: of catastrophes and of the reference.
#[derive(Debug, Clone, Copy)]
pub struct ScoredBy<'a> {
    /// Of each catastrophe.
    pub catastrophes: &'a [f64],
    /// Of each completion of the reference.
    pub reference: &'a [f64],
}

/// One side's scores with what resampling needs of them.
struct Side<'a> {
    catastrophes: &'a [f64],
    /// Indices of the reference by rising score.
    order: Vec<usize>,
    reference: &'a [f64],
}

impl Side<'_> {
    /// Recall at the largest threshold that accepts at most this share, with each item counted as often as its
    /// family was drawn; `None` where nothing was drawn.
    fn recall(&self, acceptance: f64, of_catastrophe: &[f64], of_reference: &[f64]) -> Option<f64> {
        let all: f64 = of_reference.iter().sum();
        let caught_of: f64 = of_catastrophe.iter().sum();
        if all <= 0.0 || caught_of <= 0.0 {
            return None;
        }
        let most = acceptance * all + 1e-9;
        let mut accepted = 0.0;
        let mut threshold = self.reference[*self.order.last()?];
        for &index in &self.order {
            accepted += of_reference[index];
            if accepted > most {
                threshold = self.reference[index];
                break;
            }
        }
        let caught: f64 = self
            .catastrophes
            .iter()
            .zip(of_catastrophe)
            .filter(|(score, _)| **score >= threshold)
            .map(|(_, weight)| weight)
            .sum();
        Some(caught / caught_of)
    }
}

/// Compares the recall of two scores where both accept at most a share `acceptance` of the same reference. Give
/// what is never accepted `f64::MAX` as its score.
///
/// Whole families are drawn with replacement, of catastrophes and reference at once, and either threshold is
/// found anew in each resample: the interval counts that thresholds are known only roughly.
///
/// # Errors
/// [`StatsError::OutOfRange`] for an acceptance outside (0, 1); [`StatsError::Lengths`],
/// [`StatsError::Empty`] or [`StatsError::NotFinite`] for columns that do not fit;
/// [`StatsError::TooFewFamilies`] where catastrophes or reference have fewer than 5 families.
///
/// # Example
/// ```
/// use nines_stats::acceptance::{FamilyScores, ScoredBy, paired_recall};
/// use nines_stats::bootstrap::Bootstrap;
/// let reference: Vec<f64> = (0..40).map(f64::from).collect();
/// let families: Vec<u64> = (0..40).collect();
/// let (good, poor) = (vec![39.0; 40], (0..40).map(f64::from).collect::<Vec<_>>());
/// let by = |catastrophes| ScoredBy { catastrophes, reference: &reference };
/// let found = paired_recall(by(&good), by(&poor), &families, &families, 0.5, &Bootstrap::default())?;
/// assert_eq!((found.first, found.second), (1.0, 0.5));
/// assert!(found.difference.lower > 0.0);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Efron & Tibshirani 1993, ch. 16 (paired resampling); t for few units: Donner & Klar 2000.
pub fn paired_recall(
    first: ScoredBy<'_>,
    second: ScoredBy<'_>,
    families_of_catastrophes: &[u64],
    families_of_reference: &[u64],
    acceptance: f64,
    bootstrap: &Bootstrap,
) -> Result<PairedRecall, StatsError> {
    open_unit("the acceptance", acceptance)?;
    for side in [first, second] {
        FamilyScores::new(
            "scores of catastrophes",
            side.catastrophes,
            families_of_catastrophes,
        )?;
        FamilyScores::new(
            "scores of the reference",
            side.reference,
            families_of_reference,
        )?;
    }
    same_length(
        "paired samples",
        first.reference.len(),
        second.reference.len(),
    )?;
    let mut number: BTreeMap<u64, usize> = BTreeMap::new();
    for family in families_of_catastrophes.iter().chain(families_of_reference) {
        let next = number.len();
        number.entry(*family).or_insert(next);
    }
    let of = |families: &[u64]| -> Vec<usize> { families.iter().map(|f| number[f]).collect() };
    let (bad, all) = (of(families_of_catastrophes), of(families_of_reference));
    let distinct = |indices: &[usize]| {
        let mut indices = indices.to_vec();
        indices.sort_unstable();
        indices.dedup();
        indices.len()
    };
    let fewer = distinct(&bad).min(distinct(&all));
    if fewer < super::FEWEST_FAMILIES {
        return Err(StatsError::TooFewFamilies {
            families: number.len(),
            with_positives: distinct(&bad),
        });
    }
    let (a, b) = (side(first), side(second));
    let both = |weights: &[f64]| {
        let of_bad: Vec<f64> = bad.iter().map(|&f| weights[f]).collect();
        let of_all: Vec<f64> = all.iter().map(|&f| weights[f]).collect();
        let a = a.recall(acceptance, &of_bad, &of_all)?;
        let b = b.recall(acceptance, &of_bad, &of_all)?;
        Some((a, b))
    };
    let Some((recall_a, recall_b)) = both(&vec![1.0; number.len()]) else {
        return Err(StatsError::TooFewFamilies {
            families: number.len(),
            with_positives: distinct(&bad),
        });
    };
    let value = recall_a - recall_b;
    let tail = (1.0 - bootstrap.confidence) / 2.0;
    let replicates = bootstrap
        .replicates(number.len(), |weights| both(weights).map(|(a, b)| a - b))?
        .ok_or(StatsError::TooFewFamilies {
            families: number.len(),
            with_positives: distinct(&bad),
        })?;
    let error = standard_error(&replicates);
    let mut half = student_upper(tail, fewer as f64 - 1.0)? * error;
    let mut remark = "";
    if error <= NO_SPREAD {
        // No family distinguishes the two: as many families without a difference bound how often one could.
        half = exact_ends(0.0, fewer as f64, tail).1;
        remark = ", exact bound, since no resample differs";
    }
    Ok(PairedRecall {
        acceptance,
        first: recall_a,
        second: recall_b,
        difference: IntervalEstimate {
            value: Some(value),
            lower: (value - half).max(-1.0),
            upper: (value + half).min(1.0),
            confidence: bootstrap.confidence,
            method: format!(
                "difference in recall at {} % acceptance with paired bootstrap over {} prompt families with t, \
                 {} resamples, seed {}{remark} (approximate)",
                (acceptance * 1e8).round() / 1e6,
                number.len(),
                bootstrap.resamples,
                bootstrap.seed
            ),
            n: number.len() as u64,
        },
    })
}

fn side(by: ScoredBy<'_>) -> Side<'_> {
    let mut order: Vec<usize> = (0..by.reference.len()).collect();
    order.sort_by(|&i, &j| by.reference[i].total_cmp(&by.reference[j]));
    Side {
        catastrophes: by.catastrophes,
        order,
        reference: by.reference,
    }
}

#[cfg(test)]
mod tests {
    use super::super::threshold_for;
    use super::*;

    fn families(n: u64) -> Vec<u64> {
        (0..n).collect()
    }

    #[test]
    fn without_resampling_the_threshold_is_that_of_the_acceptance() {
        let reference: Vec<f64> = (0..37).map(|i| f64::from(i * 17 % 37) / 3.0).collect();
        let mut sorted = reference.clone();
        sorted.sort_by(f64::total_cmp);
        let bad: Vec<f64> = (0..19).map(|i| f64::from(i) * 0.7).collect();
        let by = ScoredBy {
            catastrophes: &bad,
            reference: &reference,
        };
        for acceptance in [0.1, 0.5, 0.8, 0.97] {
            let threshold = threshold_for(&sorted, acceptance);
            let expected = bad.iter().filter(|s| **s >= threshold).count() as f64 / 19.0;
            let found = paired_recall(
                by,
                by,
                &families(19),
                &families(37),
                acceptance,
                &Bootstrap::default(),
            );
            let found = found.expect("a difference");
            assert!((found.first - expected).abs() < 1e-12, "{acceptance}");
            assert_eq!(found.difference.value, Some(0.0));
            // Equal scores differ nowhere, and that is known only as well as 19 families can tell.
            let bound = exact_ends(0.0, 19.0, 0.025).1;
            assert!((found.difference.upper - bound).abs() < 1e-12 && bound > 0.1);
            assert!(found.difference.method.contains("no resample differs"));
        }
    }

    #[test]
    fn the_interval_holds_a_known_difference() {
        // The second score is the first with noise that a hash of the row gives; the truth is what many rows say.
        let noise = |i: u64, salt: u64| {
            let mut stream = crate::random::Stream::new(salt, i);
            stream.below(1_000_000) as f64 / 1e6
        };
        let rows = |n: u64, salt: u64| -> [Vec<f64>; 4] {
            let good = |i: u64| noise(i, salt);
            let bad = |i: u64| 0.4 + noise(i, salt + 1);
            [
                (0..n).map(bad).collect(),
                (0..n).map(good).collect(),
                (0..n).map(|i| bad(i) + noise(i, salt + 2)).collect(),
                (0..n).map(|i| good(i) + noise(i, salt + 3)).collect(),
            ]
        };
        let quick = Bootstrap {
            resamples: 200,
            ..Bootstrap::default()
        };
        let difference = |n: u64, salt: u64| {
            let [a, b, c, d] = rows(n, salt);
            let of = |catastrophes, reference| ScoredBy {
                catastrophes,
                reference,
            };
            let families = families(n);
            paired_recall(of(&a, &b), of(&c, &d), &families, &families, 0.8, &quick).expect("found")
        };
        let truth = difference(40_000, 90).difference.value.expect("a value");
        let trials = 60;
        let held = (0..trials)
            .filter(|trial| {
                let found = difference(80, 1000 + 10 * trial).difference;
                found.lower <= truth && truth <= found.upper
            })
            .count();
        assert!(held >= 53, "{held} of {trials} hold {truth}");
    }

    #[test]
    fn columns_that_do_not_belong_together_are_refused() {
        let (long, short) = (vec![1.0; 9], vec![1.0; 8]);
        let by = |catastrophes, reference| ScoredBy {
            catastrophes,
            reference,
        };
        let ask = |a, b, acceptance| {
            paired_recall(
                a,
                b,
                &families(9),
                &families(9),
                acceptance,
                &Bootstrap::default(),
            )
        };
        assert!(ask(by(&long, &long), by(&short, &long), 0.5).is_err());
        assert!(ask(by(&long, &long), by(&long, &short), 0.5).is_err());
        assert!(ask(by(&long, &long), by(&long, &long), 1.0).is_err());
        let few = vec![1.0; 4];
        let few = by(&few, &few);
        let refused = paired_recall(
            few,
            few,
            &families(4),
            &families(4),
            0.5,
            &Bootstrap::default(),
        );
        assert!(matches!(refused, Err(StatsError::TooFewFamilies { .. })));
    }
}
