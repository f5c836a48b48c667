//! What more labels would do, and the rate within a stratum.

use crate::design::{Allocation, StratumPlan, plan};
use crate::error::MeasureError;
use crate::estimates::estimate;
use crate::items::Truth;
use crate::leak::StratumCount;
use nines_domain::estimate::Estimate;
use nines_stats::interval::clopper_pearson;

/// What labels narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrows {
    /// The upper bound that assumes nothing, as it would be without a catastrophe.
    Bound,
    /// The estimate's standard deviation, if the expected rates are right.
    Deviation,
}

/// What some more labels are expected to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NextLabels {
    /// Where; none for all strata in proportion to their sizes.
    pub stratum: Option<usize>,
    /// How many.
    pub labels: u64,
    /// What they narrow.
    pub narrows: Narrows,
    /// It now.
    pub now: f64,
    /// It then.
    pub then: f64,
}

/// Says what about `more` labels would do to a design over a frame of `requests` requests: spread over
/// all strata, for the bound; and in the one stratum where they help the estimate most. Empty where
/// everything is drawn, or nothing.
///
/// # Errors
/// [`MeasureError::EmptyFrame`] when no request was answered.
pub fn next_labels(
    strata: &[StratumPlan],
    requests: u64,
    more: u64,
    confidence: f64,
) -> Result<Vec<NextLabels>, MeasureError> {
    let drawn: f64 = strata.iter().map(|s| s.size as f64 * s.drawn).sum();
    let look = |labels: f64| {
        plan(
            strata,
            requests,
            labels,
            Allocation::Proportional,
            confidence,
        )
    };
    let now = look(0.0)?;
    let occupied = || strata.iter().filter(|s| s.size > 0);
    if occupied().any(|s| s.drawn <= 0.0) {
        return Ok(Vec::new());
    }
    let mut next = Vec::new();
    let then = look(drawn + more as f64)?;
    if then.bound_without_catastrophes < now.bound_without_catastrophes {
        next.push(NextLabels {
            stratum: None,
            labels: (then.labels - drawn).round() as u64,
            narrows: Narrows::Bound,
            now: now.bound_without_catastrophes,
            then: then.bound_without_catastrophes,
        });
    }
    let best = strata
        .iter()
        .enumerate()
        .filter(|(_, s)| s.size > 0 && s.drawn < 1.0)
        .map(|(h, s)| {
            let left = (s.size as f64 * (1.0 - s.drawn)).min(more as f64);
            let mut with = strata.to_vec();
            with[h].drawn = (s.drawn + left / s.size as f64).min(1.0);
            let then = plan(&with, requests, 0.0, Allocation::Proportional, confidence)?;
            Ok((h, left, then.expected_deviation))
        })
        .collect::<Result<Vec<_>, MeasureError>>()?
        .into_iter()
        .min_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((h, labels, deviation)) = best
        && deviation < now.expected_deviation
    {
        next.push(NextLabels {
            stratum: Some(h),
            labels: labels.round() as u64,
            narrows: Narrows::Deviation,
            now: now.expected_deviation,
            then: deviation,
        });
    }
    Ok(next)
}

/// Estimates the rate of catastrophes among a stratum's answers from its labels: Clopper-Pearson, where
/// answers that readers could not decide count as catastrophes in the upper end. `None` without labels.
///
/// # Errors
/// [`MeasureError::Stats`] for a confidence outside (0, 1).
pub fn stratum_rate(
    stratum: &StratumCount,
    truth: Truth,
    confidence: f64,
) -> Result<Option<Estimate>, MeasureError> {
    if stratum.labelled == 0 {
        return Ok(None);
    }
    let found = match truth {
        Truth::Broad => stratum.broad,
        Truth::Strict => stratum.strict,
    };
    let sure = estimate(clopper_pearson(found, stratum.labelled, confidence)?);
    let most = (found + stratum.undecided).min(stratum.labelled);
    let doubtful = clopper_pearson(most, stratum.labelled, confidence)?;
    Ok(Some(Estimate {
        upper: doubtful.upper,
        ..sure
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_all_strata_narrow_the_bound_and_in_one_the_estimate() {
        let stratum = |size, drawn, expected| StratumPlan {
            size,
            drawn,
            expected,
        };
        let strata = [stratum(8000, 0.05, 1e-5), stratum(400, 0.3, 0.02)];
        let next = next_labels(&strata, 9000, 200, 0.95).expect("planned");
        assert_eq!(next.len(), 2);
        assert_eq!((next[0].stratum, next[0].narrows), (None, Narrows::Bound));
        assert_eq!((next[1].stratum, next[1].labels), (Some(1), 200));
        assert!(next.iter().all(|n| n.then < n.now));
        let least = 20f64.ln() / (9000.0 * 0.05);
        assert!((next[0].now - least).abs() < 1e-9, "{next:?}");
        let all = [stratum(80, 1.0, 1e-5), stratum(40, 1.0, 0.02)];
        assert_eq!(next_labels(&all, 130, 200, 0.95), Ok(Vec::new()));
        let none = [stratum(80, 0.0, 1e-5)];
        assert_eq!(next_labels(&none, 130, 200, 0.95), Ok(Vec::new()));
        assert!(next_labels(&[], 10, 5, 0.95).is_err());
    }

    #[test]
    fn what_readers_could_not_decide_widens_the_upper_end_only() {
        let count = StratumCount {
            size: 60,
            probability: 1.0,
            labelled_probability: 1.0,
            drawn: 60,
            labelled: 50,
            early: 0,
            broad: 3,
            strict: 1,
            undecided: 2,
        };
        let rate = stratum_rate(&count, Truth::Strict, 0.95)
            .expect("a rate")
            .expect("labels");
        let plain = clopper_pearson(1, 50, 0.95).expect("a rate");
        let most = clopper_pearson(3, 50, 0.95).expect("a rate");
        assert_eq!((rate.value, rate.lower), (plain.value, plain.lower));
        assert_eq!(rate.upper, most.upper);
        let none = StratumCount {
            labelled: 0,
            ..count
        };
        assert_eq!(stratum_rate(&none, Truth::Broad, 0.95), Ok(None));
    }
}
