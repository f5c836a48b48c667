//! Whether what fools one classifier fools a second one too.

use super::show::Attacked;
use anyhow::Result;
use nines_attack::recipe::GoalKind;
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_store::{AttackAttempt, AttackOutcome};
use serde::Serialize;

/// The confidence of the interval.
const CONFIDENCE: f64 = 0.95;

/// How many of the attempts that got past the attacked classifier get past the second one as well. Labels are not asked:
/// it counts what the machines accept.
#[derive(Serialize)]
pub struct Transfer {
    /// The second classifier.
    pub against: String,
    /// Its threshold, as log odds.
    threshold: f64,
    /// Attempts that got past the attacked one, and that the second one could score.
    pub fooled: u64,
    /// Those that the second one accepts too.
    also: u64,
    /// Their share; the interval speaks of starts like these.
    pub share: Estimate,
}

impl Transfer {
    /// Counts it, where an attack was after what one classifier accepts and a second one looked on.
    pub fn of(attacked: &Attacked) -> Result<Option<Self>> {
        let config = &attacked.run.config;
        let against = config["against"]["classifier"].as_str();
        let threshold = config["against"]["threshold"].as_f64();
        let (Some(against), Some(threshold)) = (against, threshold) else {
            return Ok(None);
        };
        if attacked.goal != GoalKind::Evade {
            return Ok(None);
        }
        let bar = Threshold::new(threshold)?;
        let scores: Vec<f64> = attacked.attempts.iter().filter_map(second_score).collect();
        let also = scores.iter().filter(|score| **score < bar.logit()).count() as u64;
        let fooled = scores.len() as u64;
        if fooled == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            against: against.to_owned(),
            threshold,
            fooled,
            also,
            share: estimate(clopper_pearson(also, fooled, CONFIDENCE)?),
        }))
    }

    /// Says it in a line.
    pub fn words(&self) -> String {
        let [value, lower, upper] = self.share.decimal(100.0, 1);
        format!(
            "  {} of the {} that got past it get past {} too, by their scores alone: {value} % (between {lower} and {upper} %); its own weak \
             places are not looked for\n",
            self.also, self.fooled, self.against
        )
    }
}

/// What the second classifier says of the find that counts for an attempt.
fn second_score(attempt: &AttackAttempt) -> Option<f64> {
    let reached = attempt.outcome == AttackOutcome::Reached;
    let found = &attempt.detail["finds"][0]["scores"];
    found[1].as_f64().filter(|_| reached)
}
