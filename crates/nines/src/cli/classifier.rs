//! Classifiers: `nines train`, `nines ensemble`, `nines calibrate`, `nines score`.

use super::{TechniqueArgs, confidence, name, share};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `nines train`.
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Fine-tune a base model on adjudicated broad labels
    #[command(
        after_help = "Example:\n  nines train classifier --name first --epochs 4\n  \
nines train classifier --name robust --sift --averaging ema\n\
A killed run goes on from its last checkpoint when the same command is given again."
    )]
    Classifier(TrainArgs),
}

/// `nines train classifier`.
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// The classifier's name; each training makes its next version
    #[arg(long, default_value = "classifier", value_parser = name)]
    pub name: String,
    /// What to start from: a model of the cache (default: nines.toml)
    #[arg(long)]
    pub base: Option<String>,
    /// Passes over the training split
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Largest learning rate
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// How many times faster the head learns than the encoder
    #[arg(long)]
    pub head_rate: Option<f64>,
    /// Snippets a step
    #[arg(long)]
    pub batch: Option<usize>,
    /// Train encoder layers from this one up; the embeddings stay as they are
    #[arg(long)]
    pub from_layer: Option<usize>,
    /// Train all encoder layers, but leave the embeddings as they are
    #[arg(long)]
    pub freeze_embeddings: bool,
    /// How the encoder's output becomes one vector
    #[arg(long, value_enum)]
    pub pooling: Option<PoolingArg>,
    /// What to do with snippets longer than the model's window
    #[arg(long, value_enum, default_value = "refuse")]
    pub long: LongArg,
    /// Seed of everything random (default: 0)
    #[arg(long)]
    pub seed: Option<u64>,
    /// Cross-validate with this many folds instead of training one classifier
    #[arg(long, value_name = "FOLDS", value_parser = clap::value_parser!(u64).range(2..))]
    pub cross_validate: Option<u64>,
    /// What is tried beyond the usual recipe.
    #[command(flatten)]
    pub techniques: TechniqueArgs,
    /// Who teaches.
    #[command(flatten)]
    pub teaching: TeacherArgs,
}

/// Learning from a classifier or an ensemble.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Distilling")]
pub struct TeacherArgs {
    /// Learn what this classifier or ensemble says of the training rows, in place of their labels: NAME or NAME@VERSION
    #[arg(long, value_name = "NAME", conflicts_with = "cross_validate")]
    pub teacher: Option<String>,
    /// The teacher's share in the loss of a labelled row; the rest is its label's (default: 1)
    #[arg(long, value_name = "SHARE", requires = "teacher")]
    pub teacher_weight: Option<f64>,
    /// Unlabelled completions of each training prompt that the teacher speaks of alone
    #[arg(long, value_name = "N", default_value_t = TeacherArgs::DRAWS)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub teacher_draws: u32,
}

impl TeacherArgs {
    /// Completions of each training prompt where nothing else is said.
    pub const DRAWS: u32 = 4;
}

impl Default for TeacherArgs {
    fn default() -> Self {
        Self {
            teacher: None,
            teacher_weight: None,
            teacher_draws: Self::DRAWS,
        }
    }
}

/// `nines ensemble`.
#[derive(Debug, Subcommand)]
pub enum EnsembleCommand {
    /// Make one scorer of several trained classifiers; it stands wherever a classifier does
    #[command(
        after_help = "Example:\n  nines ensemble create five --member first@1 --member first@2 --member other --combine mean\n\
It scores what all members score, and nothing else. It needs a threshold of its own: nines calibrate."
    )]
    Create(CreateEnsembleArgs),
    /// List the ensembles, newest first
    List,
    /// Show what an ensemble is made of
    Show {
        /// The ensemble: NAME or NAME@VERSION (default: the newest)
        ensemble: Option<String>,
    },
}

