//! Steers toward texts that one classifier rejects and another accepts.

use super::guide::{Guide, Opinion, ask_once, complete_scores, log_sigmoid};
use crate::victim::Meter;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};

/// Which of two classifiers is to reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejects {
    /// The first rejects, the second accepts.
    First,
    /// The second rejects, the first accepts.
    Second,
}

/// Steers toward disagreement: the probability of a continuation is multiplied by
/// (P(one rejects) · P(the other accepts))^weight, each the logistic function of how far the score lies from
/// its threshold. No head is asked: whether a find is injurious is for people to say.
pub struct Difference<'a, 'v> {
    /// The two classifiers, with the budget.
    pub meter: &'a mut Meter<'v>,
    /// Where each stops accepting.
    pub thresholds: [Threshold; 2],
    /// Which is to reject.
    pub rejects: Rejects,
    /// How much it counts.
    pub weight: f64,
}

impl Difference<'_, '_> {
    /// How far above its threshold the one that is to reject lies, and how far below the other.
    fn margins(&self, scores: &[f64]) -> Option<[f64; 2]> {
        let [first, second, ..] = scores else {
            return None;
        };
        let over = [
            first - self.thresholds[0].logit(),
            second - self.thresholds[1].logit(),
        ];
        Some(match self.rejects {
            Rejects::First => [over[0], -over[1]],
            Rejects::Second => [over[1], -over[0]],
        })
    }

    /// Says whether the two decide differently about a finished text, whichever rejects it.
    pub fn is_find(&self, opinion: &Opinion) -> bool {
        match opinion.scores() {
            Some([first, second, ..]) => {
                (*first < self.thresholds[0].logit()) != (*second < self.thresholds[1].logit())
            }
            _ => false,
        }
    }
}

impl Guide for Difference<'_, '_> {
    fn is_neutral(&self) -> bool {
        self.weight == 0.0
    }

    fn look(&mut self, texts: &[SnippetText]) -> Option<Vec<Opinion>> {
        let scores = ask_once(self.meter, texts)?;
        let opinions = scores.into_iter().map(|scores| {
            let margins = scores.as_ref().ok().and_then(|scores| self.margins(scores));
            let [rejected, accepted] = margins.unwrap_or([f64::NEG_INFINITY; 2]);
            Opinion {
                reward: self.weight * (log_sigmoid(rejected) + log_sigmoid(accepted)),
                scores: Some(scores),
                injury: None,
            }
        });
        Some(opinions.collect())
    }

    fn complete(&mut self, texts: &[SnippetText], known: &mut [Opinion]) -> Option<()> {
        complete_scores(self.meter, texts, known)
    }
}
