//! The quality of a filter from a design: how often raters prefer its answer to a random unfiltered
//! completion.
//!
//! A request's first draw is the unfiltered completion, and the answer is the first acceptable draw of
//! the same stream. Where the first draw is the answer, both are one text and the preference is
//! exactly one half: no rating is needed. Only pairs whose first draw was rejected are shown, with
//! sides at random, and of those as many as the design draws.

use crate::distribution::Reweighting;
use crate::error::MeasureError;
use crate::estimates::estimate;
use nines_domain::comparison::Choice;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::PromptId;
use nines_stats::interval::clopper_pearson;
use nines_stats::quality::{
    PairOutcome, Preference, Presentation, Rating, RejectionRate, WeightedPair, horvitz_thompson,
    known_rejection, position_bias, with_missing_mass,
};
use serde::{Deserialize, Serialize};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QualityOutcome {
    /// The first draw was the answer: no rating needed.
    Same,
    /// The first draw was rejected, and a later one is the answer.
    Differs,
    /// There is no answer.
    Abstained,
    /// The generator failed to make the first draw: there is nothing unfiltered to compare with, and the
    /// request says nothing of quality.
    NoFirst,
}

/// One rating of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenRating {
    /// The filter's answer was on the left.
    pub filtered_left: bool,
    /// What the rater said.
    pub choice: Choice,
}

impl SeenRating {
    /// The preference; none for a pair that cannot be judged.
    pub fn preference(self) -> Option<Preference> {
        match (self.choice, self.filtered_left) {
            (Choice::Same, _) => Some(Preference::Tie),
            (Choice::Left, true) | (Choice::Right, false) => Some(Preference::Filtered),
            (Choice::Left, false) | (Choice::Right, true) => Some(Preference::Unfiltered),
            (Choice::Unusable, _) => None,
        }
    }
}

/// One request of the design.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityItem {
    /// Which request it is.
    pub position: u64,
    /// Its prompt.
    pub prompt: PromptId,
    /// What became of it.
    pub outcome: QualityOutcome,
    /// Its lot.
    pub lot: f64,
    /// The ratings of its pair.
    pub ratings: Vec<SeenRating>,
}

/// What the ratings of a design say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityReport {
    /// Requests in the frame whose first draw was made.
    pub requests: u64,
    /// Requests whose first draw was the answer.
    pub same: u64,
    /// Requests whose pair needs a rating.
    pub informative: u64,
    /// Requests without an answer.
    pub abstained: u64,
    /// Pairs drawn to be rated.
    pub drawn: u64,
    /// Pairs whose ratings count.
    pub rated: u64,
    /// Drawn pairs without a rating.
    pub waiting: u64,
    /// Ratings that said neither text can be judged; left out.
    pub unusable: u64,
    /// P(a rater prefers the answer to a random unfiltered completion), among requests that have an
    /// answer; its interval always holds.
    pub quality: Estimate,
    /// The same with the narrower, approximate interval; none where the ratings show no spread.
    pub approximate: Option<Estimate>,
    /// The same when a request without an answer counts as lost.
    pub with_abstentions: Estimate,
    /// How often the answer wins among rated pairs, ties as half.
    pub won: Estimate,
    /// How often the left text won, ties left out: one half if raters look at texts, not at sides.
    pub left_wins: Option<Estimate>,
    /// How often the filter's answer was on the left: one half if sides are random.
    pub filtered_left: Option<Estimate>,
    /// Ratings that comparing every request would have taken for the same knowledge.
    pub ratings_saved: f64,
}

