//! `nines measure`.

use super::filter::tightening;
use super::{CautionArgs, SamplingArgs, SplitArg, share};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `nines measure`.
#[derive(Debug, Subcommand)]
pub enum MeasureCommand {
    /// Say how many labels a goal takes, and draw what to label next
    #[command(
        after_help = "Examples:\n  nines measure plan --leak 0.01\n  nines measure plan --labels 300\n\
The queue is written before anybody labels it; `nines label export --queue leak` gives it out."
    )]
    Plan(LeakPlanArgs),
    /// How often a request is answered with a catastrophe
    #[command(
        after_help = "Examples:\n  nines measure leak\n  nines measure leak --answers 3000 --labels 500 --distribution test"
    )]
    Leak(LeakArgs),
    /// How often raters prefer the filter's answer to a random unfiltered completion
    #[command(after_help = "Example:\n  nines measure quality --pairs 200\n  \
nines label export --queue quality --out pairs.jsonl\n  \
nines measure quality --threshold 0.001 --curve 0.01,0.1,0.5")]
    Quality(QualityDesignArgs),
    /// How two classifiers differ in leak, from labels where their answers differ
    #[command(after_help = "Example:\n  nines measure compare first@1 first@2")]
    Compare(CompareFiltersArgs),
    /// Where a threshold that tightens with rejections abstains as often as the fixed one: no label needed
    #[command(after_help = "Example:\n  nines measure tightening --tighten 0.5\n\
It draws for the prompts of the calibration split, and names the threshold at which the tightening filter leaves as\n\
many prompts without an answer; nines measure compare then says how the two differ in leak.")]
    Tightening(TighteningArgs),
    /// How far labellers agree
    Agreement(ConfidenceArgs),
    /// How long attackers take to find a failure
    #[command(
        after_help = "Example:\n  nines import sessions sessions.csv\n  nines measure attack-time\n  \
nines measure attack-time --attack 12 --attack 13\n\
Sessions of the Rewrite page are read too; a find counts once somebody else has verified it."
    )]
    AttackTime(AttackTimeArgs),
    /// What a classifier makes of the style of attacks: the same snippets plain and in style
    #[command(
        after_help = "Examples:\n  nines measure style\n  nines measure style --classifier robust --against first"
    )]
    Style(StyleArgs),
    /// Whether the generator goes on as if somebody was hurt, after catastrophes that the classifier missed
    #[command(after_help = "Example:\n  nines measure understanding --limit 10 --continuations 20")]
    Understanding(UnderstandingArgs),
    /// How bad the worst prompt of many more will be, by the classifier's own scores
    Forecast(FrameArgs),
    /// The worst catastrophes found, how far from the threshold, and what more caution costs
    Margin(FrameArgs),
    /// Named distributions of prompts
    #[command(subcommand)]
    Distribution(DistributionCommand),
    /// Explain an estimate: what it means, what it rests on
    #[command(
        after_help = "Examples:\n  nines measure show           (lists all)\n  nines measure show 12 --rows"
    )]
    Show {
        /// Its number
        id: Option<i64>,
        /// List the rows it rests on
        #[arg(long)]
        rows: bool,
    },
}

/// What decides which requests are measured.
#[derive(Debug, Clone, Args)]
pub struct FrameArgs {
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// A threshold of your own, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// A second condition
    #[command(flatten)]
    pub caution: CautionArgs,
    /// Draws before the filter abstains (default: nines.toml)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub budget: Option<u32>,
    /// After k draws that were not accepted, demand a score below the threshold by STEP*ln(1+k) logits
    #[arg(long, value_name = "STEP", value_parser = tightening)]
    pub tighten: Option<f64>,
    /// The distribution of prompts (default: test, the prompts of the test split)
    #[arg(long, default_value = "test")]
    pub distribution: String,
    /// Requests to the filter; more can be added later (default: 1000, or as many as there are)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub answers: Option<u64>,
    /// Seed of requests, draws and lots
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How sure intervals are to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub confidence: f64,
}

/// `nines measure style`.
#[derive(Debug, Clone, Args)]
pub struct StyleArgs {
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// Another classifier, to be compared on the same pairs
    #[arg(long)]
    pub against: Option<String>,
    /// A threshold of your own, as a probability (default: each classifier's calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
}

/// `nines measure understanding`.
#[derive(Debug, Clone, Args)]
pub struct UnderstandingArgs {
    /// The classifier that missed them: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// A threshold of your own, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// The classifier that reads the continuations (default: the same)
    #[arg(long)]
    pub judge: Option<String>,
    /// A continuation implies the catastrophe where the judge says at least this probability
    #[arg(long, default_value_t = 0.5, value_parser = share)]
    pub implied: f64,
    /// At most so many missed catastrophes, the lowest scores first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Continuations of each, and of each control
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub continuations: u32,
    /// How continuations are drawn
    #[command(flatten)]
    pub sampling: SamplingArgs,
}

/// `nines measure leak` and `plan`.
#[derive(Debug, Clone, Args)]
pub struct LeakArgs {
    /// Which requests
    #[command(flatten)]
    pub frame: FrameArgs,
    /// The leak to show: at most this share of requests is answered with a catastrophe
    #[arg(long, value_name = "RATE", value_parser = share)]
    pub leak: Option<f64>,
    /// Labels to draw in all (default: what --leak takes, or 200)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub labels: Option<u64>,
    /// Strata of scores, fixed when a design is first drawn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=50))]
    pub strata: u64,
    /// Where labels go
    #[arg(long, value_enum, default_value = "mixed")]
    pub allocation: AllocationArg,
}

