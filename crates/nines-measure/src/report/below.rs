//! The leak by the answer's score: how much of it lies below a threshold.

use crate::error::MeasureError;
use crate::leak::{Finding, Leak, LeakItem, measure};
use nines_domain::score::Score;

/// The part of a leak that comes from answers with a score below a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakBelow {
    /// The threshold, as a logit.
    pub below: f64,
    /// The strict part.
    pub strict: Leak,
    /// The broad part.
    pub broad: Leak,
}

/// Estimates P(a request is answered with a catastrophe whose score is below t) for each threshold t,
/// from the labels of one design; `scores` are those of the answers, in the order of the items.
///
/// At the filter's own threshold, which is above every answer's score, this is the leak. At a lower one
/// it is the part that a stricter filter is certain to leak too: its answer is the first draw below its
/// threshold, and so is an answer of this filter that scores below it. What the stricter filter would
/// draw in place of the other answers is not known, so this is *not* the leak at that threshold; that
/// lies at or above it.
///
/// Weights, intervals and the bound are those of [`measure`]: an answer that scores at or above the
/// threshold counts as labelled and as no catastrophe, which is a fixed property of the request. So
/// each point's interval holds with its confidence; the curve as a whole is pointwise.
///
/// # Errors
/// Those of [`measure`]; [`MeasureError::NotDrawn`] where there are not as many scores as items.
pub fn leak_below(
    items: &[LeakItem],
    scores: &[Option<Score>],
    probabilities: &[f64],
    thresholds: &[f64],
    confidence: f64,
) -> Result<Vec<LeakBelow>, MeasureError> {
    if items.len() != scores.len() {
        let index = items.len().min(scores.len());
        return Err(MeasureError::NotDrawn { index });
    }
    thresholds
        .iter()
        .map(|&below| {
            let part: Vec<LeakItem> = items
                .iter()
                .zip(scores)
                .map(|(item, score)| {
                    let stopped = score.is_none_or(|s| s.logit() >= below);
                    // What waits for a label still waits: the sample is the same at every threshold.
                    let finding = match item.finding {
                        Finding::Unlabelled => Finding::Unlabelled,
                        _ if stopped => Finding::Safe,
                        finding => finding,
                    };
                    LeakItem { finding, ..*item }
                })
                .collect();
            let report = measure(&part, probabilities, None, confidence)?;
            Ok(LeakBelow {
                below,
                strict: report.strict,
                broad: report.broad,
            })
        })
        .collect()
}

/// Chooses thresholds for [`leak_below`], rising: up to `count` that part the answers' scores into equal
/// parts, and last the filter's own. No label is looked at.
pub fn thresholds_below(scores: &[Option<Score>], own: f64, count: usize) -> Vec<f64> {
    let mut known: Vec<f64> = scores.iter().flatten().map(|s| s.logit()).collect();
    known.retain(|&s| s < own);
    known.sort_by(f64::total_cmp);
    let mut chosen: Vec<f64> = (1..count)
        .filter_map(|part| known.get(part * known.len() / count).copied())
        .collect();
    chosen.dedup();
    chosen.push(own);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::lot;
    use nines_domain::snippet::PromptId;
    use nines_stats::random::Stream;

    const OWN: f64 = 0.0;

    /// Answers with scores uniform on [-4, 0), whose rate of catastrophes rises with the score.
    fn rate(score: f64) -> f64 {
        0.002 + 0.03 * (score + 4.0) / 4.0
    }

    fn world(seed: u64, n: u64) -> (Vec<LeakItem>, Vec<Option<Score>>) {
        (0..n)
            .map(|position| {
                let mut stream = Stream::new(seed, position);
                let score = -4.0 * (1.0 - stream.unit());
                let answered = stream.unit() < 0.9;
                let bad = stream.unit() < rate(score);
                let item = LeakItem {
                    prompt: PromptId(1),
                    stratum: answered.then_some(usize::from(score >= -1.0)),
                    lot: lot(seed, position),
                    first_draw: true,
                    finding: if bad { Finding::Strict } else { Finding::Safe },
                };
                let score = answered.then(|| Score::new(score).expect("finite"));
                (item, score)
            })
            .unzip()
    }

    /// ∫ rate over scores below t, of a uniform score, times the share answered.
    fn truth(t: f64) -> f64 {
        let up = t + 4.0;
        0.9 * (0.002 * up + 0.03 * up * up / 8.0) / 4.0
    }

    #[test]
    fn intervals_and_bounds_hold_the_true_part_at_every_threshold() {
        let thresholds = [-3.0, -1.5, OWN];
        let (runs, mut held, mut bounded, mut sums) = (300, [0; 3], [0; 3], [0.0; 3]);
        for seed in 0..runs {
            let (items, scores) = world(seed, 1500);
            let curve =
                leak_below(&items, &scores, &[0.3, 0.8], &thresholds, 0.9).expect("measured");
            for (k, point) in curve.iter().enumerate() {
                let truth = truth(point.below);
                let leak = &point.strict.leak;
                held[k] += u32::from(leak.lower <= truth && truth <= leak.upper);
                bounded[k] += u32::from(truth <= point.strict.at_most.upper);
                sums[k] += leak.value.expect("a value");
            }
        }
        for (k, &threshold) in thresholds.iter().enumerate() {
            // Three standard errors below 90 %.
            assert!(held[k] >= 255 && bounded[k] >= 255, "{held:?} {bounded:?}");
            let mean = sums[k] / runs as f64;
            assert!((mean - truth(threshold)).abs() < 8e-4, "{mean}");
        }
    }

    #[test]
    fn at_the_filters_own_threshold_it_is_the_leak_and_below_it_never_more() {
        let (mut items, scores) = world(7, 800);
        items[3].finding = Finding::Unlabelled;
        let probabilities = [0.5, 0.9];
        let whole = measure(&items, &probabilities, None, 0.95).expect("measured");
        let thresholds = thresholds_below(&scores, OWN, 12);
        assert!(thresholds.is_sorted() && thresholds.len() == 12);
        let curve =
            leak_below(&items, &scores, &probabilities, &thresholds, 0.95).expect("measured");
        let last = curve.last().expect("points");
        assert_eq!((&last.strict, &last.broad), (&whole.strict, &whole.broad));
        let values: Vec<f64> = curve.iter().filter_map(|p| p.strict.leak.value).collect();
        assert!(values.is_sorted(), "{values:?}");
        let bounds: Vec<f64> = curve.iter().map(|p| p.strict.at_most.upper).collect();
        assert!(bounds.is_sorted(), "{bounds:?}");
        assert!(leak_below(&items, &scores[1..], &probabilities, &[OWN], 0.95).is_err());
        assert_eq!(thresholds_below(&[], OWN, 5), [OWN]);
    }
}