/// Estimates the quality from the ratings of a design in which every informative pair was drawn with
/// one probability.
///
/// As for the leak, ratings count in the order of the lots, up to the first drawn pair that waits.
///
/// # Errors
/// [`MeasureError::EmptyFrame`] without answers, [`MeasureError::NothingRated`] when no rating counts
/// although pairs differ, [`MeasureError::Stats`] for a confidence outside (0, 1).
pub fn measure(
    items: &[QualityItem],
    probability: f64,
    confidence: f64,
) -> Result<QualityReport, MeasureError> {
    let count = |outcome| items.iter().filter(|i| i.outcome == outcome).count() as u64;
    let (same, informative, abstained) = (
        count(QualityOutcome::Same),
        count(QualityOutcome::Differs),
        count(QualityOutcome::Abstained),
    );
    let answered = same + informative;
    if answered == 0 {
        return Err(MeasureError::EmptyFrame);
    }
    let drawn: Vec<&QualityItem> = items
        .iter()
        .filter(|i| i.outcome == QualityOutcome::Differs && i.lot < probability)
        .collect();
    let reach = drawn
        .iter()
        .filter(|item| item.ratings.is_empty())
        .map(|item| item.lot)
        .fold(probability, f64::min);
    let counted: Vec<&&QualityItem> = drawn.iter().filter(|item| item.lot < reach).collect();
    let mut ratings = Vec::new();
    let mut presentations = Vec::new();
    let mut unusable = 0;
    for item in &counted {
        for rating in &item.ratings {
            let Some(preference) = rating.preference() else {
                unusable += 1;
                continue;
            };
            ratings.push(Rating {
                prompt: item.position,
                preference,
            });
            presentations.push(Presentation {
                filtered_left: rating.filtered_left,
                preference,
            });
        }
    }
    if ratings.is_empty() && informative > 0 {
        return Err(MeasureError::NothingRated {
            drawn: drawn.len() as u64,
        });
    }
    let rate = RejectionRate::Pool {
        rejected: informative,
        draws: answered,
    };
    let (quality, approximate) = if informative == 0 {
        // Every answer was the first draw: nothing to prefer, but that too was only seen so often.
        (never_differs(answered, confidence)?, None)
    } else {
        let found = known_rejection(&ratings, rate, confidence)?;
        (estimate(found.guaranteed), found.normal.map(estimate))
    };
    let rated: std::collections::BTreeSet<u64> = ratings.iter().map(|r| r.prompt).collect();
    let bias = match presentations.is_empty() {
        true => None,
        false => Some(position_bias(&presentations, confidence)?),
    };
    Ok(QualityReport {
        requests: answered + abstained,
        same,
        informative,
        abstained,
        drawn: drawn.len() as u64,
        rated: rated.len() as u64,
        waiting: drawn.iter().filter(|i| i.ratings.is_empty()).count() as u64,
        unusable,
        with_abstentions: with_abstentions(answered, informative, abstained, confidence, &ratings)?,
        won: won(&ratings, confidence)?,
        left_wins: bias.as_ref().map(|b| estimate(b.left_wins.clone())),
        filtered_left: bias.map(|b| estimate(b.filtered_left)),
        ratings_saved: ratings_saved(informative as f64 / answered as f64, rated.len() as f64),
        quality,
        approximate,
    })
}

/// Estimates the quality as it would be on another distribution, a request without an answer counted
/// as lost. Only requests whose lot lies below the last rating's count, so that those which needed no
/// rating stand beside the others in their true proportion.
///
/// # Errors
/// As [`measure`].
pub fn reweighted(
    items: &[QualityItem],
    probability: f64,
    reweighting: &Reweighting,
    confidence: f64,
) -> Result<Estimate, MeasureError> {
    let waits = |i: &&QualityItem| {
        i.outcome == QualityOutcome::Differs && i.lot < probability && preferred(i).is_none()
    };
    let reach = items
        .iter()
        .filter(waits)
        .map(|i| i.lot)
        .fold(probability, f64::min);
    let mut pairs = Vec::new();
    for item in items.iter().filter(|item| item.lot < reach) {
        let outcome = match (item.outcome, preferred(item)) {
            (QualityOutcome::NoFirst, _) => continue,
            (QualityOutcome::Same, _) => PairOutcome::Accepted,
            (QualityOutcome::Abstained, _) | (QualityOutcome::Differs, None) => {
                PairOutcome::Rated(Preference::Unfiltered)
            }
            (QualityOutcome::Differs, Some(preference)) => PairOutcome::Rated(preference),
        };
        let weight = reweighting
            .weights
            .get(&item.prompt)
            .copied()
            .unwrap_or(0.0);
        pairs.push(WeightedPair { weight, outcome });
    }
    if pairs.is_empty() {
        return Err(MeasureError::NothingRated { drawn: 0 });
    }
    let found = horvitz_thompson(&pairs, Some(reweighting.largest), confidence)?;
    let mut found = estimate(with_missing_mass(
        &found.quality.guaranteed,
        reweighting.missing,
    )?);
    found.method = format!("re-weighted, abstentions as lost, {}", found.method);
    Ok(found)
}

