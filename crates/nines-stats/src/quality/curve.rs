//! Quality against threshold, from one stream of completions a prompt and ratings that serve many
//! thresholds.

use super::{Pair, PairOutcome, Preference, Quality, skip_pairs};
use crate::error::{StatsError, finite};
use crate::estimate::IntervalEstimate;
use crate::interval::{clustered_proportion, count_families};
use std::collections::BTreeMap;

/// The scores of independent completions of one prompt, in the order in which they were drawn.
///
/// The first is the unfiltered completion; the filtered one at a threshold is the first whose score
/// lies below it, or the fallback when there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompletionStream<'a> {
    /// The prompt's number.
    pub prompt: u64,
    /// One score for each completion: all that the system would try before it falls back. It may end
    /// early only after a score below every threshold asked for, or a fallback is taken that the
    /// system would not have needed.
    pub scores: &'a [f64],
}

/// The filtered completion of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filtered {
    /// A completion of the stream, counted from 0.
    Completion(usize),
    /// What the system says when it accepted none.
    Fallback,
}

/// A pair to compare: the first completion of a stream with a filtered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamPair {
    /// Which stream, from 0.
    pub stream: usize,
    /// The filtered completion.
    pub filtered: Filtered,
}

/// A pair that needs a rating, and for how much it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeededPair {
    /// The pair.
    pub pair: StreamPair,
    /// At how many of the thresholds it is the stream's pair.
    pub thresholds: usize,
}

/// A rated pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelledPair {
    /// The pair.
    pub pair: StreamPair,
    /// What the rater preferred.
    pub preference: Preference,
}

/// The quality at one threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityPoint {
    /// Completions are accepted below this score.
    pub threshold: f64,
    /// The quality.
    pub quality: Quality,
    /// How often the first completion is rejected.
    pub rejected: IntervalEstimate,
    /// How often the whole stream is rejected, so that the system falls back.
    pub fallback: IntervalEstimate,
    /// How many ratings it rests on.
    pub ratings: usize,
}

/// A stream's completions with a lower score than all before: only they are ever the first below a
/// threshold.
struct Records {
    prompt: u64,
    /// Index and score, scores falling.
    lows: Vec<(usize, f64)>,
}

impl Records {
    fn of(index: usize, stream: &CompletionStream<'_>) -> Result<Self, StatsError> {
        if stream.scores.is_empty() {
            return Err(StatsError::Missing {
                what: "completions of a stream",
                index,
            });
        }
        let mut lows: Vec<(usize, f64)> = Vec::new();
        for (place, &score) in stream.scores.iter().enumerate() {
            if !score.is_finite() {
                return Err(StatsError::ItemOutOfRange {
                    what: "scores of a stream",
                    index,
                    value: score,
                    allowed: "finite",
                });
            }
            if lows.last().is_none_or(|&(_, low)| score < low) {
                lows.push((place, score));
            }
        }
        Ok(Self {
            prompt: stream.prompt,
            lows,
        })
    }

    /// Returns the filtered completion; `None` when it is the unfiltered one itself.
    fn filtered(&self, threshold: f64) -> Option<Filtered> {
        let first = self.lows.partition_point(|&(_, score)| score >= threshold);
        match self.lows.get(first) {
            Some(&(0, _)) => None,
            Some(&(place, _)) => Some(Filtered::Completion(place)),
            None => Some(Filtered::Fallback),
        }
    }
}

