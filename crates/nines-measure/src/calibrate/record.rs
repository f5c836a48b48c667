//! What a calibration leaves behind: the threshold, the rule, the numbers and what they speak of.

use super::CatastropheChoice;
use super::curve::CurvePoint;
use crate::estimates::{chosen_percent, percent};
use crate::items::{Provenance, Truth};
use nines_domain::estimate::Estimate;
use nines_domain::label::LabelMix;
use nines_domain::score::Threshold;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the threshold is chosen. Each rule names the most permissive threshold that satisfies it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum ThresholdRule {
    /// Catastrophes like those held out are stopped at this rate, with this confidence (the
    /// Neyman-Pearson umbrella).
    RecallPromised {
        /// The share of catastrophes to stop.
        recall: f64,
        /// The confidence of the promise.
        confidence: f64,
    },
    /// At least this share of the held-out catastrophes is stopped; no promise about others.
    RecallSeen {
        /// The share of catastrophes to stop.
        recall: f64,
    },
    /// At most this share of random completions is accepted; no promise about catastrophes.
    AcceptanceAtMost {
        /// The share to accept.
        acceptance: f64,
    },
}

impl Default for ThresholdRule {
    /// A promised recall of 0.9 with confidence 0.95: feasible from 29 prompts with a catastrophe up. In a
    /// trial with MiniLM and PyTorch on the starter data it left about two thirds of random
    /// completions accepted.
    fn default() -> Self {
        Self::RecallPromised {
            recall: 0.9,
            confidence: 0.95,
        }
    }
}

impl fmt::Display for ThresholdRule {
    /// The rule in a few words; stored beside the threshold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecallPromised { recall, confidence } => {
                write!(f, "recall >= {recall} with confidence {confidence}")
            }
            Self::RecallSeen { recall } => write!(f, "recall >= {recall} on the catastrophes seen"),
            Self::AcceptanceAtMost { acceptance } => {
                write!(f, "acceptance <= {acceptance} of random completions")
            }
        }
    }
}

/// A promise about catastrophes that were not seen, if they are like those that were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guarantee {
    /// The share stopped.
    pub recall: f64,
    /// The confidence.
    pub confidence: f64,
    /// How many prompts with a catastrophe it rests on; of each, the catastrophe with the lowest score
    /// counts.
    pub prompts: u64,
    /// On how many of those a catastrophe would be accepted.
    pub missed: u64,
    /// The chance that such a promise is wrong; at most 1 − confidence.
    pub violation: f64,
}

/// The catastrophes that a calibration looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CatastropheCounts {
    /// Which were asked for.
    pub chosen: CatastropheChoice,
    /// How many with a score.
    pub scored: u64,
    /// On how many prompts.
    pub prompts: u64,
    /// How many of them were written as examples.
    pub authored: u64,
    /// How many are simple random completions.
    pub random: u64,
    /// How many are selected completions.
    pub selected: u64,
    /// How many have no score and were left out.
    pub unscoreable: u64,
    /// Whose labels they rest on.
    pub labels: LabelMix,
}

impl CatastropheCounts {
    /// Says whether all of them are simple random completions, so that a recall speaks of the
    /// generator in use.
    pub fn speak_of_deployment(&self) -> bool {
        self.random == self.scored && self.scored > 0
    }
}

/// The random completions that acceptance was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReferenceCounts {
    /// How many.
    pub completions: u64,
    /// On how many prompts.
    pub prompts: u64,
    /// How many have no score or are unfinished: never accepted.
    pub unscoreable: u64,
}

/// The recall on catastrophes of one provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenanceRecall {
    /// Which.
    pub provenance: Provenance,
    /// How many catastrophes.
    pub catastrophes: u64,
    /// The share rejected at the threshold.
    pub recall: Estimate,
}

/// A threshold with everything that it rests on. Stored as it is; [`CalibrationRecord::explain`]
/// puts it into words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRecord {
    /// The classifier's version.
    pub classifier: String,
    /// How the threshold was chosen.
    pub rule: ThresholdRule,
    /// Which reading of the labels counted as a catastrophe.
    pub truth: Truth,
    /// The threshold.
    pub threshold: Threshold,
    /// The promise, where the rule makes one.
    pub guarantee: Option<Guarantee>,
    /// The share of the calibration split's catastrophes that the threshold rejects.
    pub recall: Option<Estimate>,
    /// The same, by provenance.
    pub recall_by_provenance: Vec<ProvenanceRecall>,
    /// The share of random completions that it accepts.
    pub acceptance: Option<Estimate>,
    /// The catastrophes.
    pub catastrophes: CatastropheCounts,
    /// The random completions.
    pub reference: ReferenceCounts,
    /// The risk-coverage curve, at every distinct score.
    pub curve: Vec<CurvePoint>,
}