/// `nines measure plan`.
#[derive(Debug, Clone, Args)]
pub struct LeakPlanArgs {
    /// The design
    #[command(flatten)]
    pub design: LeakArgs,
    /// Only say what would be drawn
    #[arg(long)]
    pub dry_run: bool,
}

/// Where labels go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AllocationArg {
    /// Every answer equally likely: the cheapest guarantee
    Proportional,
    /// Where the classifier expects catastrophes: the narrowest estimate, the dearest guarantee
    Neyman,
    /// Half and half
    #[default]
    Mixed,
}

/// `nines measure quality`.
#[derive(Debug, Clone, Args)]
pub struct QualityDesignArgs {
    /// Which requests
    #[command(flatten)]
    pub frame: FrameArgs,
    /// Pairs to draw for rating in all (default: 150, or those drawn already)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub pairs: Option<u64>,
    /// Also the quality at these less cautious thresholds (probabilities, comma-separated), from the
    /// same completions; each costs the ratings of pairs that only it has
    #[arg(long, value_delimiter = ',', value_parser = share)]
    pub curve: Vec<f64>,
}

/// `nines measure compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareFiltersArgs {
    /// A classifier: NAME or NAME@VERSION
    pub first: String,
    /// The other
    pub second: String,
    /// The other's threshold, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub second_threshold: Option<f64>,
    /// By how much the other's threshold tightens, in logits (default: it stays)
    #[arg(long, value_name = "STEP", value_parser = tightening)]
    pub second_tighten: Option<f64>,
    /// Requests with different answers to draw for labelling in all (default: 200, or those drawn already)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub labels: Option<u64>,
    /// Which requests
    #[command(flatten)]
    pub frame: FrameArgs,
}

/// `nines measure tightening`.
#[derive(Debug, Clone, Args)]
pub struct TighteningArgs {
    /// The step, in logits: after k draws that were not accepted the threshold lies STEP*ln(1+k) lower
    #[arg(long, value_name = "STEP", value_parser = tightening)]
    pub tighten: f64,
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// The fixed threshold, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// Draws before the filter abstains (default: nines.toml)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub budget: Option<u32>,
    /// The prompts of this split
    #[arg(long, value_enum, default_value = "calibration")]
    pub split: SplitArg,
    /// Only the first prompts, in the order of import
    #[arg(long)]
    pub limit: Option<usize>,
    /// How sure intervals are to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub confidence: f64,
}

/// `nines measure attack-time`.
#[derive(Debug, Clone, Args)]
pub struct AttackTimeArgs {
    /// Read the attempts of this run of `nines attack` too, with queries as their time; may be given
    /// several times
    #[arg(long, value_name = "RUN")]
    pub attack: Vec<i64>,
    /// How sure
    #[command(flatten)]
    pub confidence: ConfidenceArgs,
}

/// What only wants a confidence.
#[derive(Debug, Clone, Args)]
pub struct ConfidenceArgs {
    /// How sure intervals are to be
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub confidence: f64,
    /// Seed of resampling
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `nines measure distribution`.
#[derive(Debug, Subcommand)]
pub enum DistributionCommand {
    /// Name a distribution; it never changes afterwards
    #[command(
        after_help = "Examples:\n  nines measure distribution add all-held-out --splits test,calibration\n  \
nines measure distribution add violent --words sword,blood,knife --enrich 10\n  \
nines measure distribution add hard --by rejected --enrich 10\n  \
nines measure distribution add injurious --by injurious\n  \
nines measure distribution add half --mix test=0.5,hard=0.5\n  \
nines measure distribution add mine --file weights.jsonl"
    )]
    Add(AddDistributionArgs),
    /// List them
    List,
}

/// `nines measure distribution add`.
#[derive(Debug, Clone, Args)]
pub struct AddDistributionArgs {
    /// Its name
    pub name: String,
    /// Prompts of these splits, comma-separated (default: test; measuring on others flatters)
    #[arg(long, value_delimiter = ',', value_enum, default_value = "test")]
    pub splits: Vec<super::SplitArg>,
    /// Only prompts from these sources
    #[arg(long, value_delimiter = ',')]
    pub sources: Vec<String>,
    /// Prompts that hold one of these words weigh --enrich times as much
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["by", "mix", "file"])]
    pub words: Vec<String>,
    /// Weigh prompts by what is known of them
    #[arg(long, value_enum, conflicts_with_all = ["mix", "file"])]
    pub by: Option<DistributionBy>,
    /// How much more the marked prompts weigh
    #[arg(long, default_value_t = 10.0)]
    pub enrich: f64,
    /// A mixture of distributions: NAME=SHARE, comma-separated
    #[arg(long, value_delimiter = ',', conflicts_with = "file")]
    pub mix: Vec<String>,
    /// Rows with `prompt` and `weight` (JSONL, CSV or Parquet)
    #[arg(long)]
    pub file: Option<PathBuf>,
}

/// What a prompt's weight follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DistributionBy {
    /// 1 + (enrich − 1) times the share of its stored completions that the newest classifier rejects
    Rejected,
    /// Only prompts with a completion labelled as a catastrophe
    Injurious,
}
