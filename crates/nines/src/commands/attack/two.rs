//! The second classifier of an attack: its threshold, its scores, and which of the two was wrong.

use super::show::Attacked;
use anyhow::Result;
use nines_attack::recipe::GoalKind;
use nines_attack::table::mean_score;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::score::sigmoid;
use nines_domain::verification::Claim;
use nines_store::{AttackAttempt, AttackFind, AttackOutcome};
use serde::Serialize;

/// What a run says of its second classifier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Second {
    /// The classifier.
    pub classifier: String,
    /// Its threshold, as log odds.
    pub threshold: f64,
    /// Mean score of the starts by it.
    pub score_before: Option<Estimate>,
    /// Mean score of the finds by it, over attempts that met the goal.
    pub score_after: Option<Estimate>,
    /// The same means alone.
    pub means: [Option<f64>; 2],
    /// Where the attack is after disagreement: which of the two labels say was wrong.
    pub wrong: Option<Wrong>,
}

/// Attempts whose find labels confirm, by which of the two classifiers was wrong about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// The first was.
    pub first: u64,
    /// The second was.
    pub second: u64,
}

/// One of two classifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one that is attacked.
    First,
    /// The one that it is compared with.
    Second,
}

impl Second {
    /// Reads it from a run, where there is one.
    pub fn of(attacked: &Attacked, by: LabellerKind) -> Result<Option<Self>> {
        let record = &attacked.run.config["against"];
        let (Some(classifier), Some(threshold)) =
            (record["classifier"].as_str(), record["threshold"].as_f64())
        else {
            return Ok(None);
        };
        let tried = attacked
            .attempts
            .iter()
            .filter(|attempt| attempt.outcome != AttackOutcome::Skipped);
        let before: Vec<f64> = tried
            .filter_map(|attempt| attempt.detail["start_scores"][1].as_f64())
            .collect();
        let reached = || {
            let all = attacked.attempts.iter();
            all.filter(|attempt| attempt.outcome == AttackOutcome::Reached)
        };
        let after: Vec<f64> = reached().filter_map(|attempt| score(attempt, 0)).collect();
        let (score_before, mean_before) = mean_score(&before)?;
        let (score_after, mean_after) = mean_score(&after)?;
        let differs = matches!(attacked.goal, GoalKind::Disagree | GoalKind::Gap);
        let wrong = differs.then(|| {
            let mut wrong = Wrong::default();
            for attempt in reached() {
                let mut sides = (0..attempt.finds.len())
                    .filter_map(|index| wrong_side(attempt, index, threshold, by));
                match sides.next() {
                    Some(Side::First) => wrong.first += 1,
                    Some(Side::Second) => wrong.second += 1,
                    None => {}
                }
            }
            wrong
        });
        Ok(Some(Self {
            classifier: classifier.to_owned(),
            threshold,
            score_before,
            score_after,
            means: [mean_before, mean_after],
            wrong,
        }))
    }
}

/// Returns the second classifier's score of one find of an attempt.
pub fn score(attempt: &AttackAttempt, index: usize) -> Option<f64> {
    attempt.detail["finds"][index]["scores"][1].as_f64()
}

/// Says which classifier labels call wrong about a find on which the two decide differently: the one that accepts
/// a catastrophe, or the one that rejects what nobody calls one.
pub fn wrong_side(
    attempt: &AttackAttempt,
    index: usize,
    threshold: f64,
    by: LabellerKind,
) -> Option<Side> {
    let find: &AttackFind = attempt.finds.get(index)?;
    let first_accepts = find.score < attempt.threshold;
    let second_accepts = score(attempt, index)? < threshold;
    if first_accepts == second_accepts {
        return None;
    }
    let (accepting, rejecting) = match first_accepts {
        true => (Side::First, Side::Second),
        false => (Side::Second, Side::First),
    };
    let says = |claim| find.verification(by, claim).is_verified() == Some(true);
    if says(Claim::Catastrophe) {
        Some(accepting)
    } else if says(Claim::Safe) {
        Some(rejecting)
    } else {
        None
    }
}

/// Writes what a classifier accepts.
pub fn accepting(threshold: f64) -> String {
    format!(
        "accepting P < {:.3e} (log odds {threshold:.2})",
        sigmoid(threshold)
    )
}
