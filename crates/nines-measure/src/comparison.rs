//! Two filters compared on the same requests: only where their answers differ is a label needed.

use crate::error::MeasureError;
use crate::items::Truth;
use crate::leak::Finding;
use nines_domain::estimate::Estimate;
use nines_stats::interval::clopper_pearson;
use serde::{Deserialize, Serialize};

/// One request with the answers of both filters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparedItem {
    /// Its lot.
    pub lot: f64,
    /// What labels say of the first filter's answer, where it differs; none for an abstention or an
    /// equal answer.
    pub first: Option<Finding>,
    /// The same for the second filter.
    pub second: Option<Finding>,
}

/// How two filters differ in leak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompareReport {
    /// Requests in the frame.
    pub requests: u64,
    /// Requests with different answers.
    pub differ: u64,
    /// Requests drawn to be labelled.
    pub drawn: u64,
    /// Requests whose labels count.
    pub labelled: u64,
    /// Drawn requests with an answer that waits for its label.
    pub waiting: u64,
    /// Catastrophes among the first filter's labelled answers, broad and strict.
    pub first: [u64; 2],
    /// The same for the second filter.
    pub second: [u64; 2],
    /// The broad leak of the first filter minus that of the second.
    pub broad: Estimate,
    /// The strict leak of the first filter minus that of the second.
    pub strict: Estimate,
}

/// Estimates the difference in leak from the labels of a design in which every request with
/// different answers was drawn with one probability. Answers that readers could not decide count as no
/// catastrophe in values, and as what makes the interval wider in its ends.
///
/// # Errors
/// [`MeasureError::EmptyFrame`] without requests, [`MeasureError::NothingRated`] when answers differ
/// and no label counts, [`MeasureError::Stats`].
pub fn measure(
    items: &[ComparedItem],
    probability: f64,
    confidence: f64,
) -> Result<CompareReport, MeasureError> {
    if items.is_empty() {
        return Err(MeasureError::EmptyFrame);
    }
    let differing: Vec<&ComparedItem> = items
        .iter()
        .filter(|i| i.first.is_some() || i.second.is_some())
        .collect();
    let waits =
        |item: &ComparedItem| [item.first, item.second].contains(&Some(Finding::Unlabelled));
    let drawn: Vec<&&ComparedItem> = differing.iter().filter(|i| i.lot < probability).collect();
    let reach = drawn
        .iter()
        .filter(|item| waits(item))
        .map(|item| item.lot)
        .fold(probability, f64::min);
    let counted: Vec<&&&ComparedItem> = drawn.iter().filter(|i| i.lot < reach).collect();
    if counted.is_empty() && !differing.is_empty() {
        return Err(MeasureError::NothingRated {
            drawn: drawn.len() as u64,
        });
    }
    let share = Shares {
        requests: items.len() as u64,
        probability: reach,
        confidence,
    };
    let difference = |truth| -> Result<(Estimate, u64, u64), MeasureError> {
        let is_bad = |finding: Option<Finding>, doubtful: bool| {
            finding
                .is_some_and(|f| f.is_catastrophe(truth) || (doubtful && f == Finding::Undecided))
        };
        // Requests where only the first filter's answer is a catastrophe, and only the second's.
        let alone = |first: bool, second: bool| {
            let of = |wanted: (bool, bool)| {
                let seen = counted
                    .iter()
                    .map(|i| (is_bad(i.first, first), is_bad(i.second, second)));
                seen.filter(|bad| *bad == wanted).count() as u64
            };
            (of((true, false)), of((false, true)))
        };
        let mut found = share.difference(alone(false, false))?;
        found.lower = found.lower.min(share.difference(alone(false, true))?.lower);
        found.upper = found.upper.max(share.difference(alone(true, false))?.upper);
        let all = |side: fn(&ComparedItem) -> Option<Finding>| {
            counted.iter().filter(|i| is_bad(side(i), false)).count() as u64
        };
        Ok((found, all(|i| i.first), all(|i| i.second)))
    };
    let (broad, first_broad, second_broad) = difference(Truth::Broad)?;
    let (strict, first_strict, second_strict) = difference(Truth::Strict)?;
    Ok(CompareReport {
        requests: items.len() as u64,
        differ: differing.len() as u64,
        drawn: drawn.len() as u64,
        labelled: counted.len() as u64,
        waiting: drawn.iter().filter(|i| waits(i)).count() as u64,
        first: [first_broad, first_strict],
        second: [second_broad, second_strict],
        broad,
        strict,
    })
}

/// Estimates the share of requests that only the first filter leaves without an answer, less that which only the
/// second does. It needs no label.
///
/// # Errors
/// [`MeasureError::EmptyFrame`] without requests, [`MeasureError::Stats`].
pub fn abstention(
    first_only: u64,
    second_only: u64,
    requests: u64,
    confidence: f64,
) -> Result<Estimate, MeasureError> {
    if requests == 0 {
        return Err(MeasureError::EmptyFrame);
    }
    let share = Shares {
        requests,
        probability: 1.0,
        confidence,
    };
    let mut found = share.difference((first_only, second_only))?;
    found.method = "requests that only one of the two leaves unanswered, Clopper-Pearson for each (guaranteed, \
                    Bonferroni)"
        .to_owned();
    Ok(found)
}

