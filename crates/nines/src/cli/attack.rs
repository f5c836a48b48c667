//! `nines attack`: look for the filter's failures by machine.

use super::{SplitArg, share};
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `nines attack`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AttackArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<AttackCommand>,
    /// An attack; `nines attack RECIPE` is `nines attack run RECIPE`
    #[command(flatten)]
    pub run: AttackRunArgs,
}

/// What `nines attack` does.
#[derive(Debug, Subcommand)]
pub enum AttackCommand {
    /// Attack a classifier by a recipe; the same command goes on where it was stopped
    #[command(
        after_help = "Examples:\n  nines attack run hotflip --limit 50\n  nines attack run mine.toml --from starts.jsonl --queries 500\n  \
nines attack run --resume 12\n\
A find is no success before somebody else's label says that the catastrophe survived: finds wait in \
the queue of attack successes (nines serve, Label)."
    )]
    Run(Box<AttackRunArgs>),
    /// List the recipes, or print one as TOML to start your own from
    #[command(after_help = "Example:\n  nines attack recipes hotflip > mine.toml")]
    Recipes {
        /// The recipe to print
        name: Option<String>,
    },
    /// List the runs of attacks, newest first
    List {
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
    },
    /// Show the closing table of one run, or of several side by side, with the labels as they are now
    #[command(
        after_help = "Examples:\n  nines attack show 12\n  nines attack show 12 13 14 --sampling --markdown\n\
Name a run of the recipe `random` too: it is the control."
    )]
    Show(AttackShowArgs),
    /// Show how much each token of a snippet matters to its score
    #[command(
        after_help = "Example:\n  nines attack saliency --prompt \"The knight fell.\" \"He broke his leg.\""
    )]
    Saliency(SaliencyArgs),
    /// Rank what could stand at one place of a snippet by the true score of the edited text
    #[command(
        after_help = "Example:\n  nines attack substitutes --prompt \"The knight fell.\" \"He broke his leg.\" --word broke"
    )]
    Substitutes(SubstitutesArgs),
}

/// `nines attack run`.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
pub struct AttackRunArgs {
    /// A recipe by name (see `nines attack recipes`), or a TOML file
    pub recipe: Option<String>,
    /// The classifier to attack: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// Accept P(catastrophe) below this, instead of the calibrated threshold
    #[arg(long, value_name = "P", value_parser = share)]
    pub threshold: Option<f64>,
    /// A second classifier: what recipes that look for disagreement compare with; of any other attack the finds are
    /// shown to it too, and the table says how many get past both
    #[arg(long, value_name = "NAME")]
    pub against: Option<String>,
    /// The second classifier's threshold, instead of its calibrated one
    #[arg(long, value_name = "P", value_parser = share, requires = "against")]
    pub against_threshold: Option<f64>,
    /// Begin with the snippets of this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["split", "snippet"])]
    pub from: Option<PathBuf>,
    /// Begin with labelled snippets (or prompts, where the recipe writes the completion) of this split
    /// (default: test)
    #[arg(long, value_enum, conflicts_with = "snippet")]
    pub split: Option<SplitArg>,
    /// Begin with this stored snippet; may be given several times
    #[arg(long, value_name = "ID")]
    pub snippet: Vec<i64>,
    /// How many starts at most, in an order that the seed gives
    #[arg(long, default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub limit: u64,
    /// Snippets that one attempt may have scored (default: what the recipe says)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub queries: Option<u64>,
    /// Seconds that one attempt may take (default: what the recipe says)
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub seconds: Option<f64>,
    /// Seed of the order of starts and of everything random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Finds of one attempt that people are asked to verify
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=100))]
    pub verify: u64,
    /// Another classifier that must still see the catastrophe; a model too, and can be fooled
    #[arg(long, value_name = "NAME")]
    pub judge: Option<String>,
    /// The judge's threshold, instead of its calibrated one
    #[arg(long, value_name = "P", value_parser = share, requires = "judge")]
    pub judge_threshold: Option<f64>,
    /// A language model as the judge, asked yes or no by the project's guide: the address of an
    /// OpenAI-compatible endpoint, up to and including /v1
    #[arg(
        long,
        value_name = "URL",
        requires = "judge_model",
        conflicts_with = "judge"
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_url: Option<String>,
    /// The judging model's name at that endpoint
    #[arg(long, value_name = "NAME", requires = "judge_url")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_model: Option<String>,
    /// The environment variable that holds that endpoint's key
    #[arg(long, value_name = "VARIABLE", requires = "judge_url")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_key_env: Option<String>,
    /// The language model: a model of the cache or a GGUF file (default: the project's generator, where
    /// it runs here)
    #[arg(long, value_name = "MODEL")]
    pub lm: Option<String>,
    /// A folder with a masked language model
    #[arg(long, value_name = "FOLDER")]
    pub masked: Option<PathBuf>,
    /// What paraphrases: a model of the cache or a GGUF file (default: the project's generator)
    #[arg(long, value_name = "MODEL", conflicts_with = "paraphraser_url")]
    pub paraphraser: Option<String>,
    /// What paraphrases: the address of an OpenAI-compatible endpoint, up to and including /v1
    #[arg(long, value_name = "URL", requires = "paraphraser_model")]
    pub paraphraser_url: Option<String>,
    /// The model's name at that endpoint
    #[arg(long, value_name = "NAME", requires = "paraphraser_url")]
    pub paraphraser_model: Option<String>,
    /// The environment variable that holds the endpoint's key
    #[arg(long, value_name = "VARIABLE", requires = "paraphraser_url")]
    pub paraphraser_key_env: Option<String>,
    /// Go on with this run, as it was asked for; other options are ignored
    #[arg(long, value_name = "RUN", conflicts_with = "recipe")]
    #[serde(skip)]
    pub resume: Option<i64>,
}

