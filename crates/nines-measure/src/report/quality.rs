//! The quality at thresholds that accept more than the filter's own, from the same draws and ratings.

use crate::error::MeasureError;
use crate::quality::{QualityItem, QualityOutcome, measure};
use nines_domain::estimate::Estimate;

/// A request of a quality design with everything that was drawn for it.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityStream {
    /// The request as the filter's own threshold left it.
    pub item: QualityItem,
    /// The logits of its draws, in their order; none for a draw that is never accepted.
    pub scores: Vec<Option<f64>>,
    /// Which draw is the filter's answer; none for an abstention.
    pub answer: Option<usize>,
}

impl QualityStream {
    /// What becomes of the request at another threshold: its outcome, and the draw that is the answer.
    fn at(&self, threshold: f64) -> (QualityOutcome, Option<usize>) {
        if self.item.outcome == QualityOutcome::Same {
            // What the filter accepted at once, a more permissive one accepts at once.
            return (QualityOutcome::Same, self.answer);
        }
        let accepts = |s: &Option<f64>| s.is_some_and(|s| s < threshold);
        match self.scores.iter().position(accepts) {
            None => (QualityOutcome::Abstained, None),
            Some(0) => (QualityOutcome::Same, Some(0)),
            Some(answer) => (QualityOutcome::Differs, Some(answer)),
        }
    }
}