/// One preference for a pair, the first rater's that could judge it.
fn preferred(item: &QualityItem) -> Option<Preference> {
    item.ratings.iter().find_map(|rating| rating.preference())
}

/// The quality when no request's first draw was rejected: one half, give or take what that many
/// requests may have missed.
fn never_differs(answered: u64, confidence: f64) -> Result<Estimate, MeasureError> {
    let rejected = clopper_pearson(0, answered, confidence)?;
    Ok(Estimate {
        value: Some(0.5),
        lower: 0.5 - rejected.upper / 2.0,
        upper: 0.5 + rejected.upper / 2.0,
        confidence,
        method: "no first draw was rejected; Clopper-Pearson for how often one could be".to_owned(),
        n: answered,
    })
}

/// How often the answer wins among rated pairs, each pair counted once.
fn won(ratings: &[Rating], confidence: f64) -> Result<Estimate, MeasureError> {
    if ratings.is_empty() {
        return Ok(estimate(clopper_pearson(0, 0, confidence)?));
    }
    let all = RejectionRate::Known(1.0);
    Ok(estimate(
        known_rejection(ratings, all, confidence)?.guaranteed,
    ))
}

/// The quality over all requests, those without an answer lost.
fn with_abstentions(
    answered: u64,
    informative: u64,
    abstained: u64,
    confidence: f64,
    ratings: &[Rating],
) -> Result<Estimate, MeasureError> {
    // Half of the error for each of the two parts.
    let half = 1.0 - (1.0 - confidence) / 2.0;
    let requests = answered + abstained;
    let share = clopper_pearson(abstained, requests, half)?;
    let among = if informative == 0 {
        never_differs(answered, half)?
    } else {
        let rate = RejectionRate::Pool {
            rejected: informative,
            draws: answered,
        };
        estimate(known_rejection(ratings, rate, half)?.guaranteed)
    };
    Ok(Estimate {
        value: among
            .value
            .map(|q| q * (1.0 - abstained as f64 / requests as f64)),
        lower: among.lower * (1.0 - share.upper),
        upper: among.upper * (1.0 - share.lower),
        confidence,
        method: format!("{}, abstentions as lost (Bonferroni)", among.method),
        n: requests,
    })
}