/// What counts of drawn requests say of all requests.
struct Shares {
    requests: u64,
    probability: f64,
    confidence: f64,
}

impl Shares {
    /// The share of requests where only the first filter fails, less that where only the second does.
    ///
    /// Requests are independent and each is drawn with one probability, so either count is binomial over
    /// all requests with that probability times its share: Clopper and Pearson's intervals hold, each at
    /// half of the error.
    fn difference(&self, (first, second): (u64, u64)) -> Result<Estimate, MeasureError> {
        let half = 1.0 - (1.0 - self.confidence) / 2.0;
        let of = |count| clopper_pearson(count, self.requests, half);
        let (first_only, second_only) = (of(first)?, of(second)?);
        let n = self.requests as f64 * self.probability;
        let most = 1.0f64.max(first.max(second) as f64 / n);
        let end = |x: f64| (x / self.probability).min(most);
        Ok(Estimate {
            value: Some((first as f64 - second as f64) / n),
            lower: end(first_only.lower) - end(second_only.upper),
            upper: end(first_only.upper) - end(second_only.lower),
            confidence: self.confidence,
            method: "requests where only one of the two fails, Clopper-Pearson for each (guaranteed, Bonferroni)"
                .to_owned(),
            n: self.requests,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_stats::random::Stream;

    #[test]
    fn undecided_answers_widen_both_ends() {
        let item = |position: u64, first| ComparedItem {
            lot: position as f64 / 200.0,
            first: Some(first),
            second: Some(Finding::Safe),
        };
        let clear: Vec<ComparedItem> = (0..200).map(|i| item(i, Finding::Safe)).collect();
        let mut doubtful = clear.clone();
        for (i, item) in doubtful.iter_mut().enumerate().take(20) {
            let side = if i % 2 == 0 {
                &mut item.first
            } else {
                &mut item.second
            };
            *side = Some(Finding::Undecided);
        }
        let clear = measure(&clear, 1.0, 0.95).expect("measured").broad;
        let doubtful = measure(&doubtful, 1.0, 0.95).expect("measured").broad;
        assert_eq!(clear.value, doubtful.value);
        assert!(doubtful.lower < clear.lower && doubtful.upper > clear.upper);
    }

    #[test]
    fn abstentions_are_compared_without_labels() {
        let found = abstention(12, 2, 400, 0.95).expect("compared");
        assert_eq!(found.value, Some(10.0 / 400.0));
        assert!(
            found.lower < 0.025 && found.lower > -0.01 && found.upper < 0.06,
            "{found:?}"
        );
        let equal = abstention(0, 0, 400, 0.95).expect("compared");
        assert!(
            equal.lower < 0.0 && equal.upper > 0.0,
            "nothing seen proves nothing"
        );
        assert!(abstention(0, 0, 0, 0.95).is_err());
    }

    #[test]
    fn filters_that_never_agree_are_compared_too() {
        // Every request has two answers: 0.3 against 0.1, drawn with one half.
        let (mut held, runs) = (0, 200);
        for seed in 0..runs {
            let items: Vec<ComparedItem> = (0..400)
                .map(|position| {
                    let mut stream = Stream::new(seed, position);
                    let mut finding = |rate| match stream.unit() < rate {
                        true => Finding::Strict,
                        false => Finding::Safe,
                    };
                    let (first, second) = (Some(finding(0.3)), Some(finding(0.1)));
                    ComparedItem {
                        lot: stream.unit(),
                        first,
                        second,
                    }
                })
                .collect();
            let report = measure(&items, 0.5, 0.9).expect("measured");
            held += u32::from(report.broad.lower <= 0.2 && 0.2 <= report.broad.upper);
        }
        assert!(held >= 180, "{held}");
    }

    #[test]
    fn the_difference_is_held_and_equal_answers_need_no_label() {
        // 10 % of requests differ; the first filter's answers there are bad in 8 %, the second's in 2 %.
        let truth = 0.1 * (0.08 - 0.02);
        let (mut held, mut sum, runs) = (0, 0.0, 300);
        for seed in 0..runs {
            let items: Vec<ComparedItem> = (0..2000)
                .map(|position| {
                    let mut stream = Stream::new(seed, position);
                    let differs = stream.unit() < 0.1;
                    let mut finding = |rate| match stream.unit() < rate {
                        true => Finding::Strict,
                        false => Finding::Safe,
                    };
                    let (first, second) = (finding(0.08), finding(0.02));
                    ComparedItem {
                        lot: stream.unit(),
                        first: differs.then_some(first),
                        second: differs.then_some(second),
                    }
                })
                .collect();
            let report = measure(&items, 0.5, 0.9).expect("measured");
            held += u32::from(report.broad.lower <= truth && truth <= report.broad.upper);
            sum += report.broad.value.expect("a value");
        }
        assert!((sum / runs as f64 - truth).abs() < 4e-4, "{}", sum / 300.0);
        assert!(held >= 270, "{held}");
    }
}
