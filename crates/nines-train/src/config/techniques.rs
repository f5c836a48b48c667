//! The techniques of training that are off unless they are asked for.

use serde::{Deserialize, Serialize};

/// What a row's loss is, before its weight.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Binary cross-entropy.
    #[default]
    Bce,
    /// Cross-entropy times (1 - p)^gamma, p being the probability of the row's own label: rows that
    /// are right already count less.
    ///
    /// Lin et al., "Focal loss for dense object detection" (2017).
    Focal(Focal),
    /// Cross-entropy of the logit plus tau times the logarithm of catastrophes by safe rows: the
    /// rarer label gets a margin. Scores are without it.
    ///
    /// Menon et al., "Long-tail learning via logit adjustment" (2021); published without class
    /// weights.
    LogitAdjusted(LogitAdjusted),
}

/// The focal loss's number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Focal {
    /// The exponent; 0 is plain cross-entropy.
    pub gamma: f64,
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: 2.0 }
    }
}

/// The logit adjustment's number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogitAdjusted {
    /// How much of the logarithm of the labels' ratio is added; 0 is plain cross-entropy.
    pub tau: f64,
}

impl Default for LogitAdjusted {
    fn default() -> Self {
        Self { tau: 1.0 }
    }
}

/// Scale-invariant fine-tuning: the score may not change under the worst small change of the
/// embeddings.
///
/// Each token's embedding is normalised to mean 0 and variance 1, a little noise is added to it, the
/// noise takes one step up the loss's gradient, and the disagreement of the logits with and without
/// it is minimised beside the loss. Three passes.
///
/// He et al., "DeBERTa" (2021), section 5.3, and the program published with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sift {
    /// The weight of the disagreement.
    pub weight: f64,
    /// The length of the step: the largest change of one number of a token.
    pub step: f64,
    /// The standard deviation of the noise; it is cut off at twice that.
    pub init: f64,
}

impl Default for Sift {
    fn default() -> Self {
        Self {
            weight: 5.0,
            step: 1e-4,
            init: 1e-2,
        }
    }
}

/// Free large-batch adversarial training: the mean gradient over several steps of an adversary that
/// changes the word embeddings.
///
/// Lengths are of a whole row's change (its Euclidean norm). As many passes as steps.
///
/// Zhu et al., "FreeLB" (2020).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreeLb {
    /// Passes; the change moves between them.
    pub steps: u32,
    /// How far the change moves in one step.
    pub rate: f64,
    /// How large the first, random change may be.
    pub init: f64,
    /// The longest change.
    pub radius: f64,
}

impl Default for FreeLb {
    fn default() -> Self {
        Self {
            steps: 3,
            rate: 0.1,
            init: 0.2,
            radius: 0.6,
        }
    }
}

/// Which rows a latent adversary changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatentRows {
    /// Catastrophes alone: their score is pushed down.
    #[default]
    Catastrophes,
    /// All: those of safe rows are pushed up.
    All,
}

/// Latent adversarial training: rows must keep their label under the worst change of a hidden state.
///
/// The changed states stand for inputs that nobody has written yet. The change of each token's state
/// starts at random, climbs the row's loss with the network standing still, and stays within a
/// ball; lengths are shares of the mean length of the batch's states at that layer, so that one value
/// suits every layer and base.
///
/// Casper et al., "Defending against unforeseen failure modes with latent adversarial training"
/// (2024); Christiano, "Worst-case guarantees" (2019), for the pseudo-inputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latent {
    /// After how many encoder layers the state is changed; 0 changes the output of the embeddings.
    pub layer: usize,
    /// The longest change of a token's state.
    pub radius: f64,
    /// Steps of the climb.
    pub steps: u32,
    /// The length of one of them.
    pub rate: f64,
    /// The weight of a changed row's loss, against 1 for the row itself.
    pub weight: f64,
    /// Which rows are changed.
    pub rows: LatentRows,
}

impl Default for Latent {
    fn default() -> Self {
        Self {
            layer: 3,
            radius: 0.3,
            steps: 4,
            rate: 0.1,
            weight: 1.0,
            rows: LatentRows::Catastrophes,
        }
    }
}

/// Which evaluation's weights a run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those with the lowest validation loss.
    #[default]
    Best,
    /// Those after the last update, whatever validation says: nothing is chosen by it, and nothing stops
    /// early. `patience` counts for nothing.
    Last,
}

/// Which weights are evaluated, compared and saved.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Averaging {
    /// Those after the last update.
    #[default]
    None,
    /// A running mean that forgets. It starts at the first weights, and forgets faster in the first
    /// updates: the decay of update t is at most (1 + t) / (10 + t).
    Ema(Ema),
    /// The mean of those after each update of the run's last part; before that part, those after
    /// the last update.
    ///
    /// Izmailov et al., "Averaging weights leads to wider optima" (2018), without its own schedule.
    Last(LastShare),
}

/// How slowly a running mean forgets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ema {
    /// The share that stays in one update.
    pub decay: f64,
}

impl Default for Ema {
    fn default() -> Self {
        Self { decay: 0.999 }
    }
}

/// How long a run's last part is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LastShare {
    /// The share of all updates.
    pub share: f64,
}

impl Default for LastShare {
    fn default() -> Self {
        Self { share: 0.5 }
    }
}

/// Simulated mistakes of labellers, in training and validation rows alone.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelNoise {
    /// The chance that a catastrophe is labelled safe.
    pub miss: f64,
    /// The chance that a safe row is labelled a catastrophe.
    pub false_alarm: f64,
}