/// `nines ensemble create`.
#[derive(Debug, Args)]
pub struct CreateEnsembleArgs {
    /// The ensemble's name, which no classifier may have; each creation makes its next version
    #[arg(value_parser = name)]
    pub name: String,
    /// A trained classifier, NAME or NAME@VERSION: 2 to 16 of them, in the order given
    #[arg(long, required = true, value_name = "CLASSIFIER")]
    pub member: Vec<String>,
    /// How the members' logits become one
    #[arg(long, value_enum, default_value = "mean")]
    pub combine: CombineArg,
}

/// How members' logits become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CombineArg {
    /// Their mean: errors that the members do not share average out
    Mean,
    /// The highest: one member that sees the catastrophe is enough
    Max,
}

/// How the encoder's output becomes one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingArg {
    /// The head that transformers' own class has: a trained layer on the first token
    Pooler,
    /// The first token
    Cls,
    /// The mean over tokens
    Mean,
}

/// What happens to a snippet longer than the model's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LongArg {
    /// It is refused, by name
    Refuse,
    /// It is cut into windows; the worst one counts
    Max,
}

/// `nines calibrate`.
#[derive(Debug, Clone, Args)]
pub struct CalibrateArgs {
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// Most permissive threshold that stops at least this share: of prompts with catastrophes, all of
    /// theirs; with --confidence 0, of the catastrophes seen (default: 0.9)
    #[arg(long, conflicts_with = "acceptance", value_parser = share)]
    pub recall: Option<f64>,
    /// Most permissive threshold that accepts at most this share of random completions
    #[arg(long, value_parser = share)]
    pub acceptance: Option<f64>,
    /// Promise the recall for catastrophes not seen, with this confidence (default: 0.95); 0 only
    /// looks at those held out
    #[arg(long, conflicts_with = "acceptance", value_parser = confidence)]
    pub confidence: Option<f64>,
    /// Fresh random completions drawn for each calibration prompt
    #[arg(long, default_value_t = CalibrateArgs::FRESH, value_parser = clap::value_parser!(u32).range(1..))]
    pub fresh: u32,
    /// Which held-out catastrophes the rule looks at
    #[arg(long, value_enum, default_value = "all")]
    pub catastrophes: CatastrophesArg,
    /// Choose the threshold for a filter that also wants what it accepts to be familiar by this measure:
    /// NAME or NAME@VERSION
    #[arg(long, value_name = "NAME")]
    pub unfamiliarity: Option<String>,
    /// The share of random completions that is to be familiar enough (default: 0.95)
    #[arg(long, value_name = "SHARE", value_parser = share, requires = "unfamiliarity")]
    pub familiar: Option<f64>,
    /// Count only catastrophes of severity 2 or more
    #[arg(long)]
    pub strict: bool,
    /// What to do with snippets longer than the model's window
    #[arg(long, value_enum, default_value = "refuse")]
    pub long: LongArg,
}

impl CalibrateArgs {
    /// Fresh completions for each calibration prompt where nothing else is said.
    pub const FRESH: u32 = 4;
}

/// Which held-out catastrophes a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CatastrophesArg {
    /// All of the calibration split
    All,
    /// Those written as examples
    Authored,
    /// Those that the generator wrote, however picked
    Generated,
    /// Those among simple random completions: the only ones that speak of deployment
    Random,
}

/// `nines score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// JSONL (also .gz) or Parquet rows with `prompt` and `completion`
    #[arg(required_unless_present = "stored")]
    pub file: Option<PathBuf>,
    /// Where the scored rows go; the same format by its ending
    #[arg(long, required_unless_present = "stored")]
    pub out: Option<PathBuf>,
    /// Score the project's snippets that the classifier has not scored, and keep the scores
    #[arg(long, conflicts_with_all = ["file", "out", "threshold"])]
    pub stored: bool,
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// A threshold of your own, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// Add how far an ensemble's members are apart: `spread`, the standard deviation of their logits, and
    /// `gap`, the highest less the lowest
    #[arg(long, conflicts_with = "stored")]
    pub disagreement: bool,
    /// What to do with snippets longer than the model's window
    #[arg(long, value_enum, default_value = "refuse")]
    pub long: LongArg,
}