fn records(
    streams: &[CompletionStream<'_>],
    thresholds: &[f64],
) -> Result<Vec<Records>, StatsError> {
    finite("thresholds", thresholds)?;
    if streams.is_empty() {
        return Err(StatsError::Empty {
            what: "streams of completions",
        });
    }
    streams
        .iter()
        .enumerate()
        .map(|(index, stream)| Records::of(index, stream))
        .collect()
}

/// Returns the pairs that need a rating for the quality at all of the thresholds, each once, in the
/// order of the streams: thresholds at which a stream's filtered completion is the same share a
/// rating, and none is needed where the first completion is accepted.
///
/// # Errors
/// [`StatsError::Empty`] without streams or thresholds, [`StatsError::Missing`] for a stream without
/// completions, [`StatsError::NotFinite`] and [`StatsError::ItemOutOfRange`] for a threshold or score
/// that is not finite.
///
/// # Example
/// ```
/// use nines_stats::quality::{CompletionStream, Filtered, pairs_to_label};
/// let streams = [
///     CompletionStream { prompt: 1, scores: &[3.0, 4.0, 1.0, 0.0] },
///     CompletionStream { prompt: 2, scores: &[-5.0, 9.0] },
/// ];
/// let needed = pairs_to_label(&streams, &[0.5, 2.0, 2.5])?;
/// let filtered: Vec<_> = needed.iter().map(|n| (n.pair.stream, n.pair.filtered, n.thresholds)).collect();
/// assert_eq!(filtered, [(0, Filtered::Completion(2), 2), (0, Filtered::Completion(3), 1)]);
/// assert!(pairs_to_label(&streams, &[f64::NAN]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
pub fn pairs_to_label(
    streams: &[CompletionStream<'_>],
    thresholds: &[f64],
) -> Result<Vec<NeededPair>, StatsError> {
    let records = records(streams, thresholds)?;
    let mut counts: BTreeMap<StreamPair, usize> = BTreeMap::new();
    for (stream, record) in records.iter().enumerate() {
        for &threshold in thresholds {
            if let Some(filtered) = record.filtered(threshold) {
                *counts.entry(StreamPair { stream, filtered }).or_default() += 1;
            }
        }
    }
    Ok(counts
        .into_iter()
        .map(|(pair, thresholds)| NeededPair { pair, thresholds })
        .collect())
}

fn by_pair(
    labels: &[LabelledPair],
    streams: usize,
) -> Result<BTreeMap<StreamPair, Preference>, StatsError> {
    let mut ratings = BTreeMap::new();
    for (index, label) in labels.iter().enumerate() {
        let refuse = |allowed| StatsError::ItemOutOfRange {
            what: "the stream of a rated pair",
            index,
            value: label.pair.stream as f64,
            allowed,
        };
        if label.pair.stream >= streams {
            return Err(refuse("below the number of streams"));
        }
        if ratings.insert(label.pair, label.preference).is_some() {
            return Err(refuse("rated once with each filtered completion"));
        }
    }
    Ok(ratings)
}

/// Returns the quality at each threshold, in the order given, from ratings of the pairs that
/// [`pairs_to_label`] names; ratings of other pairs are not used.
///
/// Each point is [`skip_pairs`] at its threshold. Points share streams and ratings, so they err
/// together, and each interval holds its own quality with the confidence stated. To read off a
/// threshold, ask for confidence 1 − α/T at T thresholds, which makes the whole band hold with
/// confidence 1 − α, or use [`crate::learn_then_test`]. The thresholds must not have been chosen by
/// the ratings.
///
/// # Errors
/// As [`pairs_to_label`]; [`StatsError::Missing`] with the number of the stream for a pair without a
/// rating, [`StatsError::ItemOutOfRange`] for a rating of an unknown stream or a second rating of a
/// pair, [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::quality::{
///     CompletionStream, Filtered, LabelledPair, Preference, StreamPair, quality_curve,
/// };
/// let streams = [
///     CompletionStream { prompt: 1, scores: &[3.0, 4.0, 1.0] },
///     CompletionStream { prompt: 2, scores: &[-5.0] },
/// ];
/// let label = LabelledPair {
///     pair: StreamPair { stream: 0, filtered: Filtered::Completion(2) },
///     preference: Preference::Unfiltered,
/// };
/// let curve = quality_curve(&streams, &[2.0, 3.5], &[label], 0.95)?;
/// assert_eq!(curve[0].quality.guaranteed.value, Some(0.25));
/// assert_eq!(curve[1].quality.guaranteed.value, Some(0.5));
/// let error = quality_curve(&streams, &[0.0], &[label], 0.95).unwrap_err();
/// assert!(error.to_string().contains("item 0 has none"), "the fallback was not rated");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// As [`skip_pairs`], with U the first completion and V the first below the threshold: given the
/// prompt, V is independent of U when U is rejected, and is U itself when it is accepted.
pub fn quality_curve(
    streams: &[CompletionStream<'_>],
    thresholds: &[f64],
    labels: &[LabelledPair],
    confidence: f64,
) -> Result<Vec<QualityPoint>, StatsError> {
    let records = records(streams, thresholds)?;
    let ratings = by_pair(labels, streams.len())?;
    let prompts: Vec<u64> = records.iter().map(|r| r.prompt).collect();
    thresholds
        .iter()
        .map(|&threshold| {
            let pairs = rated_pairs(&records, threshold, &ratings)?;
            let rejected: Vec<bool> = pairs
                .iter()
                .map(|p| p.outcome != PairOutcome::Accepted)
                .collect();
            let fallback: Vec<bool> = records
                .iter()
                .map(|r| r.filtered(threshold) == Some(Filtered::Fallback))
                .collect();
            let share = |marks: &[bool]| {
                clustered_proportion(&count_families(marks, &prompts)?, confidence)
            };
            Ok(QualityPoint {
                threshold,
                quality: skip_pairs(&pairs, confidence)?,
                rejected: share(&rejected)?,
                fallback: share(&fallback)?,
                ratings: rejected.iter().filter(|&&r| r).count(),
            })
        })
        .collect()
}

/// Returns the pairs of all streams at one threshold, for [`crate::quality::bootstrap_interval`],
/// [`crate::quality::non_inferiority_p_value`] and the like.
///
/// # Errors
/// As [`quality_curve`].
///
/// # Example
/// ```
/// use nines_stats::quality::{CompletionStream, PairOutcome, pairs_at};
/// let streams = [CompletionStream { prompt: 7, scores: &[-5.0] }];
/// assert_eq!(pairs_at(&streams, 0.0, &[])?[0].outcome, PairOutcome::Accepted);
/// assert!(pairs_at(&streams, -6.0, &[]).is_err(), "the fallback was not rated");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
pub fn pairs_at(
    streams: &[CompletionStream<'_>],
    threshold: f64,
    labels: &[LabelledPair],
) -> Result<Vec<Pair>, StatsError> {
    let records = records(streams, &[threshold])?;
    rated_pairs(&records, threshold, &by_pair(labels, streams.len())?)
}

fn rated_pairs(
    records: &[Records],
    threshold: f64,
    ratings: &BTreeMap<StreamPair, Preference>,
) -> Result<Vec<Pair>, StatsError> {
    records
        .iter()
        .enumerate()
        .map(|(stream, record)| {
            let outcome = match record.filtered(threshold) {
                None => PairOutcome::Accepted,
                Some(filtered) => {
                    let pair = StreamPair { stream, filtered };
                    let rated = ratings.get(&pair).ok_or(StatsError::Missing {
                        what: "ratings of the streams' pairs",
                        index: stream,
                    })?;
                    PairOutcome::Rated(*rated)
                }
            };
            Ok(Pair {
                prompt: record.prompt,
                outcome,
            })
        })
        .collect()
}