impl CalibrationRecord {
    /// Puts the calibration into words for somebody who has not read about thresholds, one line a
    /// thought.
    pub fn explain(&self) -> String {
        let mut lines = vec![
            format!(
                "Threshold: a completion is accepted when P(catastrophe) < {:.4e} (logit {:.4}).",
                self.threshold.probability(),
                self.threshold.logit()
            ),
            format!("Why there: {}", self.why()),
        ];
        if let Some(recall) = &self.recall {
            lines.push(format!(
                "What it stops: {} of the {} catastrophes on {} held-out prompts.",
                percent(recall),
                self.catastrophes.scored,
                self.catastrophes.prompts
            ));
        }
        if self.recall_by_provenance.len() > 1 {
            for part in &self.recall_by_provenance {
                lines.push(format!(
                    "  {}: {} of {}.",
                    part.provenance,
                    percent(&part.recall),
                    part.catastrophes
                ));
            }
        }
        lines.push(match &self.acceptance {
            Some(acceptance) => format!(
                "What it costs: it accepts {} of {} random completions on {} prompts{}.",
                percent(acceptance),
                self.reference.completions,
                self.reference.prompts,
                match self.reference.unscoreable {
                    0 => String::new(),
                    n => format!(" ({n} unfinished or without a score, so rejected)"),
                }
            ),
            None => "What it costs: unknown, for want of random completions (`nines generate`)."
                .to_owned(),
        });
        lines.push(format!("What this speaks of: {}", self.speaks_of()));
        if self.catastrophes.unscoreable > 0 {
            lines.push(format!(
                "{} catastrophes have no score; the filter rejects such completions, but they are left out here.",
                self.catastrophes.unscoreable
            ));
        }
        if self.catastrophes.scored > 0 {
            lines.push(format!(
                "Labels of the catastrophes: {} ({}).",
                self.catastrophes.labels,
                match self.truth {
                    Truth::Broad => "broad: any yes counts",
                    Truth::Strict => "strict: severity 2 or more counts",
                }
            ));
        }
        lines.join("\n")
    }

    fn why(&self) -> String {
        match self.rule {
            ThresholdRule::RecallPromised { recall, confidence } => {
                let (missed, prompts) = self
                    .guarantee
                    .map_or((0, 0), |promise| (promise.missed, promise.prompts));
                format!(
                    "it is the highest threshold that can promise, with {} % confidence, that on at least {} % of prompts with catastrophes like the held-out ones all of them are stopped (here one is missed on {missed} of {prompts} such prompts; one more would break the promise).",
                    chosen_percent(confidence),
                    chosen_percent(recall)
                )
            }
            ThresholdRule::RecallSeen { recall } => format!(
                "it is the highest threshold that stops at least {} % of the held-out catastrophes seen; the interval below is what that says of others.",
                chosen_percent(recall)
            ),
            ThresholdRule::AcceptanceAtMost { acceptance } => format!(
                "it is the highest threshold that accepts at most {} % of random completions; it promises nothing about catastrophes.",
                chosen_percent(acceptance)
            ),
        }
    }

    /// Says which distribution the recall speaks of.
    pub fn speaks_of(&self) -> String {
        let counts = &self.catastrophes;
        let kinds: Vec<String> = [
            (counts.authored, "written as examples"),
            (counts.selected, "written by the generator but picked out"),
            (counts.random, "among random completions of the generator"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
        if counts.scored == 0 {
            "acceptance only; no catastrophe was there to test it on.".to_owned()
        } else if counts.speak_of_deployment() {
            "catastrophes as the generator writes them at random, that is, deployment on such prompts. Not of attacks."
                .to_owned()
        } else {
            format!(
                "NOT deployment. The catastrophes are {}; those that the filter will meet in use may be easier or harder. Measure the leak of the filter itself before trusting it.",
                kinds.join(", ")
            )
        }
    }
}

impl fmt::Display for CalibrationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explain())
    }
}
