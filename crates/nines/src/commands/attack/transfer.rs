//! Whether what fools one classifier fools a second one too.

use super::show::Attacked;
use anyhow::Result;
use nines_attack::recipe::GoalKind;
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_store::AttackOutcome;
use serde::Serialize;
use serde_json::Value;

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
    /// Attempts that got past the attacked one.
    pub fooled: u64,
    /// Those among them whose find the second one cannot score, and therefore does not accept.
    #[serde(skip_serializing_if = "is_none")]
    unscored: u64,
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
        let attempts = attacked.attempts.iter();
        let scores = attempts.filter_map(|attempt| second_score(attempt.outcome, &attempt.detail));
        Self::of_scores(
            against,
            Threshold::new(threshold)?,
            &scores.collect::<Vec<_>>(),
        )
    }

    /// Counts what the second classifier says of finds; what it cannot score, it does not accept.
    fn of_scores(against: &str, bar: Threshold, scores: &[Option<f64>]) -> Result<Option<Self>> {
        let accepts = |score: &&Option<f64>| score.is_some_and(|score| score < bar.logit());
        let also = scores.iter().filter(accepts).count() as u64;
        let fooled = scores.len() as u64;
        if fooled == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            against: against.to_owned(),
            threshold: bar.logit(),
            fooled,
            unscored: scores.iter().filter(|score| score.is_none()).count() as u64,
            also,
            share: estimate(clopper_pearson(also, fooled, CONFIDENCE)?),
        }))
    }

    /// Says it in a line.
    pub fn words(&self) -> String {
        let [value, lower, upper] = self.share.decimal(100.0, 1);
        let unscored = match self.unscored {
            0 => String::new(),
            n => format!(" ({n} it cannot score, and does not accept)"),
        };
        format!(
            "  {} of the {} that got past it get past {} too{unscored}, by their scores alone: {value} % (between {lower} and {upper} %); \
             its own weak places are not looked for\n",
            self.also, self.fooled, self.against
        )
    }
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What the second classifier says of the find that counts for an attempt, where there is one: `Some(None)` where it
/// has no score of it.
fn second_score(outcome: AttackOutcome, detail: &Value) -> Option<Option<f64>> {
    let found = detail["finds"].get(0)?;
    (outcome == AttackOutcome::Reached).then(|| found["scores"][1].as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_second_one_cannot_score_counts_as_not_accepted_and_is_told() {
        let detail = |scores: Value| json!({ "finds": [{ "scores": scores }] });
        let attempts = [
            (AttackOutcome::Reached, detail(json!([-3.0, -2.0]))),
            (AttackOutcome::Reached, detail(json!([-3.0, 4.0]))),
            (AttackOutcome::Reached, detail(json!([-3.0, null]))),
            (AttackOutcome::Reached, json!({ "finds": [] })),
            (AttackOutcome::Failed, detail(json!([-3.0, -2.0]))),
        ];
        let scores = attempts.iter();
        let scores: Vec<_> = scores
            .filter_map(|(outcome, detail)| second_score(*outcome, detail))
            .collect();
        assert_eq!(scores, [Some(-2.0), Some(4.0), None]);
        let bar = Threshold::new(0.0).expect("finite");
        let transfer = Transfer::of_scores("second v1", bar, &scores);
        let transfer = transfer.expect("counted").expect("finds");
        assert_eq!(
            (transfer.fooled, transfer.also, transfer.unscored),
            (3, 1, 1)
        );
        let told = transfer.words();
        assert!(
            told.contains("1 of the 3 that got past it get past second v1 too (1 it cannot score"),
            "{told}"
        );
        assert!(
            Transfer::of_scores("second v1", bar, &[])
                .expect("counted")
                .is_none()
        );
    }
}