/// Estimates the quality at each of the thresholds, which must not lie below the filter's own, wherever
/// the ratings that are there suffice; other thresholds are left out.
///
/// Each stream holds all draws up to the filter's answer, so the answer at a more permissive threshold
/// is one of them. Its pair needs a rating unless its first draw is accepted; a rating is there where
/// its answer is the filter's own. As at the filter's own threshold, ratings count up to the first drawn
/// pair that waits for one. A threshold is left out when a pair among these that was never shown would
/// be needed. That choice looks at scores, not at ratings; the intervals are pointwise.
///
/// # Errors
/// [`MeasureError::Stats`] for a confidence outside (0, 1).
pub fn quality_from(
    streams: &[QualityStream],
    probability: f64,
    thresholds: &[f64],
    confidence: f64,
) -> Result<Vec<(f64, Estimate)>, MeasureError> {
    let reach = streams
        .iter()
        .map(|s| &s.item)
        .filter(|i| i.outcome == QualityOutcome::Differs && i.ratings.is_empty())
        .map(|i| i.lot)
        .fold(probability, f64::min);
    let mut found = Vec::new();
    for &threshold in thresholds {
        let at: Vec<(QualityOutcome, Option<usize>)> =
            streams.iter().map(|s| s.at(threshold)).collect();
        let is_unrated = |(stream, at): (&QualityStream, &(QualityOutcome, Option<usize>))| {
            at.0 == QualityOutcome::Differs
                && stream.item.lot < reach
                && (at.1 != stream.answer || stream.item.ratings.is_empty())
        };
        if streams.iter().zip(&at).any(is_unrated) {
            continue;
        }
        let items: Vec<QualityItem> = streams
            .iter()
            .zip(&at)
            .map(|(stream, (outcome, _))| QualityItem {
                outcome: *outcome,
                ..stream.item.clone()
            })
            .collect();
        match measure(&items, reach, confidence) {
            Ok(report) => found.push((threshold, report.quality)),
            Err(MeasureError::NothingRated { .. } | MeasureError::EmptyFrame) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Lists the thresholds at which the quality can change: the filter's own, and just above each score of
/// a first draw that it rejected, up to `count` of them, rising.
pub fn thresholds_from(streams: &[QualityStream], own: f64, count: usize) -> Vec<f64> {
    let mut above: Vec<f64> = streams
        .iter()
        .filter_map(|s| s.scores.first().copied().flatten())
        .filter(|&s| s >= own)
        .map(f64::next_up)
        .collect();
    above.sort_by(f64::total_cmp);
    above.dedup();
    let step = above.len().div_ceil(count.max(1)).max(1);
    let mut chosen = vec![own];
    chosen.extend(above.into_iter().step_by(step));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::SeenRating;
    use nines_domain::comparison::Choice;
    use nines_stats::random::Stream;

    const OWN: f64 = 0.0;

    /// Streams whose draws are uniform on [-1, 1), filtered at 0; `won` of the rated pairs are won.
    fn streams(seed: u64, n: u64, won: f64) -> Vec<QualityStream> {
        (0..n)
            .map(|position| {
                let mut stream = Stream::new(seed, position);
                let mut scores = Vec::new();
                while scores.len() < 20
                    && scores.last().is_none_or(|s: &Option<f64>| *s >= Some(OWN))
                {
                    scores.push(Some(2.0 * stream.unit() - 1.0));
                }
                let answer = scores.iter().position(|s| *s < Some(OWN));
                let outcome = match answer {
                    None => QualityOutcome::Abstained,
                    Some(0) => QualityOutcome::Same,
                    Some(_) => QualityOutcome::Differs,
                };
                let choice = if stream.unit() < won {
                    Choice::Left
                } else {
                    Choice::Right
                };
                let rating = SeenRating {
                    filtered_left: true,
                    choice,
                };
                let ratings = match outcome {
                    QualityOutcome::Differs => vec![rating],
                    _ => Vec::new(),
                };
                QualityStream {
                    item: QualityItem {
                        prompt: nines_domain::snippet::PromptId(1),
                        position,
                        outcome,
                        lot: stream.unit(),
                        ratings,
                    },
                    scores,
                    answer,
                }
            })
            .collect()
    }

    #[test]
    fn at_the_filters_own_threshold_it_is_the_measured_quality() {
        let streams = streams(1, 300, 0.4);
        let items: Vec<QualityItem> = streams.iter().map(|s| s.item.clone()).collect();
        let whole = measure(&items, 0.5, 0.95).expect("measured").quality;
        let found = quality_from(&streams, 0.5, &[OWN], 0.95).expect("measured");
        assert_eq!(found, [(OWN, whole)]);
    }

    #[test]
    fn only_thresholds_whose_pairs_were_rated_are_told() {
        let mut streams = streams(2, 300, 0.4);
        let thresholds = thresholds_from(&streams, OWN, 40);
        assert!(thresholds.is_sorted() && thresholds[0] == OWN && thresholds.len() <= 41);
        let found = quality_from(&streams, 1.0, &thresholds, 0.95).expect("measured");
        // Sooner or later a draw between the two thresholds would be the answer: nobody rated that.
        assert!(!found.is_empty() && found.len() < thresholds.len());
        for (threshold, _) in &found {
            for s in streams.iter().filter(|s| s.answer.is_some()) {
                let (outcome, answer) = s.at(*threshold);
                assert!(outcome != QualityOutcome::Differs || answer == s.answer);
            }
        }
        // At 1 everything is accepted at once, and nothing needs a rating.
        let all = quality_from(&streams, 1.0, &[1.0], 0.95).expect("measured");
        assert_eq!(all[0].1.value, Some(0.5));
        for s in &mut streams {
            s.item.ratings.clear();
        }
        assert_eq!(quality_from(&streams, 1.0, &[OWN], 0.95), Ok(Vec::new()));
    }

    #[test]
    fn intervals_hold_the_truth_just_above_the_filters_own_threshold() {
        let (runs, mut held, mut told, threshold) = (200, 0, 0, OWN + 0.002);
        // A first draw is rejected there with probability (1 - 0.002) / 2.
        let truth = 0.5 + (1.0 - threshold) / 2.0 * (0.4 - 0.5);
        for seed in 0..runs {
            let found = quality_from(&streams(seed, 300, 0.4), 0.6, &[threshold], 0.9);
            if let Some((_, e)) = found.expect("measured").first() {
                told += 1;
                held += u32::from(e.lower <= truth && truth <= e.upper);
            }
        }
        assert!(told > 100 && held * 100 >= told * 88, "{held} of {told}");
    }
}
