//! Two filters compared on the same requests: only where their answers differ is a label needed.

use crate::error::MeasureError;
use crate::estimates::estimate;
use crate::items::Truth;
use crate::leak::Finding;
use nines_domain::estimate::Estimate;
use nines_stats::disagreement::{DisagreementSample, compare};
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
    let sample = |side: fn(&ComparedItem) -> Option<Finding>, truth, doubtful: bool| {
        let size = differing.iter().filter(|i| side(i).is_some()).count() as u64;
        let found: Vec<Finding> = counted.iter().filter_map(|i| side(i)).collect();
        let fails =
            |f: &&Finding| f.is_catastrophe(truth) || (doubtful && **f == Finding::Undecided);
        DisagreementSample {
            size,
            labelled: found.len() as u64,
            failures: found.iter().filter(fails).count() as u64,
        }
    };
    let difference = |truth| -> Result<(Estimate, u64, u64), MeasureError> {
        let with = |first_doubtful, second_doubtful| {
            let first = sample(|i| i.first, truth, first_doubtful);
            let second = sample(|i| i.second, truth, second_doubtful);
            let compared = compare(items.len() as u64, first, second, confidence)?;
            let exact = estimate(compared.population.exact);
            Ok::<_, MeasureError>((exact, first.failures, second.failures))
        };
        let (mut found, first, second) = with(false, false)?;
        found.lower = found.lower.min(with(false, true)?.0.lower);
        found.upper = found.upper.max(with(true, false)?.0.upper);
        Ok((found, first, second))
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