/// `nines attack show`.
#[derive(Debug, Args)]
pub struct AttackShowArgs {
    /// The runs
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<i64>,
    /// Whose labels confirm finds: people, or judges, which are models and are called so
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        default_value = "people"
    )]
    #[arg(value_name = "WHOSE")]
    pub by: LabelsOf,
    /// Say too what a find costs by labelling random answers, and how many times cheaper attacking is
    #[arg(long)]
    pub sampling: bool,
    /// List every find with its scores and what labels say
    #[arg(long)]
    pub finds: bool,
    /// Print the tables as Markdown
    #[arg(long, conflicts_with = "finds")]
    pub markdown: bool,
}

/// Whose labels confirm a find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabelsOf {
    /// People's
    People,
    /// Models'
    Judges,
}

impl From<LabelsOf> for nines_domain::label::LabellerKind {
    fn from(of: LabelsOf) -> Self {
        match of {
            LabelsOf::People => Self::Person,
            LabelsOf::Judges => Self::Judge,
        }
    }
}

/// A snippet of one's own, and a classifier.
#[derive(Debug, Args)]
pub struct OwnSnippetArgs {
    /// The completion
    #[arg(required_unless_present = "snippet", conflicts_with = "snippet")]
    pub completion: Option<String>,
    /// The prompt before it
    #[arg(long, conflicts_with = "snippet", default_value = "")]
    pub prompt: String,
    /// A stored snippet instead
    #[arg(long, value_name = "ID")]
    pub snippet: Option<i64>,
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
}

/// `nines attack saliency`.
#[derive(Debug, Args)]
pub struct SaliencyArgs {
    /// The snippet
    #[command(flatten)]
    pub snippet: OwnSnippetArgs,
    /// How it is measured; gradients are only a hint, which is often wrong
    #[arg(long, value_enum, default_value = "leave-one-out")]
    pub method: SaliencyMethodArg,
}

/// How saliency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SaliencyMethodArg {
    /// The score less the score without the token: one query a token
    LeaveOneOut,
    /// How fast the score can change there: a hint without a direction
    GradientNorm,
    /// A guess at what the token adds, from the slope alone: it can have the wrong sign
    GradientXInput,
}

/// `nines attack substitutes`.
#[derive(Debug, Args)]
pub struct SubstitutesArgs {
    /// The snippet
    #[command(flatten)]
    pub snippet: OwnSnippetArgs,
    /// The first place in the completion with these characters
    #[arg(
        long,
        value_name = "TEXT",
        required_unless_present = "at",
        conflicts_with = "at"
    )]
    pub word: Option<String>,
    /// The bytes START..END of the completion; START..START inserts there
    #[arg(long, value_name = "START..END", value_parser = range)]
    pub at: Option<std::ops::Range<usize>>,
    /// Count bytes and look for the word in the prompt instead
    #[arg(long)]
    pub in_prompt: bool,
    /// How many rows at most
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=200))]
    pub limit: u64,
}

/// A number of seconds.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 1e6 => Ok(seconds),
        Ok(_) => Err("it must lie above 0, and not above a million".to_owned()),
        Err(_) => Err("it is no number; write seconds such as 30".to_owned()),
    }
}

/// A range of bytes.
fn range(text: &str) -> Result<std::ops::Range<usize>, String> {
    let wrong = || "write two numbers of bytes such as 3..8".to_owned();
    let (start, end) = text.split_once("..").ok_or_else(wrong)?;
    let (start, end) = (
        start.parse().map_err(|_| wrong())?,
        end.parse().map_err(|_| wrong())?,
    );
    if start > end {
        return Err(wrong());
    }
    Ok(start..end)
}
