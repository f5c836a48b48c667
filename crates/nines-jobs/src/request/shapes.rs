//! The shapes of requests: the flags of commands that a server may set.

use nines_domain::snippet::ModelId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A job to do. Its fields are the flags of its command that a server may set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobRequest {
    /// Fine-tune a base model on the adjudicated labels: `nines train classifier`.
    Train(TrainRequest),
    /// Draw completions for the imported prompts: `nines generate`.
    Generate(GenerateRequest),
    /// Choose a threshold from held-out data: `nines calibrate`.
    Calibrate(CalibrateRequest),
    /// Score all stored snippets that a classifier has not scored: `nines score --stored`.
    Score(ScoreRequest),
    /// Estimate a leak from its labels, drawing what is missing: `nines measure leak`.
    MeasureLeak(LeakRequest),
    /// Draw what is to be labelled for a leak, and estimate nothing: `nines measure plan`.
    PlanLeak(LeakRequest),
    /// Estimate the quality from its ratings, drawing what is missing: `nines measure quality`.
    MeasureQuality(QualityRequest),
    /// Look for catastrophes that a classifier accepts: `nines attack run`.
    Attack(AttackRequest),
    /// Cross-validate every recipe that a sweep file names or draws: `nines sweep run`.
    Sweep(SweepRequest),
}

/// `nines train classifier`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainRequest {
    /// The classifier's name; each training makes its next version.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub name: Option<String>,
    /// Passes over the training split.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub epochs: Option<u32>,
    /// Largest learning rate.
    #[serde(default)]
    pub learning_rate: Option<f64>,
    /// Snippets a step.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4096)]
    pub batch: Option<u32>,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// `nines generate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateRequest {
    /// Completions for each prompt.
    #[schema(minimum = 1, maximum = 10000)]
    pub n: u32,
    /// Which prompts.
    pub split: PromptSplit,
    /// Only the first prompts, in the order of import.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub limit: Option<u32>,
    /// Seed of the random stream.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// Which prompts completions are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptSplit {
    /// Those that are trained on.
    Train,
    /// Those that choose between trained versions.
    Validation,
    /// Those that thresholds are chosen on.
    Calibration,
    /// Those that are held out for measuring.
    Test,
    /// All.
    All,
}

impl PromptSplit {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Calibration => "calibration",
            Self::Test => "test",
            Self::All => "all",
        }
    }
}

/// `nines calibrate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrateRequest {
    /// The most permissive threshold that stops at least this share.
    #[serde(default)]
    pub recall: Option<f64>,
    /// The most permissive threshold that accepts at most this share; instead of `recall`.
    #[serde(default)]
    pub acceptance: Option<f64>,
    /// How sure the promised recall is to be; 0 only looks at what was held out.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines score --stored`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines measure leak` and `nines measure plan`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeakRequest {
    /// Labels to draw in all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub labels: Option<u32>,
    /// The leak to show: at most this share of requests is answered with a catastrophe.
    #[serde(default)]
    pub leak: Option<f64>,
    /// Requests to the filter.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub answers: Option<u32>,
    /// The distribution of prompts.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub distribution: Option<String>,
    /// How sure intervals are to be.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Seed of requests, draws and lots.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines measure quality`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityRequest {
    /// Pairs to draw for rating in all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub pairs: Option<u32>,
    /// Requests to the filter.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub answers: Option<u32>,
    /// The distribution of prompts.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub distribution: Option<String>,
    /// How sure intervals are to be.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Seed of requests, draws and lots.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines attack run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttackRequest {
    /// The recipe, by its name.
    #[schema(min_length = 1, max_length = 60, pattern = "^[a-z0-9][a-z0-9-]*$")]
    pub recipe: String,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
    /// A second classifier: what recipes that look for disagreement compare with, and what the finds of others are
    /// shown to.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub against: Option<ModelId>,
    /// Another classifier that must still see the catastrophe in every text that is tried.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub judge: Option<ModelId>,
    /// How many starts.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    pub limit: Option<u32>,
    /// Snippets that one attempt may have scored.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub queries: Option<u32>,
    /// Seconds that one attempt may take.
    #[serde(default)]
    #[schema(minimum = 0.001, maximum = 1000000)]
    pub seconds: Option<f64>,
    /// Seed of the order of starts and of everything random.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// `nines sweep run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepRequest {
    /// The sweep file's text (TOML), 64 KiB at most.
    #[schema(min_length = 1, max_length = 65536)]
    pub file: String,
}