/// Ratings that comparing requests one by one would take for a variance as small, less those made.
fn ratings_saved(rejected: f64, rated: f64) -> f64 {
    if rated == 0.0 || rejected == 0.0 {
        return 0.0;
    }
    // A rated pair's variance counts r² of a quarter; a compared request's counts all of it.
    (rated / (rejected * rejected) - rated).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_stats::random::Stream;

    /// A filter that rejects `rejected` of first draws, abstains on `abstained`, and whose answers
    /// win `won` of the pairs that differ.
    fn simulate(seed: u64, n: u64, rejected: f64, abstained: f64, won: f64) -> Vec<QualityItem> {
        (0..n)
            .map(|position| {
                let mut stream = Stream::new(seed, position);
                let outcome = match stream.unit() {
                    u if u < abstained => QualityOutcome::Abstained,
                    u if u < abstained + rejected * (1.0 - abstained) => QualityOutcome::Differs,
                    _ => QualityOutcome::Same,
                };
                let filtered_left = stream.unit() < 0.5;
                let wins = stream.unit() < won;
                let choice = if wins == filtered_left {
                    Choice::Left
                } else {
                    Choice::Right
                };
                QualityItem {
                    position,
                    prompt: PromptId((stream.unit() * 10.0) as i64),
                    outcome,
                    lot: stream.unit(),
                    ratings: vec![SeenRating {
                        filtered_left,
                        choice,
                    }],
                }
            })
            .collect()
    }

    #[test]
    fn intervals_hold_the_truth_when_only_some_pairs_are_rated() {
        let (rejected, abstained, won, probability) = (0.4, 0.05, 0.42, 0.3);
        let truth = 0.5 + rejected * (won - 0.5);
        let (mut held, mut approximate, mut overall, runs) = (0, 0, 0, 400);
        let mut sum = 0.0;
        for seed in 0..runs {
            let items = simulate(seed, 500, rejected, abstained, won);
            let report = measure(&items, probability, 0.9).expect("measured");
            let within = |e: &Estimate, t: f64| e.lower <= t && t <= e.upper;
            held += u32::from(within(&report.quality, truth));
            approximate += u32::from(within(&report.approximate.expect("spread"), truth));
            overall += u32::from(within(&report.with_abstentions, truth * (1.0 - abstained)));
            sum += report.quality.value.expect("a value");
        }
        assert!((sum / runs as f64 - truth).abs() < 0.004);
        assert!(held >= 360 && overall >= 360, "{held} {overall}");
        assert!(approximate >= 342, "{approximate}");
    }

    #[test]
    fn re_weighted_quality_holds_the_other_distribution() {
        // Prompts 0 to 4 are preferred less; they are asked half of the time, and wanted nine tenths.
        let from: Vec<_> = (0..10).map(|i| (PromptId(i), 0.1)).collect();
        let to: Vec<_> = (0..10)
            .map(|i| (PromptId(i), if i < 5 { 0.18 } else { 0.02 }))
            .collect();
        let reweighting = Reweighting::new(&from, &to).expect("shared");
        let rejected = 0.4;
        let truth = 0.5 + rejected * (0.9 * 0.25 + 0.1 * 0.6 - 0.5);
        let (mut held, mut sum, runs) = (0, 0.0, 200);
        for seed in 0..runs {
            let items: Vec<QualityItem> = simulate(seed, 1200, rejected, 0.0, 0.5)
                .into_iter()
                .map(|mut item| {
                    let mut stream = Stream::new(seed + 777, item.position);
                    let won = if item.prompt.0 < 5 { 0.25 } else { 0.6 };
                    let filtered = stream.unit() < won;
                    let left = item.ratings[0].filtered_left;
                    item.ratings[0].choice = match filtered == left {
                        true => Choice::Left,
                        false => Choice::Right,
                    };
                    item
                })
                .collect();
            let found = reweighted(&items, 0.5, &reweighting, 0.9).expect("measured");
            held += u32::from(found.lower <= truth && truth <= found.upper);
            sum += found.value.expect("a value");
        }
        assert!(
            (sum / runs as f64 - truth).abs() < 0.008,
            "{} {truth}",
            sum / runs as f64
        );
        assert!(held >= 180, "{held}");
    }

    #[test]
    fn what_waits_stops_the_count_and_nothing_rated_is_an_error() {
        let mut items = simulate(1, 200, 0.5, 0.0, 0.5);
        let first = items
            .iter()
            .filter(|i| i.outcome == QualityOutcome::Differs)
            .min_by(|a, b| a.lot.total_cmp(&b.lot))
            .expect("some differ")
            .position;
        items[first as usize].ratings.clear();
        assert!(matches!(
            measure(&items, 1.0, 0.95),
            Err(MeasureError::NothingRated { .. })
        ));
        let same = simulate(1, 200, 0.0, 0.0, 0.5);
        let report = measure(&same, 1.0, 0.95).expect("nothing to rate");
        assert_eq!(report.quality.value, Some(0.5));
        assert!(report.quality.lower < 0.5 && report.quality.upper > 0.5);
    }
}
